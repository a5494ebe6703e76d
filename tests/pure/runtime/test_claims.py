"""Objects that want one key: the one that has it hears of the other, and nothing else comes of it."""

import asyncio
from dataclasses import replace

import pytest
from mlrollout.domain.claim import Claim
from mlrollout.domain.record import encode
from mlrollout.ports import Ref

from tests.pure.runtime.fates import REDIS_DOWN, failing
from tests.pure.runtime.small_world import SmallWorld
from tests.pure.runtime.specs import KEY, REF, spec
from tests.support.redis_model import State
from tests.support.virtual_time import virtual

OTHER = Ref("dispatch", "other")


@virtual
async def test_both_of_two_objects_of_one_cluster_hear_of_it_as_long_as_it_lasts() -> None:
    world = SmallWorld()
    await world.begun()
    world.api.apply(spec(), OTHER)
    await asyncio.sleep(60)
    assert world.condition("Stalled", OTHER)["reason"] == "KeyConflict"
    (told,) = world.told("KeyClaimed")
    assert str(OTHER) in told.message
    assert told.warning
    assert world.redis.percentage == "10"
    await asyncio.sleep(600)
    assert 2 <= len(world.told("KeyClaimed")) <= 3
    world.api.delete(OTHER)
    await asyncio.sleep(240)
    before = len(world.told("KeyClaimed"))
    await asyncio.sleep(900)
    assert len(world.told("KeyClaimed")) == before


@virtual
async def test_who_finds_another_cluster_s_record_leaves_word_there() -> None:
    world = SmallWorld()
    place = await world.begun()
    place.operator.placed("here")
    theirs = replace(world.redis.record, owner="other-uid", cluster="there", attempt=world.redis.record.attempt + 1)
    world.redis.states[KEY] = State("10", encode(theirs))
    await asyncio.sleep(60)
    assert world.condition("Stalled")["reason"] == "KeyConflict"
    assert world.redis.model.claims[KEY][1] == Claim(place.operator.tracked_objects[REF].uid, str(REF), "here")
    assert not world.told("KeyClaimed")


@virtual
async def test_a_standby_leaves_no_word_and_asks_for_none() -> None:
    world = SmallWorld()
    place = await world.begun()
    place.operator.lead(leads=False)
    world.redis.fates.always["claimed"] = failing(RuntimeError("it was asked for"))
    world.api.apply(spec(), OTHER)
    await asyncio.sleep(120)
    assert world.redis.model.claims == {}


@pytest.mark.parametrize("call", ["claim", "claimed"])
@virtual
async def test_a_redis_that_refuses_claims_costs_nothing_but_the_word(call: str) -> None:
    world = SmallWorld()
    place = await world.begun()
    world.redis.fates.always[call] = failing(REDIS_DOWN)
    world.api.apply(spec(), OTHER)
    await asyncio.sleep(120)
    assert not world.told("KeyClaimed")
    assert not world.told("TrafficUnconfirmed")
    assert world.condition("TrafficApplied")["status"] == "True"
    assert not place.operator.tracked_objects[REF].redis.reconnect
    world.prometheus.value = 0.2
    await world.until(lambda: world.redis.percentage == "0")
