"""A password that is changed at one end before the other holds up no way down for longer than that."""

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest
from mlrollout.ports import LoginRefusedError, ObjectsError
from mlrollout.runtime.connections import PACE

from tests.pure.runtime.doubles import Redis
from tests.pure.runtime.fates import REDIS_DOWN, failing
from tests.pure.runtime.small_world import Place, SmallWorld
from tests.pure.runtime.specs import GUARDRAIL, OWN_REDIS, spec
from tests.support.virtual_time import virtual


class _Rotated(Place):
    """Its Redis takes one password, and its Secret holds another for a while."""

    taken, held = "new", "old"
    hangs = False

    async def store(self, *_: object) -> Any:
        self.connects += 1
        if self.hangs:
            await asyncio.Event().wait()
        return _Login(self.world.redis, self, self.held)


@dataclass(eq=False)
class _Login:
    """The Redis by one password."""

    redis: Redis
    place: _Rotated
    password: str

    def __getattr__(self, name: str) -> Any:
        if self.password == self.place.taken:
            return getattr(self.redis, name)
        return self._refuse_many if name == "read_many" else self._refuse

    async def _refuse(self, *_: object, **__: object) -> None:
        raise LoginRefusedError("Redis refused the password")

    async def _refuse_many(self, keys: list[str]) -> list[LoginRefusedError]:
        return [LoginRefusedError("Redis refused the password") for _ in keys]


async def _begun(world: SmallWorld) -> _Rotated:
    place = _Rotated(world)
    place.taken = "old"
    place.operator.lead(leads=True)
    world.api.apply(spec(traffic=OWN_REDIS))
    await world.until(lambda: world.redis.percentage == "10")
    await asyncio.sleep(10)
    return place


@virtual
async def test_a_password_that_is_corrected_is_used_by_the_way_down_at_once() -> None:
    world = SmallWorld()
    place = await _begun(world)
    place.taken = "new"
    world.prometheus.value = 0.2
    await asyncio.sleep(25)
    assert world.redis.percentage == "10"
    before = place.connects
    await asyncio.sleep(10)
    assert place.connects - before <= 10 / PACE + 1
    place.held = "new"
    await asyncio.sleep(0.8)
    assert world.redis.percentage == "0"


@virtual
async def test_an_emergency_stop_after_a_rotation_is_seen_though_nothing_else_happens() -> None:
    world = SmallWorld()
    place = await _begun(world)
    place.taken = "new"
    await asyncio.sleep(100)
    place.held = "new"
    await asyncio.sleep(2)
    world.redis.set_by_hand("0")
    await asyncio.sleep(1.5)
    assert world.redis.record.latched


@virtual
async def test_a_secret_that_can_not_be_had_holds_up_no_way_down() -> None:
    """Redis failed once, and is well again; the API server is silent."""
    world = SmallWorld()
    place = await _begun(world)
    place.hangs = True
    world.redis.fates.next["read"] += [failing(REDIS_DOWN)] * 3
    await asyncio.sleep(10)
    world.prometheus.value = 0.2
    await asyncio.sleep(1.2)
    assert world.redis.percentage == "0"


class _Missing(Place):
    """The Secret of its Redis is not there for a while."""

    missing = False

    async def store(self, *_: object) -> Any:
        self.connects += 1
        if self.missing:
            raise ObjectsError("Could not read the Secret: not found")
        return self.world.redis


@pytest.mark.parametrize("leads", [True, False])
@pytest.mark.parametrize("verb", [True, False])
@virtual
async def test_a_process_that_begins_without_the_secret_goes_down_as_soon_as_it_is_there(
    *, verb: bool, leads: bool
) -> None:
    world = SmallWorld()
    slow = spec(traffic=OWN_REDIS, guardrails=[{**GUARDRAIL, "interval": "15s", "maxAge": "60s"}])
    place = _Missing(world)
    place.operator.lead(leads=True)
    world.api.apply(slow)
    await world.until(lambda: world.redis.percentage == "10", within=100)
    await asyncio.sleep(20)
    await place.end()
    place = _Missing(world)
    place.missing = True
    place.operator.lead(leads=leads)
    await asyncio.sleep(60)
    if verb:
        world.api.annotate("rollback", "it is bad")
    else:
        world.prometheus.value = 0.2
    await asyncio.sleep(127)
    assert world.redis.percentage == "10"
    before = place.connects
    await asyncio.sleep(60)
    assert place.connects - before < 90
    place.missing = False
    await world.until(lambda: world.redis.percentage == "0", within=1.2)
