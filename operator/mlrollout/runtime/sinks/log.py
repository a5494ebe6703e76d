"""Telling the operator's own log."""

import structlog

from mlrollout.api import moment
from mlrollout.domain.decision import Alert
from mlrollout.domain.reason import Reason
from mlrollout.domain.state import Phase, State, Transition
from mlrollout.runtime.telling import Sink
from mlrollout.runtime.tracked import TrackedObject

log = structlog.get_logger(__name__)


class LogSink(Sink):
    """One line for one piece of news; a rollback's is written when Redis has taken it."""

    name = "log"

    def transition(self, tracked: TrackedObject, transition: Transition) -> None:
        """Write a line, but for a rollback that has one."""
        if transition.reason != Reason.ROLLED_BACK or transition.attempt != tracked.told.rollback:
            _write(
                tracked,
                transition,
                at=moment.render(transition.at),
                attempt=transition.attempt,
                stage=transition.stage,
                percentage=transition.percentage,
            )

    def alert(self, tracked: TrackedObject, alert: Alert) -> None:
        """Write a line."""
        _write(tracked, alert)

    def lowered(self, tracked: TrackedObject, state: State, *, again: bool) -> None:
        """Write a line now: the history waits for the API server, and knows nothing of a standby's evidence."""
        if state.phase is Phase.ROLLED_BACK:
            tracked.told.rollback = state.record.ordinal
        log.warning(
            "Traffic that had come back was taken down again" if again else "Traffic was taken down",
            object=str(tracked.ref),
            percentage=state.record.percentage,
            reason=state.cause,
            explanation=state.explanation,
        )


def _write(tracked: TrackedObject, news: Transition | Alert, **facts: object) -> None:
    write = log.warning if news.warning else log.info
    write(news.message, object=str(tracked.ref), reason=str(news.reason), **facts)
