"""How attempts begin and begin anew: earlier owners of the key, lost statuses, revisions, evidence about the past."""

from dataclasses import replace

import pytest
from mlrollout.api.guardrail import BreachAfter
from mlrollout.domain.attempt import caught_up
from mlrollout.domain.decide import decide
from mlrollout.domain.decision import Observation
from mlrollout.domain.reason import Reason
from mlrollout.domain.record import Record, encode, first_attempt
from mlrollout.domain.state import RunOutcome
from mlrollout.domain.traffic import Lower, Traffic
from mlrollout.domain.traffic_plan import plan_traffic

from tests.pure.domain.situations import world_at
from tests.pure.domain.specs import ERRORS, GUARDRAILS, STAGES, Edit
from tests.pure.domain.world import HOLDER, UID, World
from tests.support.redis_model import State as Redis

SPEC = Edit().spec
NOW = 1_000.0


def _old(**fields: int | str | bool) -> Record:
    found = {"attempt": 4, "latched": False, "sequence": 2, "percentage": 30, "revision": "r0", "stage": "half"}
    return Record(**found | {"owner": "another", "holder": HOLDER} | fields)  # type: ignore[arg-type] # any field


def _begun(record: Record | None, key: str | None = "30") -> Record:
    decision = decide(SPEC, None, Observation(UID, HOLDER, Traffic(key, record)), NOW)
    assert decision.state is not None
    assert decision.announces, "it begins when it is saved"
    served = record is not None and record.percentage
    ends = replace(record, sequence=3, percentage=0, stage="", owner="") if record is not None and served else None
    assert decision.write == (None if ends is None else Lower(ends)), "what nobody guards ends at once"
    assert decision.state.serial == len(decision.state.history) == 1
    return decision.state.record


def test_the_first_attempt_begins_at_zero() -> None:
    record = _begun(None, None)
    assert (record.attempt, record.sequence, record.percentage, record.latched) == (1, 0, 0, False)
    assert (record.owner, record.holder, record.revision, record.stage) == (UID, HOLDER, "r1", "")


@pytest.mark.parametrize(
    ("record", "attempt"),
    [
        (None, 1),  # a key that had no operator
        (_old(owner="", holder="other/name"), 5),  # given up by a deleted object
        (_old(), 5),  # left by an object of the same name
        (_old(latched=True, percentage=0), 5),
    ],
)
def test_an_attempt_begins_above_what_stands_and_takes_it_to_zero(record: Record | None, attempt: int) -> None:
    begun = _begun(record)
    assert (begun.attempt, begun.percentage, begun.owner) == (attempt, 0, UID)
    world = World(redis=Redis("30", None if record is None else encode(record)))
    world.handle()
    assert (world.redis.traffic.record, world.in_force) == (begun, 0)


@pytest.mark.parametrize(
    ("record", "key", "evidence_from"),
    [
        (None, None, 0.0),
        (None, "0", 0.0),
        (None, "10", NOW),
        (_old(), "30", NOW),
        (_old(percentage=0), "0", NOW),
    ],
)
def test_evidence_of_a_time_with_traffic_is_not_the_new_attempt_s(
    record: Record | None, key: str | None, evidence_from: float
) -> None:
    state = decide(SPEC, None, Observation(UID, HOLDER, Traffic(key, record)), NOW).state
    assert state is not None
    assert (state.evidence_from, state.measurements_from) == (evidence_from, NOW)


@pytest.mark.parametrize(
    "found",
    [
        _old(owner=UID, revision="r1"),
        _old(owner=UID, revision="r1", latched=True, percentage=0, sequence=0),
        _old(owner=UID, revision="r1", sequence=0, percentage=0, stage=""),
    ],
)
def test_an_object_that_lost_its_status_goes_on_from_its_record(found: Record) -> None:
    decision = decide(SPEC, None, Observation(UID, HOLDER, Traffic(str(found.percentage), found)), NOW)
    state = decision.state
    assert state is not None
    assert state.record == found
    assert state.history[-1].reason == Reason.RECORD_ADOPTED
    assert state.cause == (Reason.ROLLED_BACK if found.latched else "")
    assert [run.name for run in state.runs] == (["half"] if found.stage else [])


