"""What a person asks for by an annotation, in every situation: heard once, and answered in the history."""

from dataclasses import replace

import pytest
from mlrollout.domain.decision import Observation
from mlrollout.domain.merge import ANSWERED_AGAIN, ANSWERED_BY_RECORD
from mlrollout.domain.reason import Reason
from mlrollout.domain.request import Request, Verb
from mlrollout.domain.state import State
from mlrollout.domain.traffic import Lower
from mlrollout.domain.verb_plan import Refusal
from mlrollout.domain.verbs import answer

from tests.pure.domain.situations import SITUATIONS, world_at
from tests.pure.domain.specs import Edit
from tests.pure.domain.world import HOLDER, UID

APPROVED = {
    "before the first stage",
    "second stage announced",
    "second stage",
    "waiting for approval",
    "paused",
    "paused by the spec",
}
DEMOTED = set(SITUATIONS) - {"before the first stage", "first stage announced", "first stage", "rolled back"}
PROMOTED = set(SITUATIONS) - {"before the first stage", "complete", "rolled back"}


HEARD_IN = [
    ("rollback", Reason.MANUAL_ROLLBACK, set(SITUATIONS) - {"rolled back"}),
    ("retry", Reason.RETRIED, {"rolled back"}),
    ("resume", Reason.RESUMED, {"paused"}),
    ("approve", Reason.APPROVED, APPROVED),
    ("promote", Reason.PROMOTED, PROMOTED),
    ("demote", Reason.DEMOTED, DEMOTED),
    ("pause", Reason.PAUSED, set(SITUATIONS) - {"paused"}),
]


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize(("verb", "reason", "heard_in"), HEARD_IN)
def test_a_verb_is_answered_once(situation: str, verb: str, reason: Reason, heard_in: set[str]) -> None:
    world = world_at(situation)
    before = world.state.serial
    world.play([("ask", verb), ("handle", 0), ("handle", 0)])
    first = world.state.history[before - world.state.serial]
    if situation in heard_in:
        assert first.reason == reason
        assert not first.warning or verb == "rollback"
    else:
        assert (first.reason, first.warning) == (Reason.VERB_REFUSED, True)
        assert verb in first.message
    assert first.warning or "reason " in first.message
    answered = world.state.serial
    world.play([("handle", 0), ("restart", 0), ("looks",), ("handle", 0)])
    again = [entry.reason for entry in world.state.history if entry.serial > answered]
    assert reason not in again
    assert Reason.VERB_REFUSED not in again


@pytest.mark.parametrize("situation", sorted(set(SITUATIONS) - {"rolled back"}))
def test_a_rollback_outranks_every_other_verb(situation: str) -> None:
    world = world_at(situation, ("delay", True))
    world.play([("ask", verb) for verb in Verb])
    world.handle()
    assert world.state.record.latched
    assert world.in_flight == [Lower(world.state.record)]
    assert world.state.cause == Reason.MANUAL_ROLLBACK
    assert world.told.count(Reason.VERB_REFUSED) == len(Verb) - 1
    assert not world.state.paused or situation == "paused"


def test_nothing_can_be_approved_for_an_attempt_that_is_rolled_back() -> None:
    world = world_at("before the first stage", ("ask", "rollback"), ("handle", 0), ("ask", "approve"), ("handle", 0))
    assert world.told[-1] == Reason.VERB_REFUSED
    assert world.state.approved == ""


def test_a_rollback_is_heard_while_redis_and_the_api_server_are_away() -> None:
    world = world_at("second stage", ("redis_is", False), ("api_is", False), ("ask", "rollback"), ("handle", 0))
    assert world.state.record.latched
    world.play([("redis_is", True), ("handle", 0)])
    assert world.in_force == 0


def test_nothing_else_is_done_while_a_rollback_still_stands_for_it_may_have_been_said_last() -> None:
    world = world_at(
        "second stage", ("api_is", False), ("ask", "rollback"), ("handle", 0), ("ask", "retry"), ("handle", 0)
    )
    assert world.verbs.keys() == {"rollback", "retry"}
    assert world.told[-1] == Reason.VERB_REFUSED
    assert "a rollback is asked for as well" in world.state.history[-1].message
    world.play([("api_is", True), ("handle", 0), ("handle", 0), ("ask", "retry"), ("handle", 0), ("go_well", 3)])
    assert world.told.count(Reason.MANUAL_ROLLBACK) == 1
    assert world.told.count(Reason.RETRIED) == 1
    assert not world.state.record.latched


