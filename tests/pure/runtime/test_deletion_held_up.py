"""An object that can not go yet, for want of a leader, Redis or the API server, is guarded, and given up once."""

import asyncio
from typing import Any

import pytest
from mlrollout.ports import Ref

from tests.pure.runtime.fates import API_DOWN, REDIS_DOWN, Act, Held, failing
from tests.pure.runtime.going import until_gone
from tests.pure.runtime.small_world import SmallWorld
from tests.pure.runtime.specs import REF, spec
from tests.support.virtual_time import virtual


@virtual
async def test_who_does_not_lead_takes_it_to_zero_and_leaves_the_object_to_the_leader() -> None:
    world = SmallWorld()
    place = await world.begun()
    place.operator.lead(leads=False)
    world.api.delete()
    await asyncio.sleep(0.1)
    assert world.redis.percentage == "0"
    assert world.redis.record.owner == ""
    before = world.redis.fates.count["write"]
    await asyncio.sleep(30)
    assert world.redis.fates.count["write"] == before
    assert REF in world.api.objects
    place.operator.lead(leads=True)
    await until_gone(world)


@virtual
async def test_two_that_give_it_up_side_by_side_find_it_given_up() -> None:
    world = SmallWorld()
    await world.begun()
    world.start(leads=False)
    await asyncio.sleep(3)
    late = Held(before=True)
    world.redis.fates.next["write"].append(late)
    world.api.delete()
    await world.until(lambda: world.redis.percentage == "0")
    late.go.set()
    await until_gone(world)
    assert (world.redis.percentage, world.redis.record.owner) == ("0", "")
    assert {event.message for event in world.told("Deleted")} == {
        "the object is being deleted: its key is given up at 0 %"
    }


@pytest.mark.parametrize("on_delete", ["Zero", "Retain"])
@virtual
async def test_while_nobody_leads_a_breach_goes_to_zero_as_ever(on_delete: str) -> None:
    """Redis can't be reached at the moment of the deletion, so that there is something left to take down."""
    world = SmallWorld()
    place = await world.begun(onDelete=on_delete)
    place.operator.lead(leads=False)
    world.redis.fates.always |= {"read": failing(REDIS_DOWN), "write": failing(REDIS_DOWN)}
    world.api.delete()
    await asyncio.sleep(20)
    looks = world.prometheus.fates.count["query"]
    world.prometheus.value = 0.2
    await asyncio.sleep(5)
    assert world.prometheus.fates.count["query"] > looks
    world.redis.fates.always.clear()
    await asyncio.sleep(0.3)
    assert world.redis.percentage == "0"


@virtual
async def test_traffic_that_stays_is_guarded_while_the_object_can_not_go() -> None:
    """Its key is given up already, and the API server refuses to let the object go."""
    world = SmallWorld()
    await world.begun(onDelete="Retain")
    world.api.fates.always["set_finalizer"] = failing(API_DOWN)
    world.api.delete()
    await world.until(lambda: world.redis.record.owner == "")
    assert world.redis.percentage == "10"
    world.prometheus.value = 0.2
    await asyncio.sleep(1.5)
    assert world.redis.percentage == "0"
    world.api.fates.always.clear()
    await until_gone(world, within=20)
    assert (world.redis.percentage, world.redis.record.owner) == ("0", "")


@virtual
async def test_traffic_that_stays_does_not_where_a_guardrail_was_breached_while_redis_was_away() -> None:
    world = SmallWorld()
    await world.begun(onDelete="Retain")
    world.redis.fates.always |= {"read": failing(REDIS_DOWN), "write": failing(REDIS_DOWN)}
    world.api.delete()
    await asyncio.sleep(5)
    world.prometheus.value = 0.2
    await asyncio.sleep(5)
    world.redis.fates.always.clear()
    await until_gone(world, within=20)
    assert (world.redis.percentage, world.redis.record.owner) == ("0", "")


@pytest.mark.parametrize("leads", [True, False])
@virtual
async def test_by_a_process_that_begins_when_it_goes_already_as_well(*, leads: bool) -> None:
    """Nobody leads, or whoever does can't let the object go."""
    world = SmallWorld()
    place = await world.begun(onDelete="Retain")
    world.api.fates.always["set_finalizer"] = failing(API_DOWN)
    place.operator.lead(leads=leads)
    world.api.delete()
    await asyncio.sleep(5)
    await place.end()
    place = world.start(leads=leads)
    await asyncio.sleep(3)
    assert world.redis.percentage == "10"
    assert world.redis.record.owner == ("" if leads else place.operator.tracked_objects[REF].uid)
    world.prometheus.value = 0.2
    await asyncio.sleep(1.5)
    assert world.redis.percentage == "0"


