"""What stands in Redis is looked at every second, and leases are renewed, whatever else goes wrong."""

import asyncio
from typing import Any

import pytest
from mlrollout.api.spec import Spec
from mlrollout.ports import Ref

from tests.pure.runtime.doubles import Redis
from tests.pure.runtime.fates import API_DOWN, REDIS_DOWN, failing, for_ever
from tests.pure.runtime.small_world import Place, SmallWorld
from tests.pure.runtime.specs import GUARDRAIL, KEY, LEASED, REF, spec
from tests.support.redis_model import State
from tests.support.virtual_time import virtual

SELDOM = {**GUARDRAIL, "interval": "15s", "maxAge": "60s"}


@pytest.mark.parametrize("leads", [True, False])
@virtual
async def test_what_a_failover_brings_back_is_at_zero_within_a_second(*, leads: bool) -> None:
    world = SmallWorld()
    place = await world.begun()
    before = world.redis.states[KEY]
    world.api.annotate("rollback", "it is bad")
    await asyncio.sleep(60)
    place.operator.lead(leads=leads)
    await asyncio.sleep(20)
    world.redis.states[KEY] = before
    await asyncio.sleep(1.1)
    assert world.redis.percentage == "0"
    assert world.redis.record.latched
    await asyncio.sleep(5)
    assert "mlrollout_breach_to_zero_seconds_count 0.0" in place.operator.metrics.render().decode()


@virtual
async def test_a_lower_stage_is_put_back_as_well() -> None:
    world = SmallWorld()
    place = await world.begun(stages=[{"name": "pilot", "percentage": 10, "duration": "1h"}])
    before = world.redis.states[KEY]
    world.api.apply(spec(stages=[{"name": "pilot", "percentage": 5, "duration": "1h"}]))
    await world.until(lambda: world.redis.percentage == "5")
    await asyncio.sleep(3)
    place.operator.lead(leads=False)
    await asyncio.sleep(3)
    world.redis.states[KEY] = before
    await asyncio.sleep(1.1)
    assert world.redis.percentage == "5"


@pytest.mark.parametrize("call", ["get", "set_finalizer"])
@virtual
async def test_an_emergency_stop_is_seen_while_the_main_lane_gets_nowhere(call: str) -> None:
    world = SmallWorld()
    await world.begun(guardrails=[SELDOM])
    world.api.be_down()
    world.api.fates.always[call] = for_ever
    world.api.edit_finalizers()
    world.api.annotate("pause", "so that there is something to write")
    await asyncio.sleep(20)
    world.redis.set_by_hand("0")
    await asyncio.sleep(1.1)
    assert world.redis.record.latched


@virtual
async def test_nothing_begins_while_the_finalizer_is_refused() -> None:
    world = SmallWorld()
    world.start()
    world.api.fates.always["set_finalizer"] = failing(API_DOWN)
    world.api.apply(spec())
    await asyncio.sleep(60)
    assert world.redis.states == {}


@virtual
async def test_a_breach_goes_to_zero_while_the_finalizer_is_refused() -> None:
    world = SmallWorld()
    place = await world.begun()
    await place.end()
    world.api.edit_finalizers()
    world.api.fates.always["set_finalizer"] = failing(API_DOWN)
    world.start()
    await asyncio.sleep(10)
    assert world.redis.percentage == "10"
    world.prometheus.value = 0.2
    await asyncio.sleep(1.1)
    assert world.redis.percentage == "0"


@pytest.mark.parametrize("fate", [failing(API_DOWN), for_ever])
@virtual
async def test_a_lease_is_renewed_though_no_status_can_be_saved(fate: Any) -> None:
    """Not even that of the next stage, which is decided all the while."""
    world = SmallWorld()
    stages = [
        {"name": "pilot", "percentage": 10, "duration": "10s"},
        {"name": "full", "percentage": 100, "duration": "0s"},
    ]
    await world.begun(traffic=LEASED, stages=stages, guardrails=[SELDOM])
    world.api.fates.always["save_status"] = fate
    for _ in range(20):
        before = len(world.redis.leases)
        await asyncio.sleep(5)
        assert len(world.redis.leases) > before
    assert world.redis.percentage == "10"
    assert set(world.redis.leases) == {6.0}


