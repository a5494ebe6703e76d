"""What a breach does."""

from dataclasses import replace

import pytest
from mlrollout.api.guardrail import BreachAfter
from mlrollout.domain.reason import Reason
from mlrollout.domain.state import RunOutcome
from mlrollout.domain.traffic import Lower

from tests.pure.domain.decisions import ANGER_AT, ERRORS_AT, LATENCY_AT, SCORE_AT, alerts, decided, waits_for
from tests.pure.domain.situations import world_at
from tests.pure.domain.specs import ERRORS, GUARDRAILS, SCORE
from tests.pure.domain.world import Happening

HOWEVER: dict[str, list[Happening]] = {
    "": [],
    "paused": [("pause", True)],
    "paused by a person": [("ask", "pause"), ("handle", 0)],
    "promoted": [("ask", "promote")],
    "Redis can't be asked": [("redis_is", False)],
    "the API server can't be asked": [("api_is", False)],
    "the record is unreadable": [("set_record", '{"schema":2}')],
    "the data is lost": [("flush",)],
    "the key was raised by hand": [("set_key", "100")],
    "another guardrail says nothing": [("look", SCORE_AT, "Error")],
    "no other look was ever made": [("restart", 0), ("handle", 0)],
    "the stages changed": [("stages", "lower")],
    "everything looks good otherwise": [("go_well", 1)],
}


@pytest.mark.parametrize("happenings", HOWEVER.values(), ids=HOWEVER)
@pytest.mark.parametrize("situation", ["first stage", "second stage announced", "second stage", "complete"])
def test_a_breach_goes_to_zero_in_the_same_decision(situation: str, happenings: list[Happening]) -> None:
    world = world_at(situation, *happenings, ("look", ERRORS_AT, "Breach"))
    decision = world.handle()
    assert decision.state is not None
    assert decision.state.record.latched
    assert decision.write == Lower(decision.state.record)
    assert decision.state.record.percentage == 0
    assert (decision.state.cause, decision.state.explanation) == (
        Reason.GUARDRAIL_BREACHED,
        "guardrail errors: Breach!",
    )
    assert Reason.ROLLED_BACK not in [entry.reason for entry in decision.state.history], "it stands nowhere yet"
    world.play([("redis_is", True), ("api_is", True), ("handle", 0), ("handle", 0)])
    assert world.told[-2:] == [Reason.GUARDRAIL_BREACHED, Reason.ROLLED_BACK]


def test_a_rollback_is_a_step_of_its_own() -> None:
    world = world_at("second stage")
    before = world.state.record
    world.play([("breach", ERRORS_AT)])
    assert world.state.record == replace(before, latched=True, sequence=before.sequence + 1, percentage=0, stage="")


def test_a_stage_that_was_passed_stays_so_though_the_rollout_is_rolled_back_later() -> None:
    world = world_at("complete")
    runs = world.state.runs
    assert runs[-1].outcome is RunOutcome.PASSED
    world.play([("wait", 10.0), ("breach", ERRORS_AT)])
    assert world.state.runs == runs
    world = world_at("second stage", ("wait", 10.0), ("breach", ERRORS_AT))
    assert (world.state.runs[-1].outcome, world.state.runs[-1].left) == (RunOutcome.ROLLED_BACK, world.now)


def test_a_new_attempt_that_nobody_was_in_yet_is_not_judged() -> None:
    """What is in force, and on its way down, is the attempt before it."""
    world = world_at(
        "second stage", ("redis_is", False), ("revise",), ("handle", 0), ("wait", 30.0), ("breach", ERRORS_AT)
    )
    assert (world.state.record.attempt, world.state.record.latched) == (2, False)
    world.play([("redis_is", True), ("handle", 0)])
    assert world.in_force == 0


def test_a_breach_is_counted_over_several_looks() -> None:
    world = world_at("second stage", ("look", LATENCY_AT, "Breach"), ("handle", 0))
    assert not world.state.record.latched
    assert waits_for(world)[0] == Reason.GUARDRAILS_UNHEALTHY
    world.play([("go_well", 1), ("look", LATENCY_AT, "Breach"), ("handle", 0)])
    assert world.state.record.latched


@pytest.mark.parametrize(("which", "does"), [(SCORE_AT, "holds the rollout"), (ANGER_AT, "alerts only")])
def test_a_breach_without_rollback_is_announced_while_it_lasts(which: int, does: str) -> None:
    world = world_at("second stage", ("look", which, "Breach"), ("handle", 0))
    assert not world.state.record.latched
    name = GUARDRAILS["plain"][which].name
    assert alerts(world) == [(Reason.GUARDRAIL_ALERT, name)]
    assert does in decided(world).alerts[0].message
    world.play([("go_well", 1)])
    assert alerts(world) == []


def test_a_breach_without_rollback_needs_as_many_looks() -> None:
    patient = SCORE.model_copy(update={"breach_after": BreachAfter(failures=2, of=2)})
    world = world_at("second stage")
    world.change(guardrails=(ERRORS, patient))
    world.play([("handle", 0), ("looks", "Pass"), ("look", 1, "Breach"), ("handle", 0)])
    assert alerts(world) == []
    world.play([("look", 1, "Breach"), ("handle", 0)])
    assert alerts(world) == [(Reason.GUARDRAIL_ALERT, "score")]


def test_after_a_rollback_nothing_is_announced_any_more() -> None:
    world = world_at("rolled back", ("looks", "Breach"), ("handle", 0))
    assert alerts(world) == []


def test_a_completed_rollout_is_guarded_or_not_as_the_user_says() -> None:
    world = world_at("complete", ("go_well", 5), ("after", "Stop"), ("looks", "Breach"), ("handle", 0))
    assert (world.in_force, alerts(world)) == (100, [])
    world.play([("after", "Guard"), ("handle", 0)])
    assert world.in_force == 0


def test_a_completion_that_is_not_saved_does_not_end_the_guard() -> None:
    finishing: list[Happening] = [("after", "Stop"), ("handle", 0), ("api_is", False), ("go_well", 12)]
    world = world_at("last stage", *finishing)
    assert not world.state.completed
    world.play([("breach", ERRORS_AT)])
    assert (world.in_force, world.state.cause) == (0, Reason.GUARDRAIL_BREACHED)


def test_a_breach_is_seen_also_after_the_clock_was_set_back() -> None:
    world = world_at("second stage", ("wait", -3600.0), ("handle", 0), ("wait", 25.0), ("breach", ERRORS_AT))
    assert world.state.record.latched


def test_a_rollout_goes_on_after_the_clock_was_set_back() -> None:
    world = world_at("first stage", ("wait", -3600.0), ("handle", 0), ("go_well", 10))
    assert world.state.record.stage == "half"