def test_a_retry_is_heard_when_it_is_saved_and_not_before() -> None:
    world = world_at("rolled back", ("api_is", False), ("ask", "retry"), ("handle", 0), ("handle", 0))
    assert (world.state.record.attempt, world.redis.traffic.record) == (1, world.state.record)
    world.play([("restart", 0), ("api_is", True), ("handle", 0), ("handle", 0)])
    assert world.state.record.attempt == 2
    assert world.redis.traffic.record == world.state.record
    assert world.told.count(Reason.RETRIED) == 1


def test_a_verb_asked_for_with_another_value_is_heard_again() -> None:
    world = world_at(
        "second stage", ("api_is", False), ("ask", "pause"), ("handle", 0), ("ask", "pause"), ("handle", 0)
    )
    assert world.told[-2:] == [Reason.PAUSED, Reason.VERB_REFUSED]


def test_a_verb_without_a_reason_says_so_and_a_long_one_is_cut() -> None:
    world = world_at("second stage")
    world.verbs = {"pause": " \n"}
    world.handle()
    assert world.state.history[-1].message == "the rollout is paused: no reason given"
    world.verbs = {"resume": "x" * 10_000}
    world.handle()
    assert world.state.history[-1].message == "the rollout goes on: " + "x" * 256


def test_after_a_retry_nothing_of_the_old_attempt_is_left() -> None:
    world = world_at("waiting for approval", ("ask", "approve"), ("breach", 0), ("wait", 10.0), ("handle", 0))
    world.play([("ask", "retry"), ("handle", 0)])
    state = world.state
    assert (state.record.attempt, state.record.sequence, state.record.percentage) == (2, 0, 0)
    assert (state.approved, state.promoted, state.cause, state.explanation, state.runs) == ("", "", "", "", ())
    assert not state.record.latched
    world.play([("go_well", 40)])
    assert world.state.record.stage == "half", "the approval of the first attempt does not count for the second"


# --- promote and approve ---------------------------------------------------------------------


def test_promote_skips_the_time_but_not_the_evidence() -> None:
    world = world_at("first stage", ("ask", "promote"), ("look", 2, "Inconclusive"), ("handle", 0))
    assert world.state.record.stage == "pilot"
    world.play([("go_well", 1)])
    assert world.state.record.stage == "half"
    assert world.state.promoted == ""


def test_promote_stands_in_for_the_approval_of_the_next_stage_only() -> None:
    world = world_at("second stage", ("ask", "promote"), ("go_well", 3))
    assert (world.state.record.stage, world.in_force) == ("full", 100)
    world = world_at("first stage", ("ask", "promote"), ("go_well", 30))
    assert world.state.record.stage == "half", "the stage after the next needs its own approval"


def test_promote_waits_while_the_rollout_is_paused() -> None:
    world = world_at("paused", ("ask", "promote"), ("go_well", 3))
    assert world.state.record.stage == "half"
    world.play([("ask", "resume"), ("go_well", 1)])
    assert world.state.record.stage == "full"


def test_promoting_the_last_stage_completes_the_rollout() -> None:
    world = world_at("last stage", ("ask", "promote"), ("go_well", 2))
    assert world.state.completed
    assert world.state.healthy < 20


def test_an_approval_given_ahead_counts() -> None:
    world = world_at("second stage", ("ask", "approve"), ("go_well", 2))
    assert world.state.record.stage == "half"
    assert world.state.approved == "full"
    world.play([("go_well", 3)])
    assert world.state.record.stage == "full"


def test_the_first_stage_may_need_approval_too() -> None:
    world = world_at("before the first stage", ("go_well", 5))
    assert world.in_force == 0
    world.play([("ask", "approve"), ("go_well", 2)])
    assert world.in_force == 10


# --- pause and resume ------------------------------------------------------------------------


