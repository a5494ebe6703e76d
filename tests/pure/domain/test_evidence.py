"""What evidence does: only fresh passes of the stage's own time help up, and a breach takes down whatever else is."""

from dataclasses import replace

import pytest
from mlrollout.api.guardrail import Action, BreachAfter, Guardrail, MinSamples, Missing, MissingAction
from mlrollout.api.spec import Requirement, Stage
from mlrollout.domain.decide import decide
from mlrollout.domain.state import Decision, Observation, Reason, RunOutcome
from mlrollout.domain.traffic import Lower
from mlrollout.evidence.measurement import Held, Measurement, MeasurementHistory, Verdict

from tests.pure.domain.situations import world_at
from tests.pure.domain.specs import ANGER, ERRORS, GUARDRAILS, SCORE, STAGES
from tests.pure.domain.world import HOLDER, UID, Happening, World

ERRORS_AT, LATENCY_AT, SCORE_AT, ANGER_AT = range(4)


def _decision(world: World) -> Decision:
    decision = world.operators[0].decision
    assert decision is not None
    return decision


def _waits_for(world: World) -> tuple[Reason, str]:
    blocker = _decision(world).blockers[0]
    return blocker.reason, blocker.message


def _alerts(world: World) -> list[tuple[Reason, str]]:
    return [(alert.reason, alert.subject) for alert in _decision(world).alerts]


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
    assert _waits_for(world) == (reason, f"guardrail score: {verdict}!")
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
    assert _waits_for(world)[0] == Reason.GUARDRAILS_UNKNOWN


def test_a_pass_counts_only_where_its_whole_window_lies_in_the_stage() -> None:
    world = world_at("first stage announced", ("go_well", 2))
    assert world.state.in_force_since == world.now
    for _ in range(3):
        world.play([("wait", 5.0), ("looks",), ("handle", 0)])
        reason, message = _waits_for(world)
        assert (reason, world.state.healthy_until) == (Reason.GUARDRAILS_UNKNOWN, None)
    assert "errors still looks back 5s into the time before this stage" in message
    world.play([("wait", 5.0), ("looks",), ("handle", 0)])
    assert world.state.healthy_until == world.now


def test_a_look_that_is_too_old_or_of_the_future_counts_no_more() -> None:
    for seconds in (31.0, -1.0):
        world = world_at("second stage", ("wait", seconds), ("handle", 0))
        assert _waits_for(world) == (Reason.GUARDRAILS_UNKNOWN, "guardrail errors has no fresh look yet")


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
        reason, message = _waits_for(world)
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


# --- down ------------------------------------------------------------------------------------

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
    assert Reason.ROLLED_BACK not in world.told, "it stands nowhere yet"
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
    assert _waits_for(world)[0] == Reason.GUARDRAILS_UNHEALTHY
    world.play([("go_well", 1), ("look", LATENCY_AT, "Breach"), ("handle", 0)])
    assert world.state.record.latched


@pytest.mark.parametrize(("which", "does"), [(SCORE_AT, "holds the rollout"), (ANGER_AT, "alerts only")])
def test_a_breach_without_rollback_is_announced_while_it_lasts(which: int, does: str) -> None:
    world = world_at("second stage", ("look", which, "Breach"), ("handle", 0))
    assert not world.state.record.latched
    name = GUARDRAILS["plain"][which].name
    assert _alerts(world) == [(Reason.GUARDRAIL_ALERT, name)]
    assert does in _decision(world).alerts[0].message
    world.play([("go_well", 1)])
    assert _alerts(world) == []


def test_a_breach_without_rollback_needs_as_many_looks() -> None:
    patient = SCORE.model_copy(update={"breach_after": BreachAfter(failures=2, of=2)})
    world = world_at("second stage")
    world.change(guardrails=(ERRORS, patient))
    world.play([("handle", 0), ("looks", "Pass"), ("look", 1, "Breach"), ("handle", 0)])
    assert _alerts(world) == []
    world.play([("look", 1, "Breach"), ("handle", 0)])
    assert _alerts(world) == [(Reason.GUARDRAIL_ALERT, "score")]


def test_after_a_rollback_nothing_is_announced_any_more() -> None:
    world = world_at("rolled back", ("looks", "Breach"), ("handle", 0))
    assert _alerts(world) == []


def test_a_completed_rollout_is_guarded_or_not_as_the_user_says() -> None:
    world = world_at("complete", ("go_well", 5), ("after", "Stop"), ("looks", "Breach"), ("handle", 0))
    assert (world.in_force, _alerts(world)) == (100, [])
    world.play([("after", "Guard"), ("handle", 0)])
    assert world.in_force == 0


def test_a_breach_is_seen_also_after_the_clock_was_set_back() -> None:
    world = world_at("second stage", ("wait", -3600.0), ("handle", 0), ("wait", 25.0), ("breach", ERRORS_AT))
    assert world.state.record.latched


def test_a_rollout_goes_on_after_the_clock_was_set_back() -> None:
    world = world_at("first stage", ("wait", -3600.0), ("handle", 0), ("go_well", 10))
    assert world.state.record.stage == "half"


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
        assert (world.in_force, _alerts(world)) == (30, [])
        world.wait(10.0)
    world.play([("look", ERRORS_AT, "Pass"), ("look", 1, verdict), ("handle", 0)])
    if action is MissingAction.ROLLBACK:
        assert (world.in_force, world.state.cause) == (0, Reason.EVIDENCE_MISSING)
        assert world.state.explanation == f"guardrail score without evidence for 1m: {verdict}!"
    else:
        assert (world.in_force, _alerts(world)) == (30, [(Reason.EVIDENCE_MISSING, "score")])
        world.play([("go_well", 1)])
        assert _alerts(world) == []


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
        assert (world.in_force, _alerts(world)) == (30, [])
        world.wait(10.0)
    world.play([("look", 0, "Few"), ("look", 1, "Pass"), ("handle", 0)])
    if action is MissingAction.ROLLBACK:
        assert (world.in_force, world.state.cause) == (0, Reason.EVIDENCE_MISSING)
        assert world.state.explanation == "guardrail errors outside its limits on too few samples for 1m: Few!"
    else:
        assert (world.in_force, _alerts(world)) == (30, [(Reason.EVIDENCE_MISSING, "errors")])
        assert _waits_for(world) == (Reason.GUARDRAILS_UNKNOWN, "guardrail errors: Few!")
        world.play([("go_well", 1)])
        assert _alerts(world) == []


@pytest.mark.parametrize("between", ["Pass", "Inconclusive"])
def test_a_good_value_between_them_ends_the_run_of_bad_ones(between: str) -> None:
    world = world_at("second stage")
    world.change(guardrails=(_counted(MissingAction.ROLLBACK), SCORE))
    for verdict in ("Few", "Few", "Few", between, "Few", "Few", "Few", "Few", "Uncounted"):
        world.play([("wait", 10.0), ("look", 0, verdict), ("look", 1, "Pass"), ("handle", 0)])
    assert (world.in_force, _alerts(world)) == (30, [])


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
        assert (Reason.EVIDENCE_MISSING, "errors") in _alerts(world)
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
