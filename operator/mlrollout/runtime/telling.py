"""Telling people: an outbox of news, and the sinks that it goes to. It never delays anything.

News is of three kinds. A transition stands in the history of the saved status under a serial, and every sink hears of
it once: each has a cursor of its own in that history. An alert goes on, and is repeated while it does. The last word
about a deleted object is told when no status is left that could hold it. To tell somebody else is to write one more
`Sink`; see `sinks/`.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from itertools import zip_longest
from math import inf

import structlog

from mlrollout.domain.decision import Alert
from mlrollout.domain.latch import CAUSES
from mlrollout.domain.reason import Reason
from mlrollout.domain.state import State, Transition
from mlrollout.ports import Clock

from .loop_time import LoopTime, loop_time
from .tracked import TrackedObject

log = structlog.get_logger(__name__)

AGAIN_AFTER = 300.0
"""Seconds after which something that still goes on is told again."""
MOST_ONCE = 256
"""How many of what is told once are remembered of one object, so that they are not told again."""
RETOLD = 300.0
"""Seconds within which whoever saved a transition may have died before telling it."""


class Sink:
    """Somebody who is told. A sink takes what concerns it of the following, and returns at once.

    A rollback must not wait for whoever hears of it: what takes time belongs into a `Delivery`.

    Attributes:
        name: Under which its cursor is kept.
        hears_causes: Whether it hears of the cause of a rollback as well, which is one piece of news with it.
    """

    name = ""
    hears_causes = False

    def told_before(self, tracked: TrackedObject, now: float) -> int:  # noqa: ARG002 - for those that go by it
        """Serial of the last transition that others have told; asked where this process meets or takes over an object.

        Here it is the last that there is: whoever saved it told it in the same breath, and a receiver that can't tell a
        repetition from news must not hear it twice. For one that can, answer with `before_lately`. A sink that must
        neither miss nor repeat anything keeps its cursor in the status, and answers with that.
        """
        return max((transition.serial for transition in _history(tracked)), default=0)

    def transition(self, tracked: TrackedObject, transition: Transition) -> None:
        """A transition was saved."""

    def alert(self, tracked: TrackedObject, alert: Alert) -> None:
        """Something goes on that a person should hear of."""

    def lowered(self, tracked: TrackedObject, state: State, *, again: bool) -> None:
        """Redis took a way down: told before its transition is saved, and by whoever brought it, leader or not."""

    def last_word(self, tracked: TrackedObject, alert: Alert) -> None:
        """What became of the key of an object that goes; its subject tells it from other last words."""

    def saving(self, tracked: TrackedObject, state: State, alerts: Sequence[Alert]) -> None:
        """A state is about to be saved: note in `tracked` what the status shall hold of this sink's."""

    def saved(self, tracked: TrackedObject) -> None:
        """The status stands as it is known, whoever saved it: asked again and again, for whoever goes by it."""

    def failures(self, tracked: TrackedObject) -> Sequence[Alert]:  # noqa: ARG002 - for those that have some
        """What people should hear of who can't be told."""
        return ()

    def forget(self, tracked: TrackedObject) -> None:
        """The object no longer exists."""

    @property
    def under_way(self) -> Collection[asyncio.Task[None]]:
        """What of it goes on in the background."""
        return ()


def before_lately(tracked: TrackedObject, now: float) -> int:
    """Serial of the last transition that is so old that it has been told, by whoever saved it or by a successor."""
    return max((transition.serial for transition in _history(tracked) if transition.at < now - RETOLD), default=0)


