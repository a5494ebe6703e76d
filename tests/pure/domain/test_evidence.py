"""Which evidence lets traffic grow, and what is told of it."""

from dataclasses import replace

import pytest
from mlrollout.api.spec import Requirement, Stage
from mlrollout.domain.decide import decide
from mlrollout.domain.decision import Observation
from mlrollout.domain.reason import Reason
from mlrollout.evidence.measurement import Measurement, MeasurementHistory, Verdict

from tests.pure.domain.decisions import ANGER_AT, ERRORS_AT, SCORE_AT, waits_for
from tests.pure.domain.situations import world_at
from tests.pure.domain.specs import ANGER, STAGES
from tests.pure.domain.world import HOLDER, UID, Happening, World

# --- up --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verdict", "reason"),
    [
        ("Breach", Reason.GUARDRAILS_UNHEALTHY),
        ("Inconclusive", Reason.GUARDRAILS_UNKNOWN),
        ("NoData", Reason.GUARDRAILS_UNKNOWN),
        ("Error", Reason.GUARDRAILS_UNKNOWN),
    ],
)
def test_only_a_pass_of_every_guardrail_that_gates_counts(verdict: str, reason: Reason) -> None:
    world = world_at("second stage")
    healthy = world.state.healthy
    for _ in range(10):
        world.play([("wait", 10.0), ("looks",), ("look", SCORE_AT, verdict), ("handle", 0)])
    assert (world.state.healthy, world.state.record.stage) == (healthy, "half")
    assert waits_for(world) == (reason, f"guardrail score: {verdict}!")
    world.play([("go_well", 2)])
    assert world.state.healthy == healthy + 10, "time counts from the first good look to the next"


def test_an_alert_gates_nothing() -> None:
    world = world_at("second stage")
    for _ in range(4):
        world.play([("wait", 10.0), ("looks",), ("look", ANGER_AT, "Error"), ("handle", 0)])
    assert world.state.healthy == 40


def test_guardrails_that_only_alert_let_nothing_grow() -> None:
    world = World()
    world.change(guardrails=(ANGER,), stages=STAGES["hasty"])
    world.play([("handle", 0), ("go_well", 5), ("ask", "promote"), ("go_well", 5)])
    assert world.in_force == 10, "the first stage is the user's word"
    assert waits_for(world)[0] == Reason.GUARDRAILS_UNKNOWN


def test_a_pass_counts_only_where_its_whole_window_lies_in_the_stage() -> None:
    world = world_at("first stage announced", ("go_well", 2))
    assert world.state.in_force_since == world.now
    for _ in range(3):
        world.play([("wait", 5.0), ("looks",), ("handle", 0)])
        reason, message = waits_for(world)
        assert (reason, world.state.healthy_until) == (Reason.GUARDRAILS_UNKNOWN, None)
    assert "errors still looks back 5s into the time before this stage" in message
    world.play([("wait", 5.0), ("looks",), ("handle", 0)])
    assert world.state.healthy_until == world.now


def test_a_look_that_is_too_old_or_of_the_future_counts_no_more() -> None:
    for seconds in (31.0, -1.0):
        world = world_at("second stage", ("wait", seconds), ("handle", 0))
        assert waits_for(world) == (Reason.GUARDRAILS_UNKNOWN, "guardrail errors has no fresh look yet")


GAPS: dict[str, tuple[list[Happening], float]] = {
    "looks in time": ([("wait", 25.0), ("looks",), ("handle", 0)], 25.0),
    "a gap in which evidence went out of date": (
        [("wait", 20.0), ("handle", 0), ("wait", 20.0), ("looks",), ("handle", 0)],
        20.0,
    ),
    "a bad look that no decision saw": (
        [("wait", 9.0), ("look", SCORE_AT, "NoData"), ("wait", 1.0), ("looks",), ("handle", 0)],
        0.0,
    ),
    "a restart": (
        [("restart", 0), ("handle", 0), ("looks",), ("handle", 0), ("wait", 5.0), ("looks",), ("handle", 0)],
        5.0,
    ),
    "downtime": ([("restart", 0), ("wait", 3600.0), ("handle", 0), ("looks",), ("handle", 0)], 0.0),
    "a clock set forward": ([("wait", 3600.0), ("looks",), ("handle", 0)], 0.0),
    "a clock set back": ([("wait", -45.0), ("looks",), ("handle", 0)], 0.0),
    "and forward again": ([("wait", -45.0), ("looks",), ("handle", 0), ("wait", 45.0), ("looks",), ("handle", 0)], 0.0),
}