@pytest.mark.parametrize(("created", "ends"), [(0, True), (100.0, True), (99.0, False), (98.0, False)])
def test_what_an_earlier_object_left_behind_ends_at_once_and_what_may_be_a_later_ones_does_not(
    created: float,
    ends: bool,  # noqa: FBT001 - a table
) -> None:
    found = _old(attempt=first_attempt(99.0) + 3)
    decision = decide(SPEC, None, Observation(UID, HOLDER, Traffic("30", found), created=created), NOW)
    assert decision.announces
    assert (decision.write is not None) == ends


@pytest.mark.parametrize(
    ("traffic", "attempt", "percentage"),
    [
        (None, 1, 30),  # Redis can't be asked
        (Traffic(None, None), 1, 30),  # it lost everything
        (Traffic("10", _old(owner=UID, attempt=1, sequence=1, percentage=10)), 1, 30),  # it went back
        (Traffic("40", _old(owner=UID, attempt=1, sequence=9, percentage=40)), 1, 40),  # the next stage
        (Traffic("0", _old(owner=UID, attempt=1, sequence=9, percentage=0, latched=True)), 1, 0),
        (Traffic("10", _old(owner=UID, sequence=1, percentage=10)), 4, 10),  # a later attempt
        (Traffic("10", _old(sequence=1, percentage=10)), 1, 30),  # another object's
    ],
)
def test_a_process_goes_on_from_redis_where_that_is_ahead(
    traffic: Traffic | None, attempt: int, percentage: int
) -> None:
    world = world_at("second stage")
    found = caught_up(SPEC, world.state, Observation(UID, HOLDER, traffic), world.now)
    assert found is not None
    assert (found.record.attempt, found.record.percentage) == (attempt, percentage)
    assert found.evidence_from == (world.now if attempt > 1 else world.state.evidence_from)
    assert (found is world.state) == (percentage == 30)


@pytest.mark.parametrize("owner", ["", "an-earlier-uid"])
def test_a_record_of_ours_stands_for_a_status_that_was_never_seen(owner: str) -> None:
    state = None
    if owner:  # a restored status
        before = world_at("second stage").state
        state = replace(before, record=replace(before.record, owner=owner))
    for found, known in ((_old(owner=UID), True), (_old(), False)):
        traffic = Traffic(str(found.percentage), found)
        caught = caught_up(SPEC, state, Observation(UID, HOLDER, traffic), NOW)
        assert (caught.record if caught is not None else None) == (found if known else state and state.record)


def test_the_key_of_another_object_is_left_alone() -> None:
    found = Traffic("40", _old(holder="else/where"))
    decision = decide(SPEC, None, Observation(UID, HOLDER, found), NOW)
    assert (decision.state, decision.write) == (None, None)
    assert [alert.reason for alert in decision.alerts] == [Reason.KEY_CONFLICT]
    assert "else/where" in decision.alerts[0].message


def test_nothing_begins_while_redis_can_t_be_asked() -> None:
    decision = decide(SPEC, None, Observation(UID, HOLDER, None, "connection refused"), NOW)
    assert (decision.state, decision.write) == (None, None)
    assert [alert.reason for alert in decision.alerts] == [Reason.TRAFFIC_UNCONFIRMED]
    assert "connection refused" in decision.alerts[0].message


def test_a_restored_status_of_another_object_counts_as_none() -> None:
    world = world_at("second stage")
    state = replace(world.state, record=replace(world.state.record, owner="an-earlier-uid"))
    decision = decide(SPEC, state, Observation(UID, HOLDER, Traffic("30", state.record)), world.now)
    assert decision.state is not None
    assert (decision.state.record.attempt, decision.state.record.owner) == (2, UID)
    assert decision.announces
    assert decision.state.record.percentage == 0


# --- a new revision --------------------------------------------------------------------------


@pytest.mark.parametrize("situation", ["before the first stage", "second stage", "complete", "rolled back", "paused"])
def test_a_new_revision_is_a_new_attempt_from_zero(situation: str) -> None:
    world = world_at(situation, ("revise",), ("handle", 0))
    record = world.state.record
    assert (record.attempt, record.latched, record.percentage, record.revision) == (2, False, 0, "r2")
    assert world.in_force == 0
    assert world.told[-1] == Reason.ATTEMPT_STARTED
    assert not world.state.completed


