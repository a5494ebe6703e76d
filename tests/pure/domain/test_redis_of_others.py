"""What others write to Redis beside an operator: other objects, a second operator, one that does not lead."""

import json
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from mlrollout.api.status import Status
from mlrollout.domain.conditions import facts
from mlrollout.domain.decide import decide
from mlrollout.domain.latch import latch
from mlrollout.domain.persist import from_status, to_status
from mlrollout.domain.reason import Reason
from mlrollout.domain.record import MOST, Cause, decode, encode
from mlrollout.domain.traffic import Raise, SavedRecord

from tests.pure.domain.decisions import alert_reasons, decided
from tests.pure.domain.situations import SITUATIONS, world_at
from tests.pure.domain.specs import SCORE, STAGES
from tests.pure.domain.world import FOREIGN, Happening, World
from tests.support.redis_model import State as Redis

# --- other people's records ------------------------------------------------------------------


def test_an_object_whose_key_was_taken_over_stands_back() -> None:
    world = world_at("second stage", ("take_over",), ("go_well", 1))
    assert world.redis.traffic.record == FOREIGN
    assert alert_reasons(world) == [Reason.KEY_CONFLICT]
    assert not world.state.confirmed
    world.play([("breach", 0)])
    assert world.state.record.latched
    assert decided(world).write is None


def test_a_record_that_was_given_up_is_taken_again_where_ours_is_greater() -> None:
    world = world_at("second stage")
    released = replace(world.state.record, owner="", sequence=world.state.record.sequence - 1, percentage=0)
    world.redis = Redis("0", encode(released))
    world.play([("looks",), ("handle", 0)])
    assert world.redis.traffic.record == world.state.record


@pytest.mark.parametrize("text", ['{"schema":2,"percentage":40}', '{"schema":1', "[]"])
def test_an_unreadable_record_is_left_alone_and_the_key_stays(text: str) -> None:
    world = world_at("second stage", ("set_record", text), ("go_well", 1))
    assert (world.redis.record, world.redis.key) == (text, "30")
    assert alert_reasons(world) == [Reason.RECORD_UNREADABLE]
    assert decided(world).write is None
    assert not world.state.confirmed


def test_under_an_unreadable_record_a_breach_takes_the_key_down() -> None:
    world = world_at("second stage", ("set_record", '{"schema":2}'), ("breach", 0))
    assert (world.redis.record, world.redis.key) == ('{"schema":2}', "0")
    world.play([("handle", 0)])
    assert decided(world).write is None
    world.play([("set_record", None), ("handle", 0)])
    assert world.redis.traffic.record == world.state.record


def test_time_under_an_unreadable_record_was_at_zero_so_its_evidence_does_not_count() -> None:
    world = world_at("second stage")
    text = world.redis.record
    world.play([("set_record", "{}"), ("go_well", 20), ("set_record", text), ("go_well", 1)])
    assert (world.state.confirmed, world.state.in_force_since, world.state.healthy) == (True, world.now, 10)
    world = World()
    world.change(guardrails=(SCORE,), stages=STAGES["gone"])  # its evidence is about the moment it is looked at
    world.play([("handle", 0), ("go_well", 4), ("set_record", "{}"), ("go_well", 1)])
    healthy = world.state.healthy
    world.play([("set_record", encode(world.state.record)), ("wait", 5.0), ("looks",), ("handle", 0)])
    assert (world.state.confirmed, world.state.healthy) == (True, healthy)


COUNTS = st.sampled_from([0, 1, 2, 3, 2**40, MOST - 1, MOST])
WORDS = st.sampled_from(["", "pilot", "elsewhere", "x" * 5000, "\ud800", "\x00", "half"]) | st.text(max_size=80)


@st.composite
def records(draw: st.DrawFn) -> dict[str, object]:
    """The fields of a record that another may write in an object's name: all that are legal."""
    latched = draw(st.booleans())
    return {
        "schema": 1,
        "attempt": draw(st.sampled_from(["its", "the next"]) | COUNTS),
        "latched": latched,
        "sequence": draw(COUNTS),
        "percentage": 0 if latched else draw(st.sampled_from([0, 10, 30, 100])),
        **{name: draw(WORDS) for name in ("revision", "stage", "holder", "cluster")},
        "holdback": draw(st.sampled_from([0, 5, 100])),
        "cause": {"reason": draw(WORDS), "message": draw(WORDS), "at": 1.0},
    }


