"""What evidence does that is missing, or stands on too few samples, once it has lasted."""

from dataclasses import replace

import pytest
from mlrollout.api.guardrail import Action, BreachAfter, Guardrail, MinSamples, Missing, MissingAction
from mlrollout.domain.decide import decide
from mlrollout.domain.decision import Observation
from mlrollout.domain.reason import Reason
from mlrollout.evidence.measurement import Held, Measurement, MeasurementHistory, Verdict

from tests.pure.domain.decisions import ERRORS_AT, alerts, waits_for
from tests.pure.domain.situations import world_at
from tests.pure.domain.specs import ERRORS, SCORE, STAGES
from tests.pure.domain.world import HOLDER, UID, World

# --- missing evidence ------------------------------------------------------------------------


def _missing(verdict: str, action: MissingAction, after: float = 60.0) -> Guardrail:
    policy = Missing(action=action, after=after)
    field = "on_no_data" if verdict == "NoData" else "on_error"
    other = "on_error" if verdict == "NoData" else "on_no_data"
    forever = Missing(action=MissingAction.ROLLBACK, after=1e6)
    return SCORE.model_copy(update={field: policy, other: forever})


@pytest.mark.parametrize("verdict", ["NoData", "Error"])
@pytest.mark.parametrize("action", list(MissingAction))
def test_missing_evidence_does_what_its_policy_says_once_it_has_lasted(verdict: str, action: MissingAction) -> None:
    world = world_at("second stage")
    world.change(guardrails=(ERRORS, _missing(verdict, action)))
    world.play([("handle", 0), ("go_well", 1), ("wait", 10.0)])
    for _ in range(6):
        world.play([("look", ERRORS_AT, "Pass"), ("look", 1, verdict), ("handle", 0)])
        assert (world.in_force, alerts(world)) == (30, [])
        world.wait(10.0)
    world.play([("look", ERRORS_AT, "Pass"), ("look", 1, verdict), ("handle", 0)])
    if action is MissingAction.ROLLBACK:
        assert (world.in_force, world.state.cause) == (0, Reason.EVIDENCE_MISSING)
        assert world.state.explanation == f"guardrail score without evidence for 1m: {verdict}!"
    else:
        assert (world.in_force, alerts(world)) == (30, [(Reason.EVIDENCE_MISSING, "score")])
        world.play([("go_well", 1)])
        assert alerts(world) == []


# --- bad values on too few samples -----------------------------------------------------------


def _counted(does: MissingAction, **changes: object) -> Guardrail:
    policy = Missing(action=does, after=60.0)
    samples = MinSamples(count=100, query="requests", on_too_few=policy)
    forever = Missing(action=MissingAction.ROLLBACK, after=1e6)
    return ERRORS.model_copy(update={"min_samples": samples, "on_no_data": forever, "on_error": forever, **changes})


@pytest.mark.parametrize("action", list(MissingAction))
def test_bad_values_on_too_few_samples_do_what_their_policy_says_once_they_have_lasted(action: MissingAction) -> None:
    world = world_at("second stage")
    world.change(guardrails=(_counted(action), SCORE))
    world.play([("handle", 0), ("go_well", 1), ("wait", 10.0)])
    for verdict in ("Few", "NoData", "Few", "Error", "Few", "Few"):  # where nobody comes, nothing is well
        world.play([("look", 0, verdict), ("look", 1, "Pass"), ("handle", 0)])
        assert (world.in_force, alerts(world)) == (30, [])
        world.wait(10.0)
    world.play([("look", 0, "Few"), ("look", 1, "Pass"), ("handle", 0)])
    if action is MissingAction.ROLLBACK:
        assert (world.in_force, world.state.cause) == (0, Reason.EVIDENCE_MISSING)
        assert world.state.explanation == "guardrail errors outside its limits on too few samples for 1m: Few!"
    else:
        assert (world.in_force, alerts(world)) == (30, [(Reason.EVIDENCE_MISSING, "errors")])
        assert waits_for(world) == (Reason.GUARDRAILS_UNKNOWN, "guardrail errors: Few!")
        world.play([("go_well", 1)])
        assert alerts(world) == []


@pytest.mark.parametrize("between", ["Pass", "Inconclusive"])
def test_a_good_value_between_them_ends_the_run_of_bad_ones(between: str) -> None:
    world = world_at("second stage")
    world.change(guardrails=(_counted(MissingAction.ROLLBACK), SCORE))
    for verdict in ("Few", "Few", "Few", between, "Few", "Few", "Few", "Few", "Uncounted"):
        world.play([("wait", 10.0), ("look", 0, verdict), ("look", 1, "Pass"), ("handle", 0)])
    assert (world.in_force, alerts(world)) == (30, [])


