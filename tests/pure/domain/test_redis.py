"""What a hand or a loss may leave in Redis, and what the operator makes of it."""

from dataclasses import replace

import pytest
from mlrollout.api.approval import Approval
from mlrollout.domain.reason import Reason
from mlrollout.domain.record import encode
from mlrollout.domain.traffic import Lower, Raise, SavedRecord

from tests.pure.domain.decisions import alert_reasons, decided
from tests.pure.domain.situations import world_at
from tests.pure.domain.specs import STAGES
from tests.pure.domain.world import FOREIGN, World
from tests.support.redis_model import State as Redis

# --- the emergency stop ----------------------------------------------------------------------


@pytest.mark.parametrize("text", ["0", "29", "", "garbage", "-1", "1000", None])
def test_a_key_taken_below_its_record_by_hand_is_an_emergency_stop(text: str | None) -> None:
    world = world_at("second stage", ("set_key", text), ("handle", 0))
    assert world.state.record.latched
    assert world.redis.traffic.record == world.state.record
    assert world.redis.key == "0"
    assert world.state.cause == Reason.EMERGENCY_STOP
    assert "retry" in world.state.explanation
    world.play([("go_well", 20)])
    assert world.in_force == 0


@pytest.mark.parametrize("situation", ["first stage", "second stage announced", "complete", "paused"])
def test_it_works_in_every_situation(situation: str) -> None:
    world = world_at(situation, ("set_key", "0"), ("handle", 0))
    assert world.state.record.latched


def test_it_works_after_completion_where_guardrails_are_off() -> None:
    world = world_at("complete", ("after", "Stop"), ("go_well", 2), ("set_key", "0"), ("handle", 0))
    assert world.state.record.latched


@pytest.mark.parametrize("text", ["0", "29", "garbage"])
def test_it_works_where_the_record_was_deleted_as_well(text: str) -> None:
    world = world_at("second stage", ("set_record", None), ("set_key", text), ("handle", 0))
    assert (world.state.record.latched, world.state.cause) == (True, Reason.EMERGENCY_STOP)


@pytest.mark.parametrize("text", ["0", "garbage", None])
def test_at_zero_there_is_nothing_to_stop_and_the_key_is_put_back(text: str | None) -> None:
    world = world_at("before the first stage", ("set_key", text), ("handle", 0), ("handle", 0))
    assert not world.state.record.latched
    assert (world.redis.key, world.state.confirmed) == ("0", True)


def test_a_record_that_is_not_ours_is_nobody_s_emergency_stop() -> None:
    world = world_at("second stage")
    world.redis = Redis("0", encode(replace(FOREIGN, attempt=0)))
    world.handle()
    assert not world.state.record.latched


# --- a key raised by hand --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("situation", "record"), [("second stage", 30), ("rolled back", 0), ("paused", 30), ("before the first stage", 0)]
)
def test_a_key_raised_by_hand_is_put_back_with_a_warning(situation: str, record: int) -> None:
    world = world_at(situation, ("set_key", "90"), ("handle", 0))
    assert world.redis.key == str(record)
    assert [alert.warning for alert in decided(world).alerts if alert.reason is Reason.PERCENTAGE_OVERWRITTEN] == [True]
    world.play([("handle", 0)])
    assert Reason.PERCENTAGE_OVERWRITTEN not in alert_reasons(world)


def test_it_is_put_back_also_while_a_raise_is_held_back() -> None:
    world = world_at("second stage announced", ("pause", True), ("set_key", "90"), ("handle", 0))
    assert (world.redis.key, world.in_force) == ("10", 10)
    assert Reason.PERCENTAGE_OVERWRITTEN in alert_reasons(world)


# --- lost data -------------------------------------------------------------------------------


