"""An object that goes takes its traffic to zero, gives its key up, and is not held for ever."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from mlrollout.api.crd import UNSEEN
from mlrollout.domain.record import Record, encode, first_attempt
from mlrollout.ports import Ref

from tests.pure.runtime.fates import API_DOWN, REDIS_DOWN, Held, failing, losing
from tests.pure.runtime.going import until_gone
from tests.pure.runtime.small_world import SmallWorld
from tests.pure.runtime.specs import EPOCH, GUARDRAIL, KEY, REF, spec
from tests.support.redis_model import State
from tests.support.virtual_time import virtual

AVERAGED = {**GUARDRAIL, "query": "avg_over_time(up[1m])"}
"""A guardrail that looks back for a minute."""


@pytest.mark.parametrize(("on_delete", "stays"), [("Zero", "0"), ("Retain", "10")])
@virtual
async def test_the_traffic_goes_to_zero_or_stays(on_delete: str, stays: str) -> None:
    world = SmallWorld()
    await world.begun(onDelete=on_delete)
    world.api.delete()
    await until_gone(world)
    assert world.redis.percentage == stays
    assert world.redis.record.owner == ""
    (event,) = world.told("Deleted")
    assert f"given up at {stays} %" in event.message


@virtual
async def test_a_deletion_that_an_answer_tells_of_is_heard_as_one_that_the_watch_tells_of() -> None:
    world = SmallWorld()
    place = await world.begun()
    await asyncio.sleep(20)
    place.deaf = True
    world.api.delete()
    place.operator.lead(leads=True)  # so it reads the object again
    await until_gone(world, within=0.5)
    assert world.redis.percentage == "0"


@pytest.mark.parametrize("leads", [True, False])
@virtual
async def test_what_an_object_left_behind_ends_though_its_successor_can_t_begin(leads: bool) -> None:  # noqa: FBT001
    """A failover may bring it back when the object is gone, and nobody else would look after it."""
    world = SmallWorld()
    old = Record(1, latched=False, sequence=2, percentage=30, stage="x", owner="an-earlier-uid", holder=str(REF))
    for call in ("save_status", "set_finalizer"):
        world.api.fates.always[call] = failing(API_DOWN)
    world.start(leads=leads)
    world.api.apply(spec())
    await asyncio.sleep(20)
    world.redis.states[KEY] = State("30", encode(old))
    await world.until(lambda: world.redis.percentage == "0", within=5)
    assert (world.redis.record.attempt, world.redis.record.owner) == (1, "")
    assert world.status == UNSEEN


@virtual
async def test_traffic_of_one_whose_status_was_lost_goes_with_it() -> None:
    world = SmallWorld()
    place = await world.begun()
    await place.end()
    world.api.edit_status({})
    world.api.delete()
    world.start()
    await until_gone(world)
    assert (world.redis.percentage, world.redis.record.owner) == ("0", "")


@pytest.mark.parametrize("begins", ["before the deletion", "after it"])
@virtual
async def test_whoever_is_made_again_after_redis_lost_everything_waits_for_the_windows_of_the_users_before(
    begins: str,
) -> None:
    """Whoever begins after the deletion decides nothing before it gives the key up: it learns of the users by that."""
    world = SmallWorld()
    place = await world.begun(guardrails=[AVERAGED])
    if begins == "after it":
        await place.end()
        world.api.delete()
        world.start()
    else:
        world.api.delete()
    await until_gone(world)
    await _made_again_after_a_loss(world)


async def _made_again_after_a_loss(world: SmallWorld) -> None:
    """Which the object is, right after its users went, and waits for their end to leave its windows."""
    world.redis.states.clear()
    world.api.apply(spec(guardrails=[AVERAGED]))
    await asyncio.sleep(50)
    assert world.redis.percentage == "0"
    assert world.condition("Ready")["reason"] == "WindowsNotClear"
    await world.until(lambda: world.redis.percentage == "10")


@virtual
async def test_whoever_is_made_again_after_a_late_burial_waits_likewise() -> None:
    world = SmallWorld()
    await world.begun(guardrails=[AVERAGED])
    world.redis.fates.always |= {call: failing(REDIS_DOWN) for call in ("read", "read_many", "write")}
    world.api.remove()
    await asyncio.sleep(60)
    world.redis.fates.always.clear()
    await world.until(lambda: world.redis.percentage == "0", within=2)
    await _made_again_after_a_loss(world)


@virtual
async def test_whoever_is_made_again_waits_for_users_whom_a_deletion_left_until_redis_lost_them() -> None:
    """Nobody looks at a key that was given up with its traffic: its users were there until it is seen without them."""
    world = SmallWorld()
    await world.begun(guardrails=[AVERAGED], onDelete="Retain")
    world.api.delete()
    await until_gone(world)
    await asyncio.sleep(600)
    assert world.redis.percentage == "10"
    await _made_again_after_a_loss(world)


@virtual
async def test_nothing_of_it_stays_behind() -> None:
    world = SmallWorld()
    place = await world.begun()
    before = len(asyncio.all_tasks())
    world.api.delete()
    await until_gone(world)
    await asyncio.sleep(300)
    assert len(asyncio.all_tasks()) == before - 1  # that of its guardrail
    assert "ml-dispatch" not in place.operator.metrics.render().decode()
    assert place.operator.queue.depth == 0
    assert world.prometheus.fates.count["query"] < 20


@virtual
async def test_who_is_woken_for_what_is_gone_lets_go_of_it_again(monkeypatch: pytest.MonkeyPatch) -> None:
    world = SmallWorld()
    place = await world.begun()
    world.api.delete()
    await until_gone(world)
    handled: list[Ref] = []
    handle = place.operator.queue._handle

    async def handles(ref: Ref) -> float | None:
        handled.append(ref)
        return await handle(ref)

    monkeypatch.setattr(place.operator.queue, "_handle", handles)
    place.operator.queue.add(REF)
    await asyncio.sleep(300)
    assert handled == [REF]


@virtual
async def test_a_breach_at_the_same_time_is_no_claim_to_the_key() -> None:
    """The rollback's write is on its way while the key is given up."""
    world = SmallWorld()
    await world.begun()
    held = Held(before=True)
    world.redis.fates.next["write"].append(held)
    world.prometheus.value = 0.2
    await held.reached.wait()
    world.api.delete()
    await asyncio.sleep(0.3)
    held.go.set()
    await until_gone(world)
    assert world.redis.percentage == "0"
    assert world.redis.record.owner == ""
    assert world.redis.record.latched


