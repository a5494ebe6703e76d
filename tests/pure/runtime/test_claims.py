"""Objects that want one key: the one that has it hears of the other, and nothing else comes of it."""

import asyncio
from dataclasses import replace

import pytest
from mlrollout.domain.claim import Claim
from mlrollout.domain.record import Record, encode
from mlrollout.domain.state import State as Begun
from mlrollout.domain.traffic import Traffic
from mlrollout.ports import Ref
from mlrollout.runtime.claims import KEPT, Claims
from mlrollout.runtime.tracked import TrackedObject

from tests.pure.runtime.fates import REDIS_DOWN, failing
from tests.pure.runtime.small_world import SmallWorld
from tests.pure.runtime.specs import KEY, REF, spec
from tests.support.clocks import HandClock
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
    (refused,) = world.told("KeyConflict")
    assert refused.warning
    assert str(REF) in refused.message
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


def _named(number: int) -> TrackedObject:
    """An object that names a key of its own."""
    tracked = TrackedObject(Ref("dispatch", f"o{number}"))
    tracked.apply(
        {
            "metadata": {"name": f"o{number}", "namespace": "dispatch", "uid": f"uid-{number}"},
            "spec": spec(traffic={"key": f"k{number}"}),
        }
    )
    return tracked


def test_of_a_bounded_number_of_keys_it_is_known_whose_users_they_had() -> None:
    claims = Claims(HandClock(100.0))
    for number in range(KEPT + 1):
        tracked = _named(number)
        claims.take(tracked)
        tracked.standing.look_whom_it_serves(
            Traffic("10", Record(1, latched=False, sequence=1, percentage=10, owner=tracked.uid)), 50.0
        )
        claims.drop(tracked)
    forgotten, known = _named(0), _named(KEPT)
    for tracked in (forgotten, known):
        claims.take(tracked)
        tracked.standing.state = Begun(Record(2, latched=False, sequence=0, percentage=0, owner="another"), 100.0)
    assert (forgotten.standing.others_until, known.standing.others_until) == (0.0, 100.0)


def test_users_who_were_left_are_there_until_somebody_sees_that_they_are_not() -> None:
    claims, gone, new = Claims(HandClock(100.0)), _named(1), _named(1)
    claims.take(gone)
    gone.standing.look_whom_it_serves(
        Traffic("10", Record(1, latched=False, sequence=1, percentage=10, owner=gone.uid)), 50.0
    )
    claims.drop(gone)
    claims.take(new)
    new.standing.look_whom_it_serves(Traffic(None, None), 300.0)
    new.standing.state = Begun(Record(2, latched=False, sequence=0, percentage=0, owner="another"), 300.0)
    assert new.standing.others_until == 300.0


def test_an_object_whose_spec_can_t_be_read_for_a_while_has_no_users_before_its_own() -> None:
    claims, tracked = Claims(HandClock(100.0)), _named(1)
    claims.take(tracked)
    own = Record(1, latched=False, sequence=1, percentage=10, owner=tracked.uid)
    tracked.standing.look_whom_it_serves(Traffic("10", own), 50.0)
    claims.drop(tracked)
    claims.take(tracked)
    tracked.standing.state = Begun(own, 40.0)
    assert tracked.standing.others_until == 0.0
