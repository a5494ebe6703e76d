"""What people and tools are told: one row for each situation."""

from dataclasses import replace

import pytest
from mlrollout.api import moment
from mlrollout.api.spec import Requirement
from mlrollout.api.status import Condition, ConditionStatus
from mlrollout.domain.conditions import (
    GUARDRAILS_HEALTHY,
    READY,
    RECONCILING,
    STALLED,
    TRAFFIC_APPLIED,
    Fact,
    facts,
    stalled,
    stamp,
)
from mlrollout.domain.decide import decide
from mlrollout.domain.decision import Decision, Observation
from mlrollout.domain.reason import Reason
from mlrollout.domain.record import encode

from tests.pure.domain.decisions import alerts
from tests.pure.domain.situations import world_at
from tests.pure.domain.specs import STAGES, Edit
from tests.pure.domain.world import FOREIGN, HOLDER, UID, Happening, World
from tests.support.redis_model import State as Redis

BLOCKED: list[Happening] = [("look", 0, "Error"), ("handle", 0)]
TABLE: dict[str, tuple[str, list[Happening], str, str, str, str]] = {
    # where; what happens; Ready; Reconciling or Stalled; GuardrailsHealthy; TrafficApplied
    "advancing": ("second stage", [], "False Progressing", RECONCILING, "True", "True"),
    "window reaches back": (
        "first stage announced",
        [("go_well", 3)],
        "False GuardrailsUnknown",
        RECONCILING,
        "True",
        "True",
    ),
    "announced": ("second stage announced", [], "False TrafficUnconfirmed", RECONCILING, "True", "False"),
    "announced, no evidence": (
        "second stage announced",
        BLOCKED,
        "False GuardrailsUnknown",
        RECONCILING,
        "Unknown",
        "False",
    ),
    "announced, paused": (
        "second stage announced",
        [("pause", True), ("handle", 0)],
        "False Paused",
        "",
        "True",
        "False",
    ),
    "no data": (
        "second stage",
        [("look", 0, "NoData"), ("handle", 0)],
        "False GuardrailsUnknown",
        RECONCILING,
        "Unknown",
        "True",
    ),
    "Prometheus down": (
        "second stage",
        [("looks", "Error"), ("handle", 0)],
        "False GuardrailsUnknown",
        RECONCILING,
        "Unknown",
        "True",
    ),
    "too few samples": (
        "second stage",
        [("looks", "Inconclusive"), ("handle", 0)],
        "False GuardrailsUnknown",
        RECONCILING,
        "Unknown",
        "True",
    ),
    "a held breach": ("second stage", [("breach", 2)], "False GuardrailsUnhealthy", RECONCILING, "False", "True"),
    "Redis down": (
        "second stage",
        [("redis_is", False), ("handle", 0)],
        "False TrafficUnconfirmed",
        RECONCILING,
        "True",
        "Unknown",
    ),
    "paused by a person": ("paused", [], "False Paused", "", "True", "True"),
    "paused by the spec": ("paused by the spec", [], "False Paused", "", "True", "True"),
    "manual gate": ("waiting for approval", [], "False AwaitingApproval", "", "True", "True"),
    "manual gate of the first stage": ("before the first stage", [], "False AwaitingApproval", "", "True", "True"),
    "at target": ("complete", [], "True Completed", "", "True", "True"),
    "at target, no data": ("complete", [("looks", "NoData"), ("handle", 0)], "True Completed", "", "Unknown", "True"),
    "at target, not guarded": ("complete", [("after", "Stop"), ("handle", 0)], "True Completed", "", "Unknown", "True"),
    "at target, Redis down": (
        "complete",
        [("redis_is", False), ("handle", 0)],
        "False TrafficUnconfirmed",
        RECONCILING,
        "True",
        "Unknown",
    ),
    "at target, an old replica": (
        "complete",
        [("set_record", None), ("set_key", None), ("wait", 60.0), ("handle", 0), ("handle", 0)],
        "False GuardrailsUnknown",
        RECONCILING,
        "Unknown",
        "True",
    ),
    "breached, 0 under way": (
        "second stage",
        [("delay", True), ("breach", 0)],
        "False TrafficUnconfirmed",
        RECONCILING,
        "False",
        "False",
    ),
    "breached, Redis down": (
        "second stage",
        [("redis_is", False), ("breach", 0)],
        "False TrafficUnconfirmed",
        RECONCILING,
        "False",
        "Unknown",
    ),
    "breached, 0 confirmed": ("rolled back", [], "False GuardrailBreached", STALLED, "False", "True"),
    "breached, long ago": (
        "rolled back",
        [("wait", 600.0), ("handle", 0)],
        "False GuardrailBreached",
        STALLED,
        "False",
        "True",
    ),
    "breached, and seen by another alone": (
        "rolled back",
        [("looks", "Pass"), ("handle", 0)],
        "False GuardrailBreached",
        STALLED,
        "False",
        "True",
    ),
    "stopped by hand": (
        "second stage",
        [("set_key", "0"), ("handle", 0), ("handle", 0)],
        "False EmergencyStop",
        STALLED,
        "Unknown",
        "True",
    ),
    "rolled back by a person": (
        "second stage",
        [("ask", "rollback"), ("handle", 0), ("handle", 0)],
        "False ManualRollback",
        STALLED,
        "Unknown",
        "True",
    ),
    "another's key": ("second stage", [("take_over",), ("handle", 0)], "False KeyConflict", STALLED, "True", "False"),
    "unreadable": (
        "second stage",
        [("set_record", "{}"), ("handle", 0)],
        "False RecordUnreadable",
        RECONCILING,
        "True",
        "False",
    ),
}