@virtual
async def test_a_rollback_asked_for_while_the_key_is_given_up_is_no_claim_to_it() -> None:
    world = SmallWorld()
    await world.begun()
    reading, writing = Held(), Held(before=True)
    world.api.delete()
    world.redis.fates.next["read"].append(reading)
    await reading.reached.wait()
    world.redis.fates.next["write"].append(writing)
    world.api.annotate("rollback", "and quickly")
    await asyncio.sleep(0.01)
    reading.go.set()
    await asyncio.sleep(0.01)
    writing.go.set()
    await until_gone(world)
    await asyncio.sleep(5)
    assert world.redis.percentage == "0"
    assert world.redis.record.owner == ""


@virtual
async def test_a_redis_that_is_down_holds_it_for_a_minute() -> None:
    world = SmallWorld()
    await world.begun()
    world.skew = -asyncio.get_running_loop().time()  # the object is deleted at the epoch of this world
    world.redis.fates.always |= {"read": failing(REDIS_DOWN), "write": failing(REDIS_DOWN)}
    world.api.delete()
    await asyncio.sleep(55)
    assert REF in world.api.objects
    await until_gone(world, within=30)
    (event,) = world.told("TrafficNotZeroed")
    assert event.warning
    assert "Redis does not answer" in event.message


@virtual
async def test_an_answer_that_is_lost_is_no_reason_to_say_that_traffic_may_stand() -> None:
    """Redis was ahead of the status, so that giving up once more starts from another record."""
    world = SmallWorld()
    await world.begun()
    ahead = replace(world.redis.record, sequence=7)
    world.redis.states[KEY] = State("10", encode(ahead))
    world.api.delete()
    world.redis.fates.next["write"].append(losing(REDIS_DOWN))
    await until_gone(world)
    assert world.redis.percentage == "0"
    assert not world.told("TrafficNotZeroed")


@virtual
async def test_a_key_that_was_lowered_by_hand_meanwhile_is_given_up_all_the_same() -> None:
    world = SmallWorld()
    await world.begun(onDelete="Retain")
    held = Held()
    world.api.delete()
    world.redis.fates.next["read"].append(held)
    await held.reached.wait()
    world.redis.set_by_hand("3")
    held.go.set()
    await until_gone(world)
    assert world.redis.percentage == "3"
    assert world.redis.record.owner == ""
    (event,) = world.told("Deleted")
    assert "at 3 %" in event.message


@virtual
async def test_a_key_that_another_object_has_is_left_alone() -> None:
    world = SmallWorld()
    await world.begun()
    other = replace(world.redis.record, attempt=5, owner="uid-other", holder="elsewhere/other")
    world.redis.states[KEY] = State("10", encode(other))
    await asyncio.sleep(5)
    world.api.delete()
    await until_gone(world)
    assert world.redis.record == other
    (event,) = world.told("Deleted")
    assert "belongs to another object" in event.message