def test_a_stage_that_redis_lost_comes_back_at_once_on_evidence_that_is_still_fresh() -> None:
    world = world_at("second stage")
    healthy = world.state.healthy
    world.play([("flush",), ("handle", 0)])
    assert (world.in_force, world.told[-1]) == (30, Reason.TRAFFIC_RESTORED)
    world.play([("handle", 0)])
    assert (world.state.healthy, world.state.confirmed, world.state.in_force_since) == (healthy, True, world.now)


def test_it_is_told_once_however_often_it_is_tried() -> None:
    world = world_at("second stage", ("flush",), ("delay", True), ("handle", 0), ("handle", 0))
    assert world.told.count(Reason.TRAFFIC_RESTORED) == 1
    assert world.in_flight == [Raise(SavedRecord(world.state.record), expect=None)] * 2
    world.play([("deliver",), ("deliver",)])
    assert world.in_force == 30


def test_so_does_a_completed_one() -> None:
    world = world_at("complete", ("flush",), ("handle", 0), ("handle", 0))
    assert (world.in_force, world.state.completed) == (100, True)


def test_so_it_does_after_a_short_outage() -> None:
    world = world_at("second stage", ("redis_is", False), ("go_well", 2), ("flush",), ("redis_is", True), ("handle", 0))
    assert world.in_force == 30


STALE = {
    "nothing was seen since": [("flush",), ("wait", 31.0), ("handle", 0)],
    "only passes from after a long outage": [
        ("redis_is", False),
        ("go_well", 4),
        ("flush",),
        ("redis_is", True),
        ("handle", 0),
    ],
    "one guardrail has no data": [("flush",), ("look", 2, "NoData"), ("handle", 0)],
    "the operator was restarted": [("flush",), ("restart", 0), ("handle", 0), ("looks",), ("handle", 0)],
    "it is paused": [("ask", "pause"), ("go_well", 4), ("flush",), ("handle", 0)],
    "it was paused": [("pause", True), ("go_well", 1), ("flush",), ("pause", False), ("handle", 0)],
    "the key stands without its record": [("set_record", None), ("handle", 0)],
}


@pytest.mark.parametrize("happenings", STALE.values(), ids=STALE)
def test_otherwise_the_attempt_starts_again_at_its_first_stage(happenings: list[tuple[object, ...]]) -> None:
    world = world_at("second stage")
    sequence = world.state.record.sequence
    world.play(happenings)
    assert [entry.warning for entry in world.state.history if entry.reason == Reason.TRAFFIC_LOST] == [True]
    assert world.state.record.sequence > sequence
    assert world.in_force == 0
    assert (world.state.record.attempt, world.state.record.latched, world.state.healthy) == (1, False, 0)
    world.play([("pause", False), ("ask", "resume"), ("go_well", 3)])
    assert (world.in_force, world.state.record.stage) == (10, "pilot")


def test_a_stage_that_was_only_announced_does_not_come_back() -> None:
    world = world_at("second stage announced", ("flush",), ("handle", 0))
    assert (world.in_force, world.told[-1]) == (0, Reason.TRAFFIC_LOST)


def test_a_rollback_that_redis_lost_is_put_back() -> None:
    world = world_at("rolled back", ("flush",), ("handle", 0))
    assert world.redis.traffic.record == world.state.record
    assert world.in_force == 0


def test_what_an_old_replica_brought_back_is_raised_again_on_evidence() -> None:
    world = world_at("first stage", ("snapshot",), ("go_well", 8))
    assert world.in_force == 30
    world.play([("fail_over", 0), ("look", 0, "NoData"), ("handle", 0)])
    assert (world.in_force, world.state.record.percentage, world.state.confirmed) == (10, 30, False)
    world.play([("look", 0, "Pass"), ("handle", 0)])
    assert world.in_force == 30


LONG_AGO = ("before the first stage", ("stages", "three"), ("snapshot",), ("go_well", 14))