@given(st.sampled_from(list(SITUATIONS)), records(), st.sampled_from(["0", "10", "100", None, "x"]))
@example(
    "second stage", {"schema": 1, "latched": True, "attempt": "its", "sequence": 9, "percentage": 0, "stage": "?"}, "0"
)
@example("second stage", {"schema": 1, "latched": False, "attempt": "its", "sequence": MOST, "percentage": 10}, "10")
@example("second stage", {"schema": 1, "latched": True, "attempt": MOST, "sequence": 0, "percentage": 0}, "0")
def test_whatever_another_writes_in_its_name_it_is_decided_on_saved_and_taken_down(
    situation: str, fields: dict[str, object], key: str | None
) -> None:
    world = world_at(situation)
    own = world.state.record
    attempts = {"its": own.attempt, "the next": own.attempt + 1}
    attempt = attempts.get(str(fields["attempt"]), fields["attempt"])
    world.redis = Redis(key, json.dumps(fields | {"attempt": attempt, "owner": own.owner}))
    operator = world.operators[0]
    for _ in range(3):
        world.wait(1.0)
        decision = operator.step = decide(world.edit.spec, operator.state, world.observation(operator), world.now)
        operator.state = decision.state
        seen = world.observation(operator)
        assert facts(world.edit.spec, seen, decision, world.now)
        status = to_status(decision.state, spec=world.edit.spec, conditions=(), generation=1)
        assert from_status(Status.read({"status": status.render()})) is not None
    state = operator.state
    assert state is not None
    down = latch(state, world.now, Cause(Reason.GUARDRAIL_BREACHED, "it is bad"))
    assert down.record.rank > state.record.rank or state.record.latched
    assert decode(encode(down.record)) == down.record


# --- what may be done without leading -----------------------------------------------------------


@pytest.mark.parametrize(
    ("situation", "happenings", "lowers", "rolls_back"),
    [
        ("second stage", [("handle", 0)], False, False),
        ("second stage", [("breach", 0)], True, True),
        ("second stage", [("stages", "lower"), ("handle", 0)], True, False),
        ("second stage", [("revise",), ("handle", 0)], True, False),
        ("second stage announced", [("handle", 0)], False, False),
        ("rolled back", [("set_key", None), ("handle", 0)], False, False),
        ("second stage", [("take_over",), ("breach", 0)], False, False),
    ],
)
def test_a_way_down_is_told_from_everything_else(
    situation: str,
    happenings: list[Happening],
    lowers: bool,  # noqa: FBT001 - a table
    rolls_back: bool,  # noqa: FBT001 - a table
) -> None:
    world = world_at(situation)
    before = world.state
    world.play(happenings)
    decision = world.operators[0].step
    assert decision is not None
    assert (decision.lowers(before), decision.rolls_back(before)) == (lowers, rolls_back)
    assert not decision.lowers(None)


# --- two operators ---------------------------------------------------------------------------


def test_of_two_that_decide_on_the_same_state_one_announces_and_one_raise_is_sent() -> None:
    world = world_at("first stage", ("restart", 1), ("handle", 1), ("looks",), ("handle", 1), ("handle", 0))
    first, second = world.operators
    first.version = second.version = world.version
    second.state = first.state
    world.play([("ask", "promote"), ("wait", 10.0), ("looks",)])
    version, verbs = world.version, dict(world.verbs)
    world.handle(0)
    world.verbs = verbs
    announced = world.handle(1).state
    assert announced is not None
    assert announced.history[-1].reason == Reason.STAGE_ADVANCED, "the second announced it, too"
    assert world.version == version + 1, "but was not allowed to save that"
    assert second.state == first.state
    world.play([("delay", True), ("handle", 0), ("handle", 1)])
    assert isinstance(world.in_flight[0], Raise)
    world.play([("delay", False), ("deliver",), ("deliver",), ("handle", 0)])
    assert (world.in_force, world.told.count(Reason.STAGE_ADVANCED)) == (30, 2)


def test_a_raise_says_what_it_is_based_on() -> None:
    world = world_at("second stage announced", ("delay", True), ("go_well", 1))
    assert world.in_flight == [Raise(SavedRecord(world.state.record), expect=world.redis.traffic.record)]
    assert world.redis.traffic.record is not None
    world.play([("delay", False), ("breach", 0), ("deliver",)])
    assert world.in_force == 0, "what was sent before the rollback comes too late"


def test_a_stage_is_not_passed_over_where_redis_goes_back_while_the_next_one_is_announced() -> None:
    world = world_at("first stage", ("snapshot",))
    assert world.in_force == 10
    world.play([("go_well", 14), ("ask", "approve"), ("handle", 0)])
    assert (world.state.record.stage, world.in_force) == ("full", 30)
    world.play([("fail_over", 0), ("handle", 0)])
    assert (world.state.record.stage, world.state.record.percentage, world.in_force) == ("pilot", 10, 10)
    assert (world.told[-1], world.state.history[-1].warning) == (Reason.STAGE_CHANGED, True)
    assert "Redis went back to 10 %" in world.state.history[-1].message


def test_a_stage_that_something_was_earned_in_comes_back_from_wherever_redis_went_back_to() -> None:
    world = world_at("first stage", ("snapshot",), ("go_well", 14), ("ask", "approve"), ("go_well", 6))
    assert (world.state.record.stage, world.in_force) == ("full", 100)
    world.play([("fail_over", 0), ("go_well", 1), ("handle", 0)])
    assert (world.state.record.stage, world.in_force) == ("full", 100)
