"""Each sink hears of each transition once, by a cursor of its own."""

# ruff: noqa: ARG002 - what a sink is told is the same for all

from dataclasses import replace

import structlog
from mlrollout.domain.decision import Alert
from mlrollout.domain.reason import Reason
from mlrollout.domain.record import Record
from mlrollout.domain.state import State, Transition
from mlrollout.ports import Ref
from mlrollout.runtime.loop_time import LoopTime
from mlrollout.runtime.telling import AGAIN_AFTER, MOST_ONCE, RETOLD, Outbox, Sink, before_lately
from mlrollout.runtime.tracked import Resource, TrackedObject

from tests.support.virtual_time import virtual

NOW = 1_800_000_000.0
BEGUN = State(Record(attempt=1, latched=False, sequence=1, percentage=10), NOW).with_transition(
    NOW, Reason.ATTEMPT_STARTED, "begun"
)
DOWN = BEGUN.with_transition(NOW, Reason.GUARDRAIL_BREACHED, "0.2 is above 0.05").with_transition(
    NOW, Reason.ROLLED_BACK, "10 % -> 0 %"
)


class Wall:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.time = NOW

    def now(self) -> float:
        return self.time


class Listener(Sink):
    """Remembers what it is told."""

    def __init__(self, name: str, *, hears_causes: bool = False) -> None:
        self.name = name
        self.hears_causes = hears_causes
        self.heard: list[str] = []

    def transition(self, tracked: TrackedObject, transition: Transition) -> None:
        self.heard.append(transition.reason)

    def alert(self, tracked: TrackedObject, alert: Alert) -> None:
        self.heard.append(alert.message)


class Forgiving(Listener):
    """Knows the same news again."""

    def told_before(self, tracked: TrackedObject, now: float) -> int:
        return before_lately(tracked, now)


class Persistent(Listener):
    """Its cursor is kept where every process finds it."""

    kept = 0

    def told_before(self, tracked: TrackedObject, now: float) -> int:
        return self.kept

    def transition(self, tracked: TrackedObject, transition: Transition) -> None:
        super().transition(tracked, transition)
        self.kept = transition.serial


def outbox(*sinks: Sink, clock: Wall | None = None) -> Outbox:
    return Outbox(sinks, clock or Wall())


def met(box: Outbox, saved: State | None) -> TrackedObject:
    """An object that a process has just met."""
    tracked = TrackedObject(Ref("dispatch", "ml-dispatch"), resource=Resource(saved=saved))
    box.recall(tracked)
    return tracked


def test_a_transition_is_told_once_however_often_it_is_saved() -> None:
    sink = Listener("a")
    box = outbox(sink)
    tracked = met(box, None)
    for saved in (BEGUN, BEGUN, DOWN, DOWN):
        tracked.resource.saved = saved
        box.transitions(tracked)
    assert sink.heard == ["AttemptStarted", "RolledBack"]


def test_a_sink_may_hear_of_a_rollback_s_cause_as_well() -> None:
    sink = Listener("a", hears_causes=True)
    box = outbox(sink)
    tracked = met(box, None)
    tracked.resource.saved = DOWN
    box.transitions(tracked)
    assert sink.heard == ["AttemptStarted", "GuardrailBreached", "RolledBack"]


def test_who_meets_an_object_tells_again_what_its_last_guard_may_not_have_told() -> None:
    """But only those who know it to be the same."""
    sink, exact, wall = Forgiving("a"), Listener("b"), Wall()
    box = outbox(sink, exact, clock=wall)
    wall.time = NOW + RETOLD
    box.transitions(met(box, DOWN))
    assert sink.heard == ["AttemptStarted", "RolledBack"]
    assert exact.heard == []
    wall.time += 1
    box.transitions(met(box, DOWN))
    assert sink.heard == ["AttemptStarted", "RolledBack"]


def test_each_sink_has_a_cursor_of_its_own() -> None:
    """One that keeps it where every process finds it hears nothing twice, and misses nothing however old."""
    kept, other = Persistent("kept"), Forgiving("other")
    wall = Wall()
    box = outbox(kept, other, clock=wall)
    box.transitions(met(box, BEGUN))
    box.transitions(met(box, BEGUN))
    wall.time += 10 * RETOLD
    box.transitions(met(box, DOWN))
    box.transitions(met(box, DOWN))
    assert kept.heard == ["AttemptStarted", "RolledBack"]
    assert other.heard == ["AttemptStarted", "AttemptStarted"]


def test_what_others_have_told_is_not_told_again() -> None:
    sink, wall = Forgiving("a"), Wall()
    box = outbox(sink, clock=wall)
    tracked = met(box, BEGUN)
    tracked.resource.saved = DOWN
    wall.time += RETOLD + 1
    box.recall(tracked)
    box.transitions(tracked)
    assert sink.heard == []


@virtual
async def test_what_goes_on_is_told_to_all_when_it_begins_and_now_and_then() -> None:
    one, other = Listener("one"), Listener("other")
    box = outbox(one, other)
    tracked = met(box, None)
    alert = Alert(Reason.TRAFFIC_UNCONFIRMED, "redis", "away")
    box.alerts(tracked, (alert, replace(alert, message="of the same")))
    box.alerts(tracked, (alert,))
    assert one.heard == other.heard == ["away"]
    tracked.told.alerted = {key: LoopTime(at - AGAIN_AFTER) for key, at in tracked.told.alerted.items()}
    box.alerts(tracked, (alert,))
    box.alerts(tracked, ())
    box.alerts(tracked, (alert,))
    assert one.heard == ["away"] * 3


@virtual
async def test_what_is_told_once_is_remembered_for_some_generations_only() -> None:
    listener = Listener("one")
    box = outbox(listener)
    tracked = met(box, None)
    for generation in range(2 * MOST_ONCE):
        doubt = Alert(Reason.GUARDRAIL_DOUBTFUL, f"{generation} errors", f"{generation}", once=f"doubt-{generation}")
        for _ in range(3):
            box.alerts(tracked, (doubt,))
            box.alerts(tracked, ())
    assert listener.heard == [str(generation) for generation in range(2 * MOST_ONCE)]
    assert len(tracked.told.alerted) <= MOST_ONCE + 1


def test_what_is_wrong_with_one_sink_keeps_nothing_from_another() -> None:
    class Broken(Listener):
        def transition(self, tracked: TrackedObject, transition: Transition) -> None:
            raise KeyError("a bug")

    other = Forgiving("other")
    box = outbox(Broken("broken"), other)
    tracked = met(box, None)
    tracked.resource.saved = BEGUN
    with structlog.testing.capture_logs() as logs:
        box.transitions(tracked)
    assert other.heard == ["AttemptStarted"]
    assert [(entry["log_level"], entry["sink"]) for entry in logs] == [("error", "broken")]