def test_the_holdback_is_the_attempts_and_a_change_is_the_next_ones() -> None:
    world = World(edit=Edit(holdback=5))
    world.play([("handle", 0), ("go_well", 6), ("hold_back", 0), ("go_well", 8)])
    assert (world.state.record.stage, world.state.record.holdback) == ("half", 5)
    assert world.redis.traffic.record == world.state.record
    assert "5 % of the users stay in control" in world.state.history[0].message
    world.play([("hold_back", 20), ("breach", 0), ("handle", 0), ("restart", 0), ("handle", 0)])
    assert (world.state.record.latched, world.state.record.holdback) == (True, 5)
    world.play([("revise",), ("handle", 0)])
    assert (world.state.record.revision, world.state.record.percentage, world.state.record.holdback) == ("r2", 0, 20)


def test_a_holdback_outlives_an_older_operator_whose_status_has_none() -> None:
    world = World(edit=Edit(holdback=5))
    world.play([("handle", 0), ("go_well", 6)])
    state = world.state
    older = replace(state, record=replace(state.record, holdback=0))
    decision = decide(world.edit.spec, older, Observation(UID, HOLDER, world.redis.traffic), world.now)
    assert decision.state is not None
    assert decision.state.record == state.record


def test_a_new_revision_takes_the_old_one_to_zero_at_once_and_begins_when_it_is_saved() -> None:
    world = world_at("second stage", ("api_is", False), ("revise",), ("handle", 0))
    assert (world.in_force, world.state.record.attempt, world.state.record.revision) == (0, 1, "r1")
    assert world.told[-1] == Reason.STAGE_CHANGED
    world.play([("go_well", 20)])
    assert (world.in_force, world.state.record.attempt) == (0, 1)
    world.play([("api_is", True), ("handle", 0)])
    assert (world.state.record.attempt, world.state.record.revision) == (2, "r2")
    assert world.redis.traffic.record == world.state.record


def test_a_rollback_asked_for_beside_a_new_revision_is_for_that_one() -> None:
    world = world_at("second stage", ("revise",), ("ask", "rollback"), ("handle", 0))
    assert (world.state.record.attempt, world.state.record.latched, world.in_force) == (2, True, 0)


def test_a_new_revision_is_heard_while_redis_is_away() -> None:
    world = world_at("second stage", ("redis_is", False), ("revise",), ("handle", 0))
    assert (world.state.record.attempt, world.in_force) == (2, 30)
    world.play([("redis_is", True), ("handle", 0)])
    assert world.in_force == 0


def test_users_of_a_raise_whose_answer_was_lost_are_in_nobody_s_evidence() -> None:
    """Redis is away from then on, and what ends them there is not answered either: nobody has ever seen them."""
    away = (("redis_is", False), ("wait", 5.0), ("revise",), ("handle", 0), ("wait", 60.0))
    world = world_at("first stage announced", *away)
    world.redis = Redis("0", encode(world.state.record))
    world.play([("redis_is", True), ("looks",), ("handle", 0), ("looks",), ("handle", 0)])
    assert (world.state.record.attempt, world.in_force) == (2, 0)
    assert _waits_for(world) == Reason.WINDOWS_NOT_CLEAR
    world.go_well(3)
    assert world.state.record.stage == "pilot"


def test_a_new_attempt_begins_above_whatever_redis_holds() -> None:
    world = world_at("second stage")
    world.set_record(encode(replace(world.state.record, attempt=7, owner="")))
    world.play([("revise",), ("handle", 0)])
    assert world.state.record.attempt == 8
    assert world.redis.traffic.record == world.state.record


def test_a_mended_model_is_not_judged_by_the_broken_one_s_errors() -> None:
    world = world_at("second stage", ("breach", 0))
    down = world.now
    world.play([("ask", "retry"), ("handle", 0)])
    for _ in range(3):
        world.play([("wait", 5.0), ("look", 1, "Pass"), ("look", 2, "Pass"), ("look", 0, "Breach"), ("handle", 0)])
        assert not world.state.record.latched
        assert _waits_for(world) == Reason.WINDOWS_NOT_CLEAR
    world.play([("wait", 5.0), ("looks",), ("handle", 0)])
    assert world.now == down + 20, "the window of errors is 20 s"
    assert world.state.record.stage == "pilot"


def test_after_an_emergency_stop_too() -> None:
    world = world_at("second stage", ("set_key", "0"), ("handle", 0), ("handle", 0), ("ask", "retry"), ("handle", 0))
    assert world.state.record.attempt == 2
    world.play([("wait", 10.0), ("looks",), ("handle", 0)])
    assert _waits_for(world) == Reason.WINDOWS_NOT_CLEAR