def test_a_replica_of_long_ago_that_holds_zero_is_like_lost_data() -> None:
    world = world_at(*LONG_AGO)
    assert world.in_force == 30
    world.play([("fail_over", 0), ("delay", True), ("handle", 0), ("handle", 0)])
    assert world.told.count(Reason.TRAFFIC_RESTORED) == 1
    assert world.in_flight == [Raise(SavedRecord(world.state.record), expect=world.redis.traffic.record)] * 2
    world.play([("delay", False), ("deliver",), ("handle", 0)])
    assert (world.in_force, world.state.confirmed) == (30, True)


def test_and_without_fresh_evidence_the_attempt_starts_again_there_too() -> None:
    world = world_at(*LONG_AGO, ("fail_over", 0), ("wait", 100.0), ("looks",), ("handle", 0))
    assert (world.told[-1], world.state.record.stage, world.in_force) == (Reason.TRAFFIC_LOST, "", 0)
    assert "went back" in world.state.history[-1].message
    world.play([("go_well", 3)])
    assert world.in_force == 10


def test_a_key_that_was_given_up_is_not_said_to_have_gone_back() -> None:
    """By a replica that has heard that the object goes, before the leader has: nothing is wrong with Redis."""
    world = world_at("second stage", ("wait", 100.0))
    given_up = replace(world.state.record, sequence=world.state.record.next_sequence, percentage=0, owner="")
    world.redis = Redis("0", encode(given_up))
    world.handle()
    assert (world.told[-1], world.state.record.stage, world.in_force) == (Reason.TRAFFIC_LOST, "", 0)
    assert "the key was given up, as where the object is deleted" in world.state.history[-1].message


def test_a_first_stage_at_zero_is_not_the_one_before_every_stage() -> None:
    world = World()
    world.change(stages=(*STAGES["dark"], STAGES["three"][2].model_copy(update={"approval": Approval.AUTOMATIC})))
    world.play([("handle", 0), ("go_well", 5), ("snapshot",), ("go_well", 20)])
    assert world.in_force == 100
    world.play([("fail_over", 0), ("wait", 100.0), ("looks",), ("handle", 0)])
    assert (world.told[-1], world.in_force) == (Reason.TRAFFIC_LOST, 0)


def test_a_stage_after_one_at_zero_is_entered_though_nothing_is_in_force() -> None:
    world = World()
    world.play([("stages", "dark"), ("handle", 0), ("go_well", 12)])
    assert (world.in_force, world.state.confirmed) == (30, True)
    assert Reason.TRAFFIC_LOST not in world.told


def test_what_an_old_replica_brought_back_of_a_rolled_back_attempt_goes_down_at_once() -> None:
    world = world_at("second stage", ("snapshot",), ("breach", 0), ("fail_over", 0))
    assert world.in_force == 30
    world.play([("handle", 0)])
    assert world.in_force == 0


# --- Redis that can't be asked ---------------------------------------------------------------


def test_while_redis_can_t_be_asked_nothing_is_raised_and_a_way_down_is_tried() -> None:
    world = world_at("second stage announced", ("redis_is", False), ("go_well", 1))
    assert decided(world).write is None
    assert alert_reasons(world) == [Reason.TRAFFIC_UNCONFIRMED]
    world.play([("breach", 0)])
    assert decided(world).write == Lower(world.state.record)
    world.play([("redis_is", True), ("handle", 0)])
    assert world.in_force == 0


def test_an_outage_of_redis_asks_for_no_write_where_it_held_everything() -> None:
    world = world_at("second stage", ("redis_is", False), ("go_well", 1))
    assert decided(world).write is None
    assert world.state.confirmed


def test_the_time_of_a_long_outage_does_not_count() -> None:
    world = world_at("second stage", ("redis_is", False), ("go_well", 10), ("redis_is", True), ("go_well", 2))
    assert world.state.healthy == 20


# --- at rest ---------------------------------------------------------------------------------


def test_nothing_is_written_and_the_next_step_is_awaited() -> None:
    decision = decided(world_at("second stage"))
    assert decision.write is None
    assert decision.again == pytest.approx(1_000_140.0 + 30.0)