@virtual
async def test_by_a_standby_that_finds_no_status_as_well() -> None:
    world = SmallWorld()
    place = await world.begun(onDelete="Retain")
    place.operator.lead(leads=False)
    world.api.delete()
    await place.end()
    world.api.edit_status({})
    world.start(leads=False)
    await asyncio.sleep(3)
    world.prometheus.value = 0.2
    await asyncio.sleep(1.5)
    assert world.redis.percentage == "0"


@virtual
async def test_a_redis_that_comes_back_is_at_zero_at_once() -> None:
    world = SmallWorld()
    await world.begun()
    world.redis.fates.always |= {"read": failing(REDIS_DOWN), "write": failing(REDIS_DOWN)}
    world.api.delete()
    await asyncio.sleep(25)
    world.redis.fates.always.clear()
    await asyncio.sleep(0.15)
    assert world.redis.percentage == "0"


@virtual
async def test_a_key_that_can_be_written_and_not_read_is_taken_to_zero_unseen() -> None:
    """What stands beside it may be larger than anything that is read; whose it is, the write sees by itself."""
    world = SmallWorld()
    await world.begun()
    world.redis.fates.always |= {"read": failing(REDIS_DOWN)}
    world.api.delete()
    await world.until(lambda: world.redis.percentage == "0")
    await until_gone(world)
    assert world.redis.record.owner == ""


@virtual
async def test_one_that_can_not_go_keeps_no_other_waiting() -> None:
    world = SmallWorld()
    place = await world.begun()
    others = [Ref("dispatch", f"other-{number}") for number in range(40)]
    for other in others:
        world.api.apply(spec(traffic={"key": other.name}), other)
    await asyncio.sleep(5)
    world.redis.fates.always |= {"read": failing(REDIS_DOWN), "write": failing(REDIS_DOWN)}
    for other in others:
        world.api.delete(other)
    await asyncio.sleep(5)
    assert place.operator.queue.depth == 0
    world.api.annotate("pause", "one moment")
    await world.until(lambda: "Paused" in world.reasons(), within=1)


@virtual
async def test_an_api_server_that_is_down_makes_nobody_give_it_up_twice() -> None:
    world = SmallWorld()
    await world.begun()
    world.api.fates.always["set_finalizer"] = failing(API_DOWN)
    world.api.delete()
    await asyncio.sleep(30)
    world.api.fates.always.clear()
    await until_gone(world, within=20)
    assert world.redis.percentage == "0"
    assert {event.unique for event in world.told("Deleted")} == {"deleted"}


@virtual
async def test_an_object_of_the_same_name_begins_above_the_one_before() -> None:
    world = SmallWorld()
    await world.begun()
    world.api.delete()
    await until_gone(world)
    world.api.apply(spec())
    await world.until(lambda: world.redis.percentage == "10")
    assert world.redis.record.ordinal == 2
    assert world.redis.record.owner == world.api.objects[REF]["metadata"]["uid"]


@virtual
async def test_a_key_that_was_given_up_at_zero_is_not_written_again_and_again() -> None:
    """The object is gone, but no watch and no list says so, and its new attempt was never saved."""
    world = SmallWorld()
    place = await world.begun(onDelete="Retain")
    world.api.fates.always["save_status"] = failing(API_DOWN)
    world.api.apply(spec(onDelete="Retain", revision="r2"))
    await world.until(lambda: world.redis.percentage == "0")
    place.deaf = True
    world.api.fates.always["read_all"] = failing(API_DOWN)
    writes = 0

    async def counted(act: Act) -> Any:
        nonlocal writes
        writes += REF not in world.api.objects
        if writes > 10:
            raise REDIS_DOWN  # which takes its time, so that this test ends whatever is wrong
        return act()

    world.redis.fates.always["write"] = counted
    world.api.delete()
    place.operator.lead(leads=True)  # so it reads the object again
    await world.until(lambda: REF not in world.api.objects)
    await asyncio.sleep(30)
    assert writes < 10