def test_a_retry_long_after_the_rollback_need_not_wait() -> None:
    world = world_at("rolled back", ("wait", 600.0), ("handle", 0), ("ask", "retry"), ("handle", 0), ("go_well", 1))
    assert world.state.record.stage == "pilot"


def test_a_retry_after_a_failover_brought_the_rolled_back_attempt_back_waits_for_it_to_be_over() -> None:
    world = world_at("second stage", ("snapshot",), ("breach", 0), ("wait", 600.0), ("handle", 0))
    world.play([("fail_over", 0), ("ask", "retry"), ("handle", 0), ("wait", 10.0), ("looks",), ("handle", 0)])
    assert world.state.record.attempt == 2
    assert _waits_for(world) == Reason.WINDOWS_NOT_CLEAR


def test_a_new_revision_before_the_first_stage_need_not_wait() -> None:
    world = world_at(
        "before the first stage", ("wait", 600.0), ("revise",), ("handle", 0), ("stages", "three"), ("go_well", 1)
    )
    assert world.state.record.stage == "pilot"


def test_a_breach_from_before_the_first_stage_is_none() -> None:
    """It is about no traffic at all; the last look must be better, but the ones before it don't count."""
    world = World()
    lasting = ERRORS.model_copy(update={"breach_after": BreachAfter(failures=1, of=3)})
    world.change(guardrails=(lasting, *GUARDRAILS["plain"][1:]))
    world.play([("handle", 0), ("breach", 0)])
    assert _waits_for(world) == Reason.GUARDRAILS_UNHEALTHY
    world.play([("go_well", 4)])
    assert (world.in_force, world.state.record.latched) == (10, False)
    world.play([("breach", 0)])
    assert world.state.record.latched


def test_the_first_stage_waits_until_every_source_answers() -> None:
    world = World()
    world.play([("handle", 0), ("looks", "NoData"), ("look", 2, "Error"), ("handle", 0)])
    assert _waits_for(world) == Reason.GUARDRAILS_UNKNOWN
    world.play([("look", 2, "Inconclusive"), ("look", 3, "Error"), ("handle", 0)])
    assert world.state.record.stage == "pilot", "no data yet is no objection, and an alert gates nothing"


# --- what Redis knows better -----------------------------------------------------------------


def test_a_rollback_that_was_not_saved_is_adopted() -> None:
    world = world_at("second stage", ("api_is", False), ("breach", 0), ("restart", 0), ("api_is", True), ("handle", 0))
    assert world.state.record.latched
    assert world.state.cause == Reason.GUARDRAIL_BREACHED
    assert world.state.runs[-1].outcome is RunOutcome.ROLLED_BACK
    assert world.told[-2:] == [Reason.GUARDRAIL_BREACHED, Reason.ROLLED_BACK]
    world.play([("go_well", 10)])
    assert world.in_force == 0


def test_an_attempt_that_a_restored_status_does_not_know_is_adopted_without_anything_of_the_old_one() -> None:
    world = world_at("waiting for approval", ("ask", "approve"), ("pause", True), ("handle", 0))
    assert world.state.approved == "full"
    backup = world.saved
    world.play([("breach", 0), ("ask", "retry"), ("handle", 0)])
    world.saved = backup
    world.play([("restart", 0), ("handle", 0)])
    state = world.state
    assert (state.record.attempt, state.record.percentage, state.record.stage) == (2, 0, "")
    assert (state.approved, state.cause, state.explanation, state.runs) == ("", "", "", ())
    assert world.told[-1] == Reason.RECORD_ADOPTED


def test_what_was_seen_before_the_first_users_came_is_about_none_for_who_hears_of_them_by_redis() -> None:
    """It would take the new model back for what was there before it."""
    state = world_at("before the first stage").state
    found = replace(state.record, sequence=state.record.sequence + 1, percentage=10, stage="pilot")
    now = state.measurements_from + 60
    seen = Observation(UID, HOLDER, Traffic("10", found))
    caught = caught_up(SPEC, state, seen, now)
    assert caught is not None
    assert (caught.record, caught.measurements_from, caught.evidence_from) == (found, now, state.evidence_from)
    further = replace(found, sequence=found.sequence + 1, percentage=30, stage="half")
    later = caught_up(SPEC, caught, Observation(UID, HOLDER, Traffic("30", further)), now + 60)
    assert later is not None
    assert (later.record, later.measurements_from) == (further, now)