@pytest.mark.parametrize("changes", [{"guardrails": []}, {"guardrails": [{"name": "x", "query": "sum(", "max": 1}]}])
@virtual
async def test_an_object_with_an_unusable_spec_goes_as_any_other(changes: dict[str, Any]) -> None:
    world = SmallWorld()
    await world.begun()
    world.api.apply(spec(**changes))
    await asyncio.sleep(3)
    world.api.delete()
    await until_gone(world)
    assert world.redis.percentage == "0"
    assert world.redis.record.owner == ""


@virtual
async def test_an_object_whose_key_was_never_known_to_this_process_says_that_traffic_may_stand() -> None:
    """It began under an older operator, which took the spec."""
    world = SmallWorld()
    place = await world.begun()
    await place.end()
    world.api.apply(spec(traffic={"store": "of a newer kind"}))
    world.start()
    await asyncio.sleep(5)
    world.api.delete()
    await until_gone(world)
    (event,) = world.told("TrafficNotZeroed")
    assert "which key it is can't be told" in event.message


@virtual
async def test_an_object_in_conflict_goes_without_touching_the_key() -> None:
    world = SmallWorld()
    await world.begun()
    second = Ref("dispatch", "second")
    world.api.apply(spec(), second)
    await asyncio.sleep(3)
    before = world.redis.states[KEY]
    world.api.delete(second)
    await world.until(lambda: second not in world.api.objects)
    assert world.redis.states[KEY] == before


@virtual
async def test_what_is_removed_by_force_gives_its_key_up_all_the_same() -> None:
    world = SmallWorld()
    await world.begun()
    world.api.remove()
    await world.until(lambda: world.redis.percentage == "0")
    assert world.redis.record.owner == ""
    assert world.told("Deleted")[0].message == "the object is being deleted: its key is given up at 0 %"


@virtual
async def test_what_went_while_redis_was_away_gives_its_key_up_when_it_is_back() -> None:
    world = SmallWorld()
    await world.begun()
    world.redis.fates.always |= {"read": failing(REDIS_DOWN), "write": failing(REDIS_DOWN)}
    world.api.delete()
    await until_gone(world, within=70)
    assert world.told("TrafficNotZeroed")
    await asyncio.sleep(120)
    assert world.redis.percentage == "10"
    world.redis.fates.always.clear()
    await world.until(lambda: world.redis.percentage == "0", within=2)
    assert world.told("Deleted")


@pytest.mark.parametrize(("changes", "leads"), [({"onDelete": "Retain"}, True), ({}, False)])
@virtual
async def test_traffic_that_stays_and_the_leader_s_business_are_left_alone(
    changes: dict[str, Any],
    *,
    leads: bool,
) -> None:
    world = SmallWorld()
    place = await world.begun(**changes)
    place.operator.lead(leads=leads)
    writes = len(world.redis.accepted)
    world.api.remove()
    await asyncio.sleep(60)
    assert (world.redis.percentage, len(world.redis.accepted)) == ("10", writes)


@virtual
async def test_of_one_that_a_list_lacks_it_is_told_alone() -> None:
    """A list of another cluster's must not take everybody's traffic to zero."""
    world = SmallWorld()
    place = await world.begun()
    place.deaf = True
    world.api.remove()
    await place.operator.relist(world.api)
    await asyncio.sleep(60)
    assert world.redis.percentage == "10"
    (told,) = world.told("TrafficNotZeroed")
    assert told.message.endswith("may still hold traffic: it went before that, by force")


@virtual
async def test_where_the_watch_tells_of_it_after_the_list_its_key_is_given_up() -> None:
    world = SmallWorld()
    place = await world.begun()
    gone = world.api.objects[REF]
    place.deaf = True
    world.api.remove()
    await place.operator.relist(world.api)
    place.operator.vanished(gone)
    await world.until(lambda: world.redis.percentage == "0")
    assert world.told("Deleted")


@virtual
async def test_that_a_key_could_not_be_given_up_is_told_at_once_and_tried_no_longer_than_the_process_lives() -> None:
    world = SmallWorld()
    place = await world.begun()
    world.redis.fates.always |= {"read": failing(REDIS_DOWN), "write": failing(REDIS_DOWN)}
    world.api.remove()
    await asyncio.sleep(2)
    assert world.told("TrafficNotZeroed")
    await place.end()
    world.redis.fates.always.clear()
    await asyncio.sleep(60)
    assert world.redis.percentage == "10"


@virtual
async def test_attempts_are_numbered_by_when_the_object_was_made() -> None:
    """So that a successor's first is greater than any of an object before it, also where Redis has lost those."""
    world = SmallWorld()
    await world.begun()
    assert world.redis.record.attempt == first_attempt(EPOCH)