def test_bad_values_that_stand_on_enough_now_and_then_end_no_run_of_bad_ones() -> None:
    world = world_at("second stage")
    world.change(guardrails=(_counted(MissingAction.ROLLBACK, breach_after=BreachAfter(failures=2, of=3)), SCORE))
    for verdict in ("Few", "Few", "Breach", "Few", "Few", "Breach"):
        world.play([("handle", 0), ("wait", 10.0), ("look", 0, verdict), ("look", 1, "Pass"), ("handle", 0)])
        assert world.in_force == 30
    world.play([("wait", 10.0), ("look", 0, "Few"), ("look", 1, "Pass"), ("handle", 0)])
    assert (world.in_force, world.state.cause) == (0, Reason.EVIDENCE_MISSING)


@pytest.mark.parametrize(
    ("action", "percentage"), [(Action.ROLLBACK, 0), (Action.HOLD, 30), (Action.ALERT, 30)], ids=str
)
def test_a_count_that_cannot_be_had_holds_a_breach_back_no_longer_than_that(action: Action, percentage: int) -> None:
    world = world_at("second stage")
    world.change(guardrails=(_counted(MissingAction.HOLD, action=action), SCORE))
    for verdict in ("Few", *("Uncounted",) * 6):  # what was counted says nothing of what was not
        world.play([("handle", 0), ("wait", 10.0), ("look", 0, verdict), ("look", 1, "Pass"), ("handle", 0)])
        assert world.in_force == 30
    world.play([("wait", 10.0), ("look", 0, "Uncounted"), ("look", 1, "Pass"), ("handle", 0)])
    assert world.in_force == percentage
    if percentage:
        assert (Reason.EVIDENCE_MISSING, "errors") in alerts(world)
    else:
        explanation = "guardrail errors outside its limits on samples that can't be counted for 1m: Uncounted!"
        assert (world.state.cause, world.state.explanation) == (Reason.EVIDENCE_MISSING, explanation)


def test_bad_values_of_an_earlier_attempt_are_not_held_against_this_one() -> None:
    world = world_at("second stage")
    guardrail = _counted(MissingAction.ROLLBACK).model_copy(
        update={"min_samples": MinSamples(count=1, query="x", on_too_few=Missing(after=0, action="Rollback"))}
    )
    state = replace(world.state, evidence_from=world.now - 5)
    spec = world.edit.spec.model_copy(update={"guardrails": (guardrail,)})
    for reach, latched in ((6.0, False), (5.0, True)):
        bad = Measurement(Verdict.INCONCLUSIVE, world.now, reach, value=0.8, message="few", held=Held.FEW)
        measurements = {"errors": MeasurementHistory(guardrail).add(bad)}
        seen = Observation(UID, HOLDER, world.redis.traffic, measurements=measurements)
        decided = decide(spec, state, seen, world.now).state
        assert decided is not None
        assert decided.record.latched is latched


def test_too_few_samples_are_what_no_data_is_where_nothing_else_is_said() -> None:
    hasty = Missing(action=MissingAction.ROLLBACK, after=1.0)
    assert ERRORS.on_held_back == ERRORS.on_no_data
    bare = ERRORS.model_copy(update={"on_no_data": hasty, "min_samples": MinSamples(count=1, query="x")})
    assert bare.on_held_back == hasty
    assert _counted(MissingAction.HOLD).on_held_back == Missing(action=MissingAction.HOLD, after=60.0)


def test_a_policy_counts_from_the_stage_s_beginning_and_does_nothing_at_zero() -> None:
    world = World()
    world.change(guardrails=(_missing("NoData", MissingAction.ROLLBACK), ERRORS), stages=STAGES["hasty"])
    world.play([("ask", "pause"), ("handle", 0), ("handle", 0)])
    for _ in range(10):
        world.play([("wait", 10.0), ("look", 0, "NoData"), ("look", 1, "Pass"), ("handle", 0)])
    assert not world.state.record.latched
    world.play([("ask", "resume"), ("handle", 0), ("handle", 0), ("handle", 0)])
    assert (world.in_force, world.state.confirmed) == (10, True)
    world.play([("wait", 50.0), ("look", 0, "NoData"), ("handle", 0)])
    assert world.in_force == 10
    world.play([("wait", 10.0), ("look", 0, "NoData"), ("handle", 0)])
    assert world.in_force == 0


def test_an_answer_of_whatever_kind_begins_it_anew() -> None:
    world = world_at("second stage")
    world.change(guardrails=(ERRORS, _missing("NoData", MissingAction.ROLLBACK)))
    world.play(
        [("handle", 0), ("look", 1, "NoData"), ("wait", 50.0), ("look", 1, "Inconclusive"), ("look", 1, "NoData")]
    )
    world.play([("wait", 50.0), ("look", 1, "NoData"), ("handle", 0)])
    assert not world.state.record.latched


def test_what_was_missed_by_another_definition_does_not_count() -> None:
    world = world_at("second stage")
    world.change(guardrails=(ERRORS, _missing("NoData", MissingAction.ROLLBACK)))
    world.play([("handle", 0), ("look", 1, "NoData"), ("wait", 100.0), ("look", 1, "NoData")])
    world.change(guardrails=(ERRORS, _missing("NoData", MissingAction.ROLLBACK, after=50.0)))
    world.play([("handle", 0)])
    assert not world.state.record.latched