@pytest.mark.parametrize("situation", ["paused", "paused by the spec"])
def test_a_pause_stops_growing_and_its_time_does_not_count(situation: str) -> None:
    world = world_at(situation)
    healthy = world.state.healthy
    world.play([("go_well", 50)])
    assert (world.state.record.stage, world.state.healthy) == ("half", healthy)
    world.play([("breach", 0)])
    assert world.in_force == 0


def test_a_raise_that_is_announced_waits_while_paused() -> None:
    world = world_at("second stage announced", ("ask", "pause"), ("go_well", 20))
    assert (world.in_force, world.state.record.percentage) == (10, 30)
    world.play([("ask", "resume"), ("go_well", 1)])
    assert world.in_force == 30


def test_the_spec_s_pause_outlasts_resume_but_resume_ends_the_verb_s() -> None:
    world = world_at("paused", ("pause", True), ("ask", "resume"), ("handle", 0))
    assert world.told[-1] == Reason.VERB_REFUSED
    assert not world.state.paused
    world.play([("go_well", 1)])
    assert world.operators[0].decision is not None
    assert world.operators[0].decision.blockers[0].reason == Reason.PAUSED


def test_resume_ends_the_verb_s_pause_where_the_operator_holds_the_rollout_for_what_has_to_be_mended() -> None:
    """The spec that it decides on says paused then, and nobody has written that."""
    state = replace(world_at("paused").state, paused=True)
    held = Observation(UID, HOLDER, held=True)
    paused = Edit(paused=True).spec
    found = answer(Verb.RESUME, Request("mended", "id"), paused, held, state, 0.0)
    assert isinstance(found, State)
    assert (found.paused, found.history[-1].reason) == (False, Reason.RESUMED)
    assert answer(Verb.RESUME, Request("mended", "id"), paused, held, found, 0.0) == Refusal(
        "the rollout is not paused"
    )


def test_resume_and_pause_together_leave_it_paused() -> None:
    world = world_at("paused", ("ask", "pause"), ("ask", "resume"), ("handle", 0))
    assert world.state.paused


def test_a_pause_survives_a_new_attempt() -> None:
    world = world_at("paused", ("revise",), ("go_well", 5))
    assert world.state.record.attempt == 2
    assert (world.state.paused, world.state.record.stage, world.in_force) == (True, "", 0)


@pytest.mark.parametrize("situation", sorted(DEMOTED))
def test_demoted_traffic_falls_at_once_and_is_earned_again_from_there(situation: str) -> None:
    world = world_at(situation, ("ask", "demote"), ("handle", 0))
    record = world.state.record
    assert (record.stage, record.percentage, world.state.healthy) == ("pilot", 10, 0.0)
    assert world.in_force <= 10
    assert not world.state.completed

    world.play([("ask", "resume"), ("pause", False), ("go_well", 30)])
    assert world.in_force > 10


def test_demotion_needs_neither_the_api_server_nor_good_evidence() -> None:
    world = world_at("last stage", ("api_is", False), ("ask", "demote"), ("handle", 0))
    assert world.in_force == 10


@pytest.mark.parametrize(
    ("value", "because"),
    [
        ("", "to how many per cent"),
        ("because I say so", "to how many per cent"),
        ("-1 less", "to how many per cent"),
        ("101", "to how many per cent"),
        ("10.5 a bit", "to how many per cent"),
        ("100", "no more than 100 % already"),
        ("30%", "no more than 30 % already"),
        ("9 even less", "to take traffic to 0 %, annotate mlrollout.dev/rollback"),
        ("0 all", "to take traffic to 0 %, annotate mlrollout.dev/rollback"),
    ],
)
def test_a_demotion_that_makes_no_sense_is_refused_with_what_to_do(value: str, because: str) -> None:
    world = world_at("second stage")
    before = world.state.record
    world.verbs["demote"] = value
    world.handle()
    assert world.state.record == before
    assert world.state.history[-1].reason == Reason.VERB_REFUSED
    assert because in world.state.history[-1].message


def test_merging_knows_the_answer_to_every_verb() -> None:
    assert {verb for verb, _, _ in HEARD_IN} == set(Verb)
    assert {reason for _, reason, _ in HEARD_IN} | {Reason.VERB_REFUSED} == ANSWERED_AGAIN | set(ANSWERED_BY_RECORD)
    assert not ANSWERED_AGAIN & set(ANSWERED_BY_RECORD)