def _rows(found: tuple[Fact, ...]) -> tuple[str, str, str, str]:
    by_type = {fact.type: fact for fact in found}
    assert len(by_type) == len(found)
    assert all(fact.message for fact in found)
    abnormal = [fact for fact in found if fact.type in (RECONCILING, STALLED)]
    assert all(fact.status is ConditionStatus.TRUE for fact in abnormal), "left out where they do not hold"
    ready = by_type[READY]
    assert all((fact.reason, fact.message) == (ready.reason, ready.message) for fact in abnormal)
    return (
        f"{ready.status} {ready.reason}",
        "".join(fact.type for fact in abnormal),
        by_type[GUARDRAILS_HEALTHY].status.value,
        by_type[TRAFFIC_APPLIED].status.value,
    )


def _facts(world: World) -> tuple[Fact, ...]:
    operator = world.operators[0]
    assert operator.decision is not None
    seen = Observation(UID, HOLDER, world.redis.traffic, measurements=operator.measurements)
    return facts(world.edit.spec, seen, operator.decision, world.now)


@pytest.mark.parametrize("row", TABLE.values(), ids=TABLE)
def test_every_situation_has_its_conditions(row: tuple[str, list[Happening], str, str, str, str]) -> None:
    situation, happenings, ready, abnormal, healthy, applied = row
    world = world_at(situation, *happenings)
    assert _rows(_facts(world)) == (ready, abnormal, healthy, applied)


@pytest.mark.parametrize(
    ("redis", "up", "ready", "abnormal"),
    [
        (Redis(), False, "False TrafficUnconfirmed", RECONCILING),
        (Redis("40", encode(FOREIGN)), True, "False KeyConflict", STALLED),
        (Redis(), True, "False TrafficUnconfirmed", RECONCILING),
    ],
)
def test_an_object_that_can_t_begin_says_why(redis: Redis, up: bool, ready: str, abnormal: str) -> None:  # noqa: FBT001 - a table
    seen = Observation(UID, HOLDER, redis.traffic if up else None)
    decision = decide(Edit().spec, None, seen, 0.0)
    found = _rows(facts(Edit().spec, seen, decision, 0.0))
    assert found[:2] == (ready, abnormal)


def test_the_messages_say_what_stands_and_what_is_waited_for() -> None:
    def ready(world: World) -> str:
        return _facts(world)[0].message.partition(" (as of ")[0]

    assert ready(world_at("second stage")) == "30 %, stage half: healthy for 10s of 40s"
    assert ready(world_at("second stage announced", *BLOCKED)) == (
        "10 %, stage half at 30 % is not in force yet: guardrail errors: Error!"
    )
    assert ready(world_at("before the first stage")) == (
        "0 %, before the first stage: stage pilot at 10 % waits for a person: annotate mlrollout.dev/approve"
    )
    assert ready(world_at("rolled back")) == "rolled back to 0 %: guardrail errors: Breach!"
    assert ready(world_at("complete")) == "complete at 100 %; guardrails go on looking"
    assert ready(world_at("complete", ("after", "Stop"), ("handle", 0))) == "complete at 100 %; guardrails look no more"
    health = _facts(world_at("second stage", ("look", 0, "NoData"), ("handle", 0)))[-2]
    assert health.message.startswith("errors: NoData!")


def test_what_was_breached_is_told_though_no_guardrail_can_be_understood_any_more() -> None:
    world = world_at("rolled back")
    decision = world.operators[0].decision
    assert decision is not None
    health = facts(world.edit.spec.model_copy(update={"guardrails": ()}), Observation(UID, HOLDER), decision, world.now)
    assert (health[-2].status, health[-2].reason) == ("False", Reason.GUARDRAILS_UNHEALTHY)


def test_where_no_guardrail_can_be_understood_none_is_said_to_pass() -> None:
    world = world_at("second stage")
    spec = world.edit.spec.model_copy(update={"guardrails": ()})
    decision = world.operators[0].decision
    assert decision is not None

    health = facts(spec, Observation(UID, HOLDER), decision, world.now)[-2]

    assert (health.status, health.reason) == ("Unknown", Reason.GUARDRAILS_UNKNOWN)
    assert "so nobody looks" in health.message