@virtual
async def test_a_lease_runs_out_where_nobody_looks_at_the_guardrails() -> None:
    world = SmallWorld()
    place = await world.begun(traffic=LEASED)
    for task in place.operator._watches[REF].tasks.values():
        task.cancel()
    await asyncio.sleep(20)
    before = len(world.redis.leases)
    await asyncio.sleep(60)
    assert len(world.redis.leases) == before


@virtual
async def test_a_guardrail_whose_source_hangs_is_looked_at_all_the_same() -> None:
    """No evidence is another matter: its policy says what becomes of traffic."""
    world = SmallWorld()
    await world.begun(traffic=LEASED)
    world.prometheus.fates.always["query"] = for_ever
    await asyncio.sleep(100)
    before = len(world.redis.leases)
    await asyncio.sleep(10)
    assert len(world.redis.leases) - before >= 4


@virtual
async def test_at_zero_and_without_a_lease_nothing_is_renewed() -> None:
    world = SmallWorld()
    await world.begun()
    for _ in range(2):
        before = world.redis.fates.count["write"]
        await asyncio.sleep(30)
        assert world.redis.fates.count["write"] == before
        world.api.annotate("rollback", "enough")
        await asyncio.sleep(3)


class _TwoRedises(Place):
    """Its second object has a Redis of its own."""

    second: Redis

    async def store(self, ref: Ref, spec: Spec) -> Redis:
        return self.second if spec.traffic.key != KEY else await super().store(ref, spec)


@virtual
async def test_a_redis_that_hangs_holds_up_no_round_at_another() -> None:
    world = SmallWorld()
    _TwoRedises.second = Redis()
    place = _TwoRedises(world)
    place.operator.lead(leads=True)
    other = Ref("dispatch", "other")
    world.api.apply(spec(guardrails=[SELDOM]))
    world.api.apply(spec(traffic={"key": "other", "redis": {"secretRef": {"name": "own", "key": "url"}}}), other)
    await world.until(lambda: world.redis.percentage == "10" and place.second.states["other"].key == "10")
    await asyncio.sleep(3)
    place.second.fates.always |= {"read_many": for_ever, "read": for_ever, "write": for_ever}
    await asyncio.sleep(30)
    world.redis.set_by_hand("0")
    await asyncio.sleep(1.1)
    assert world.redis.record.latched


@virtual
async def test_a_redis_that_comes_back_is_looked_at_at_once() -> None:
    """Whatever delay the queue has come to."""
    world = SmallWorld()
    await world.begun(guardrails=[{**GUARDRAIL, "interval": "1h", "maxAge": "2h"}])
    world.redis.fates.always |= dict.fromkeys(("read", "read_many", "write"), failing(REDIS_DOWN))
    await asyncio.sleep(100)
    assert world.condition("TrafficApplied")["status"] == "Unknown"
    world.redis.fates.always.clear()
    await asyncio.sleep(1.2)
    assert world.condition("TrafficApplied")["status"] == "True"


@virtual
async def test_a_round_that_was_overtaken_by_a_write_changes_nothing() -> None:
    """It read what stood there before, and its answer comes after the answer to the write."""
    world = SmallWorld()
    place = await world.begun()
    reached, go = asyncio.Event(), asyncio.Event()

    async def late(act: Any) -> Any:
        found = act()
        reached.set()
        await go.wait()
        return found

    world.redis.fates.next["read_many"].append(late)
    await reached.wait()
    world.api.annotate("rollback", "it is bad")
    await world.until(lambda: world.redis.percentage == "0")
    await asyncio.sleep(1)
    writes = world.redis.fates.count["write"]
    go.set()
    await asyncio.sleep(0.1)
    traffic = place.operator.tracked_objects[REF].redis.traffic
    assert traffic is not None
    assert traffic.in_force == 0
    assert world.redis.fates.count["write"] == writes


@virtual
async def test_a_round_that_goes_wrong_is_not_the_last() -> None:
    world = SmallWorld()
    await world.begun(guardrails=[SELDOM])
    world.redis.fates.next["read_many"].append(failing(RuntimeError("a bug")))
    await asyncio.sleep(3)
    world.redis.states[KEY] = State("0", world.redis.states[KEY].record)
    await asyncio.sleep(1.1)
    assert world.redis.record.latched
