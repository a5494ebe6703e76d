"""Telling the operator's own log."""

import structlog

from mlrollout.domain.state import Alert, Phase, Reason, State, Transition
from mlrollout.runtime.telling import Sink
from mlrollout.runtime.tracked import TrackedObject

log = structlog.get_logger(__name__)


class LogSink(Sink):
    """One line for one piece of news; a rollback's is written when Redis has taken it."""

    name = "log"

    def transition(self, rollout: TrackedObject, entry: Transition) -> None:
        """Write a line, but for a rollback that has one."""
        if entry.reason != Reason.ROLLED_BACK or entry.attempt != rollout.told.rollback:
            _write(rollout, entry, attempt=entry.attempt, stage=entry.stage, percentage=entry.percentage)

    def alert(self, rollout: TrackedObject, alert: Alert) -> None:
        """Write a line."""
        _write(rollout, alert)

    def lowered(self, rollout: TrackedObject, state: State, *, again: bool) -> None:
        """Write a line now: the history waits for the API server, and knows nothing of a standby's evidence."""
        if state.phase is Phase.ROLLED_BACK:
            rollout.told.rollback = state.record.ordinal
        log.warning(
            "Traffic that had come back was taken down again" if again else "Traffic was taken down",
            object=str(rollout.ref),
            percentage=state.record.percentage,
            reason=state.cause,
            explanation=state.explanation,
        )


def _write(rollout: TrackedObject, news: Transition | Alert, **facts: object) -> None:
    write = log.warning if news.warning else log.info
    write(news.message, object=str(rollout.ref), reason=str(news.reason), **facts)