class Outbox:
    """Hands news of each object to every sink, once."""

    def __init__(self, sinks: Sequence[Sink], clock: Clock) -> None:
        self._sinks = sinks
        self._clock = clock

    def recall(self, tracked: TrackedObject) -> None:
        """Move the cursors past what others have told, where this process meets an object or takes it over."""
        now, cursors = self._clock.now(), tracked.told.cursors
        for sink in self._sinks:
            cursors[sink.name] = max(cursors.get(sink.name, 0), sink.told_before(tracked, now))

    def transitions(self, tracked: TrackedObject) -> None:
        """Tell of the transitions in the saved status that lie after each sink's cursor."""
        self._each(lambda sink: _catch_up(sink, tracked))
        self._each(lambda sink: sink.saved(tracked))

    def saving(self, tracked: TrackedObject, state: State, alerts: Sequence[Alert]) -> None:
        """Have every sink note what of its own the status shall hold."""
        self._each(lambda sink: sink.saving(tracked, state, alerts))

    def failures(self, tracked: TrackedObject) -> Sequence[Alert]:
        """What people should hear of who can't be told."""
        return [alert for sink in self._sinks for alert in sink.failures(tracked)]

    def forget(self, tracked: TrackedObject) -> None:
        """Let go of an object that no longer exists."""
        self._each(lambda sink: sink.forget(tracked))

    def alerts(self, tracked: TrackedObject, alerts: Sequence[Alert]) -> None:
        """Tell what goes on, when it begins and while it lasts."""
        now, told = loop_time(), tracked.told
        # What is told once stays told, also where it comes and goes with what is measured.
        once = [key for key, at in told.alerted.items() if at == inf][-MOST_ONCE:]
        going_on = {_key(alert) for alert in alerts} | set(once)
        told.alerted = {key: at for key, at in told.alerted.items() if key in going_on}
        for alert in alerts:
            if now - told.alerted.get(_key(alert), -inf) >= AGAIN_AFTER:
                told.alerted[_key(alert)] = LoopTime(inf) if alert.once else now
                self._alert(tracked, alert)

    def _alert(self, tracked: TrackedObject, alert: Alert) -> None:
        self._each(lambda sink: sink.alert(tracked, alert))

    def lowered(self, tracked: TrackedObject, state: State, *, again: bool) -> None:
        """Tell now what Redis took: the history waits for the API server, and of a standby's evidence knows nothing."""
        self._each(lambda sink: sink.lowered(tracked, state, again=again))

    def last_word(self, tracked: TrackedObject, alert: Alert) -> None:
        """Tell what became of the key of an object that goes."""
        self._each(lambda sink: sink.last_word(tracked, alert))

    def _each(self, tell: Callable[[Sink], None]) -> None:
        """Have every sink told: what is wrong with one must reach neither another nor the way down."""
        for sink in self._sinks:
            try:
                tell(sink)
            except Exception:  # whatever it is, telling is no reason to stop
                log.exception("Unexpected error in a sink; the others are told", sink=sink.name)

    @property
    def under_way(self) -> Collection[asyncio.Task[None]]:
        """What has been handed on and is not told yet."""
        return {task for sink in self._sinks for task in sink.under_way}

    async def drain(self, seconds: float) -> None:
        """Give what is under way a moment before the process ends."""
        if self.under_way:
            await asyncio.wait(set(self.under_way), timeout=seconds)


def _history(tracked: TrackedObject) -> Sequence[Transition]:
    return tracked.resource.saved.history if tracked.resource.saved is not None else ()


def _catch_up(sink: Sink, tracked: TrackedObject) -> None:
    history, cursors = _history(tracked), tracked.told.cursors
    for transition, after in zip_longest(history, history[1:]):
        if transition.serial > cursors[sink.name]:
            cursors[sink.name] = transition.serial
            if sink.hears_causes or not _is_told_with(after, transition):
                sink.transition(tracked, transition)


def _is_told_with(rollback: Transition | None, cause: Transition) -> bool:
    """Whether it is the rollback that this is the cause of: the two are one piece of news."""
    return rollback is not None and rollback.reason == Reason.ROLLED_BACK and cause.reason in CAUSES


def _key(alert: Alert) -> tuple[str, str]:
    return alert.reason.value, alert.subject