@pytest.mark.parametrize(("happenings", "counted"), GAPS.values(), ids=GAPS)
def test_only_time_with_good_evidence_is_healthy_time(happenings: list[Happening], counted: float) -> None:
    world = world_at("first stage")
    before = world.state.healthy
    world.play(happenings)
    assert world.state.healthy - before == counted


def test_healthy_time_is_no_longer_than_the_stage_asks_for() -> None:
    assert world_at("waiting for approval", ("go_well", 50)).state.healthy == 40


# --- requirements ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("requirement", "complaint"),
    [
        (Requirement(guardrail="score", min=0.9), "requires score min 0.9, and it is 0.8 (Pass)"),
        (Requirement(guardrail="score", max=0.7), "requires score max 0.7, and it is 0.8 (Pass)"),
        (Requirement(guardrail="score", min=0.85, max=0.9), "requires score min 0.85 and max 0.9"),
        (Requirement(guardrail="score", min=0.8, max=0.8), ""),
        (Requirement(guardrail="anger", max=1.0), "requires anger max 1, and it is 0.8 (Inconclusive)"),
    ],
)
def test_a_stage_is_left_only_once_its_requirements_are_met(requirement: Requirement, complaint: str) -> None:
    pilot, *others = STAGES["three"]
    world = World()
    world.change(stages=(pilot.model_copy(update={"require": (requirement,)}), *others))
    world.play(
        [("handle", 0), ("go_well", 8), ("wait", 10.0), ("looks",), ("look", ANGER_AT, "Inconclusive"), ("handle", 0)]
    )
    assert world.state.healthy == (40 if complaint else 0)
    if complaint:
        reason, message = waits_for(world)
        assert reason == Reason.AWAITING_REQUIREMENTS
        assert complaint in message
        world.play([("ask", "promote"), ("handle", 0)])
        assert world.state.record.stage == "pilot", "a promotion skips the time, not the requirement"
    else:
        assert world.state.record.stage == "half"


def test_a_requirement_s_look_must_be_there_and_lie_in_the_stage_too() -> None:
    stage = Stage(name="pilot", percentage=10, duration=0, require=(Requirement(guardrail="anger", max=1.0),))
    state, spec = world_at("first stage").state, world_at("first stage").edit.spec
    spec = spec.model_copy(update={"stages": (stage, *spec.stages[1:])})
    now = state.in_force_since + 20
    passing = {
        g.name: MeasurementHistory(g).add(Measurement(Verdict.PASS, now, 0.0, value=0.5)) for g in spec.guardrails
    }
    world = world_at("first stage")
    for anger, complaint in (
        (MeasurementHistory(ANGER), "it has no value yet"),
        (MeasurementHistory(ANGER).add(Measurement(Verdict.PASS, now, 0.0)), "it has no value yet"),
        (
            MeasurementHistory(ANGER).add(Measurement(Verdict.PASS, now, 30.0, value=0.5)),
            "its window still reaches back before this stage",
        ),
    ):
        seen = Observation(UID, HOLDER, world.redis.traffic, measurements=passing | {"anger": anger})
        (blocked,) = decide(spec, state, seen, now).blockers
        assert blocked.reason == Reason.AWAITING_REQUIREMENTS
        assert complaint in blocked.message


# --- the history -----------------------------------------------------------------------------


def test_a_transition_is_told_once_with_its_evidence() -> None:
    world = world_at("complete")
    advanced = [entry for entry in world.state.history if entry.reason == Reason.STAGE_ADVANCED]
    assert [(entry.stage, entry.percentage) for entry in advanced] == [("pilot", 10), ("half", 30), ("full", 100)]
    assert advanced[1].message == (
        "stage half: 10 % -> 30 %: stage pilot was healthy for 40s; errors: Pass!; latency: Pass!; score: Pass!"
    )
    assert world.told.count(Reason.COMPLETED) == 1
    assert [entry.serial for entry in world.state.history] == list(range(1, world.state.serial + 1))


def test_the_history_and_the_stages_keep_the_last_ones_only() -> None:
    world = World()
    world.play([("handle", 0), *[("revise",), ("handle", 0)] * 40])
    assert len(world.state.history) == 30
    assert world.state.history[-1].serial == world.state.serial == 41
    world.play([("go_well", 4)])
    for number in range(40):
        world.play([("stages", ("lower", "three")[number % 2]), ("handle", 0), ("handle", 0)])
    assert len(world.state.runs) == 32


def test_deciding_changes_nothing_that_it_was_given() -> None:
    world = world_at("second stage")
    before = replace(world.state)
    world.play([("breach", ERRORS_AT), ("handle", 0)])
    assert before.record.percentage == 30
    assert before.history != world.state.history