def test_what_was_breached_is_told_by_who_has_never_looked_as_of_when_it_was_seen() -> None:
    world = world_at("rolled back")
    decision = world.operators[0].decision
    assert decision is not None
    state = decision.state
    assert state is not None
    cause = state.record.cause
    assert cause is not None

    def health(at: float) -> Fact:
        told = replace(decision, state=replace(state, record=replace(state.record, cause=replace(cause, at=at))))
        return facts(world.edit.spec, Observation(UID, HOLDER), told, world.now)[-2]

    seen = health(cause.at)
    assert (seen.status, seen.reason) == ("False", Reason.GUARDRAILS_UNHEALTHY)
    assert seen.message == f"guardrail errors: Breach! (as of {moment.to_second(cause.at)})"
    assert health(0.0).message == "guardrail errors: Breach!", "an older operator's record has no time"


def test_what_was_measured_says_when() -> None:
    world = world_at("second stage", ("look", 0, "NoData"), ("handle", 0))
    seen = f" (as of {moment.to_second(world.now)})"

    assert [fact.message.endswith(seen) for fact in _facts(world)] == [True, True, True, False]


def test_everything_that_waits_is_told_and_a_persons_pause_first() -> None:
    world = world_at("second stage", ("look", 0, "NoData"), ("look", 1, "Error"), ("pause", True), ("handle", 0))
    ready = _facts(world)[0]

    assert ready.reason == Reason.PAUSED
    for part in ("paused by spec.paused; set it to false", "guardrail errors: NoData!", "Error!"):
        assert part in ready.message
    world.play([("pause", False), ("ask", "pause"), ("handle", 0)])
    assert "annotate mlrollout.dev/resume to go on" in _facts(world)[0].message


def test_both_pauses_are_told() -> None:
    ready = _facts(world_at("second stage", ("pause", True), ("ask", "pause"), ("handle", 0)))[0]
    assert ready.reason == Reason.PAUSED
    assert "annotate mlrollout.dev/resume to go on; the rollout is paused by spec.paused" in ready.message


def test_a_pause_is_told_beside_what_redis_does_not_say() -> None:
    world = world_at("second stage", ("ask", "pause"), ("handle", 0))
    assert "paused" not in _facts(world_at("second stage", ("redis_is", False), ("handle", 0)))[0].message
    world.play([("redis_is", False), ("handle", 0)])
    ready = _facts(world)[0]
    assert ready.reason == Reason.TRAFFIC_UNCONFIRMED
    assert ready.message.endswith("the rollout is paused; annotate mlrollout.dev/resume to go on")


def test_a_word_that_is_outstanding_is_told_beside_evidence_that_is_missing() -> None:
    world = world_at("waiting for approval", ("look", 0, "NoData"), ("handle", 0))
    ready = _facts(world)[0]
    assert ready.reason == Reason.GUARDRAILS_UNKNOWN
    assert "waits for a person: annotate mlrollout.dev/approve" in ready.message
    assert Reason.AWAITING_APPROVAL in [reason for reason, _ in alerts(world)]


def test_nobody_is_asked_to_approve_what_is_not_good_enough() -> None:
    pilot, half, full = STAGES["three"]
    world = World()
    strict = half.model_copy(update={"require": (Requirement(guardrail="score", min=0.9),)})
    world.change(stages=(pilot, strict, full))
    world.play([("handle", 0), ("go_well", 20), ("pause", True), ("handle", 0)])
    assert world.state.record.stage == "half"
    assert "waits for a person" not in _facts(world)[0].message
    assert Reason.AWAITING_APPROVAL not in [reason for reason, _ in alerts(world)]
    world = world_at("waiting for approval", ("look", 1, "Breach"), ("handle", 0))
    assert "waits for a person" not in _facts(world)[0].message


def test_a_wait_for_a_person_is_announced_and_no_warning() -> None:
    decision = world_at("waiting for approval").operators[0].decision
    assert isinstance(decision, Decision)
    assert [(alert.reason, alert.warning) for alert in decision.alerts] == [("AwaitingApproval", False)]


def test_a_time_of_transition_moves_only_with_the_status() -> None:
    def condition(fact: Fact, at: float, generation: int) -> Condition:
        return Condition(
            type=fact.type,
            status=fact.status,
            reason=fact.reason,
            message=fact.message,
            last_transition_time=at,
            observed_generation=generation,
        )

    waits = Fact(READY, ConditionStatus.FALSE, "Progressing", "healthy for 10s")
    holds = Fact(READY, ConditionStatus.FALSE, "Paused", "the rollout is paused")
    done = Fact(READY, ConditionStatus.TRUE, "Completed", "complete")
    first = stamp((waits,), (), 1, 5.0)
    assert first == (condition(waits, 5.0, 1),)
    assert stamp((holds,), first, 2, 6.0) == (condition(holds, 5.0, 2),)
    assert stamp((done,), first, 2, 7.0) == (condition(done, 7.0, 2),)


def test_an_object_that_waits_for_a_correction_is_stalled() -> None:
    ready, stuck = stalled("InvalidSpec", "max: 1 is too much")
    assert (ready.type, ready.status) == (READY, ConditionStatus.FALSE)
    assert (stuck.type, stuck.status, stuck.reason, stuck.message) == (
        STALLED,
        ConditionStatus.TRUE,
        "InvalidSpec",
        "max: 1 is too much",
    )