def test_evidence_of_an_announced_first_stage_begins_anew_after_users_of_another_attempt() -> None:
    """It began before them, and would reach back to them for good."""
    before = world_at("before the first stage").state
    record = replace(before.record, sequence=before.record.sequence + 1, percentage=10, stage=SPEC.stages[0].name)
    now = before.evidence_from + 60
    for until, expected in ((now, now), (0.0, before.evidence_from)):
        seen = Observation(UID, HOLDER, Traffic("0", before.record), others_until=until)
        plan = plan_traffic(SPEC, seen, before.at(record), now, ())
        assert plan.state.evidence_from == expected


@pytest.mark.parametrize(("gone", "anew"), [(-5, False), (5, True)])
def test_evidence_is_clear_of_users_that_were_gone_before_the_first_stage(gone: float, *, anew: bool) -> None:
    """It stands when somebody comes to lead who has not seen how it came."""
    before = world_at("before the first stage").state
    record = replace(before.record, sequence=before.record.sequence + 1, percentage=10, stage=SPEC.stages[0].name)
    entered = before.in_force_since + 60
    state = replace(before.at(record), measurements_from=entered, evidence_from=entered + gone, confirmed=False)
    plan = plan_traffic(SPEC, Observation(UID, HOLDER, Traffic("10", record)), state, entered + 600, ())
    assert plan.state.evidence_from == (entered + 600 if anew else entered + gone)


def test_the_cause_of_the_old_attempt_is_not_the_new_one_s() -> None:
    world = world_at(
        "rolled back", ("api_is", False), ("ask", "retry"), ("handle", 0), ("restart", 0), ("api_is", True)
    )
    world.play([("handle", 0)])
    assert (world.state.record.attempt, world.state.cause, world.state.explanation) == (2, "", "")


def test_a_cause_that_is_known_is_not_forgotten_for_an_adopted_record() -> None:
    world = world_at("rolled back")
    later = replace(world.state.record, sequence=9)
    world.set_record(encode(later))
    world.handle()
    assert world.state.record == later
    assert world.state.cause == Reason.GUARDRAIL_BREACHED


def test_a_stage_left_downwards_that_was_not_saved_is_adopted() -> None:
    world = world_at(
        "second stage", ("api_is", False), ("stages", "lower"), ("handle", 0), ("restart", 0), ("handle", 0)
    )
    assert (world.state.record.stage, world.state.record.percentage, world.in_force) == ("half", 20, 20)
    assert [run.outcome for run in world.state.runs] == [RunOutcome.PASSED, RunOutcome.SUPERSEDED, RunOutcome.RUNNING]


def test_a_loss_that_was_not_saved_is_adopted_and_the_only_stage_is_served_again() -> None:
    world = World()
    world.change(stages=STAGES["three"][2:])
    world.play([("handle", 0), ("ask", "approve"), ("go_well", 8)])
    assert world.state.completed
    world.play(
        [("restart", 1), ("handle", 1), ("api_is", False), ("flush",), ("handle", 1), ("api_is", True), ("handle", 0)]
    )
    assert not world.state.completed
    assert (world.state.record.stage, world.in_force) == ("", 0)


def test_a_record_of_the_object_before_does_not_keep_its_successor_from_the_key() -> None:
    """It may be written late, or come back from an old replica, when the successor has begun long since."""
    world = world_at("second stage")
    spec, state = world.edit.spec, replace(world.state, record=replace(world.state.record, attempt=2))
    late = replace(world.state.record, attempt=1, owner="an-earlier-uid")
    decision = decide(spec, state, Observation(UID, HOLDER, Traffic("30", late)), world.now)
    assert decision.write == Lower(state.record)
    decision = decide(spec, state, Observation(UID, HOLDER, Traffic("30", replace(late, attempt=3))), world.now)
    assert decision.write is None, "a greater one may be another cluster's"
    assert decision.alerts[0].reason is Reason.KEY_CONFLICT


# --- after another object ------------------------------------------------------------------


def test_a_successor_begins_above_what_was_given_up() -> None:
    state = world_at("rolled back").state
    world = World(redis=Redis("0", encode(replace(state.record, owner=""))))
    world.handle()
    assert (world.state.record.attempt, world.state.record.latched) == (2, False)


def _waits_for(world: World) -> str:
    decision = world.operators[0].decision
    assert decision is not None
    return decision.blockers[0].reason
