"""Down needs Redis alone, and stops once it is there."""

import asyncio

import pytest
from mlrollout.evidence.measurement import Measurement, Verdict

from tests.pure.runtime.fates import API_DOWN, REDIS_DOWN, Held, failing, for_ever, losing
from tests.pure.runtime.small_world import SmallWorld
from tests.pure.runtime.specs import GUARDRAIL, KEY, REF, spec, stage
from tests.support.virtual_time import virtual

LEASED = {"key": KEY, "lease": "60s"}


@pytest.mark.parametrize("call", ["save_status", "get"])
@virtual
async def test_a_breach_does_not_wait_for_the_api_server(call: str) -> None:
    world = SmallWorld()
    place = await world.begun()
    world.api.fates.always[call] = for_ever
    place.operator.tracked_objects[REF].writing.reload = call == "get"
    await asyncio.sleep(70)  # a checkpoint hangs by now
    world.prometheus.value = 0.2
    await asyncio.sleep(1.1)
    assert world.redis.percentage == "0"


@virtual
async def test_a_breach_of_a_guardrail_that_only_an_answer_told_of_does_not_wait_for_the_api_server() -> None:
    world = SmallWorld()
    place = await world.begun()
    place.deaf = True
    world.prometheus.value = 0.04
    world.api.apply(spec(guardrails=[{**GUARDRAIL, "max": 0.03}]))
    world.api.fates.always["save_status"] = for_ever
    place.operator.lead(leads=True)  # so it reads the object again
    await world.until(lambda: world.redis.percentage == "0", within=3)


@virtual
async def test_a_breach_does_not_wait_for_a_raise_that_hangs() -> None:
    world = SmallWorld()
    world.start()
    held = Held()
    world.api.apply(spec())
    await world.until(lambda: world.redis.percentage == "0")
    world.redis.fates.next["write"].append(held)
    await held.reached.wait()
    assert world.redis.percentage == "10"
    world.prometheus.value = 0.2
    await asyncio.sleep(1.1)
    assert world.redis.percentage == "0"
    held.go.set()
    await asyncio.sleep(5)
    assert world.redis.percentage == "0"
    assert world.redis.record.latched


@virtual
async def test_a_breach_does_not_wait_for_a_key_that_is_put_back() -> None:
    """Nor for the next look, where the API server is away: whoever puts it back sees to the breach as well."""
    world = SmallWorld()
    place = await world.begun(guardrails=[{**GUARDRAIL, "interval": "1h", "maxAge": "2h"}])
    world.api.be_down()
    place.operator.tracked_objects[REF].writing.reload = True
    held = Held()
    world.redis.fates.next["write"].append(held)
    world.redis.set_by_hand("90")
    await held.reached.wait()
    assert world.redis.percentage == "10"
    tracked = place.operator.tracked_objects[REF]
    guardrail = tracked.measured.histories["errors"].guardrail
    place.operator._reconciler.judged(tracked, guardrail, Measurement(Verdict.BREACH, world.now(), 0.0, message="0.2"))
    held.go.set()
    await asyncio.sleep(0.5)
    assert world.redis.percentage == "0"


@virtual
async def test_it_is_tried_until_redis_is_back_and_then_at_once() -> None:
    world = SmallWorld()
    await world.begun()
    world.redis.fates.always |= {"read": failing(REDIS_DOWN), "write": failing(REDIS_DOWN)}
    world.prometheus.value = 0.2
    await asyncio.sleep(60)
    world.redis.fates.always.clear()
    await asyncio.sleep(0.15)
    assert world.redis.percentage == "0"


@virtual
async def test_a_lost_answer_costs_nothing() -> None:
    world = SmallWorld()
    await world.begun()
    world.redis.fates.next["write"] += [losing(REDIS_DOWN)] * 3
    world.prometheus.value = 0.2
    await asyncio.sleep(5)
    assert world.reasons()[-2:] == ["GuardrailBreached", "RolledBack"]
    assert world.condition("TrafficApplied")["status"] == "True"


@virtual
async def test_a_lower_percentage_that_is_reached_ends_it_where_a_lease_is_renewed() -> None:
    """The main lane has confirmed it, while the answer to the way down is on its way."""
    world = SmallWorld()
    await world.begun(traffic=LEASED)
    held = Held()
    world.api.apply(spec(traffic=LEASED, stages=[stage("pilot", 5), stage("full", 100)]))
    world.redis.fates.next["write"].append(held)
    await held.reached.wait()
    await asyncio.sleep(1)
    before = world.redis.fates.count["write"]
    held.go.set()
    for _ in range(1000):
        await asyncio.sleep(0)
    assert world.redis.percentage == "5"
    assert world.redis.fates.count["write"] - before < 10


@virtual
async def test_only_breaches_count_for_the_time_from_breach_to_zero() -> None:
    world = SmallWorld()
    place = await world.begun()
    world.api.apply(spec(revision="two"))
    await asyncio.sleep(5)
    world.api.annotate("rollback", "why not")
    await asyncio.sleep(5)
    assert "mlrollout_breach_to_zero_seconds_count 0.0" in place.operator.metrics.render().decode()
    world.api.annotate("retry", "once more")
    await asyncio.sleep(10)
    assert world.redis.percentage == "10"
    world.prometheus.value = 0.2
    world.skew = -1000.0  # and a clock that is set back does not spoil it
    await asyncio.sleep(5)
    text = place.operator.metrics.render().decode()
    assert "mlrollout_breach_to_zero_seconds_count 1.0" in text
    assert 'mlrollout_breach_to_zero_seconds_bucket{le="0.001"} 1.0' in text


@virtual
async def test_an_unusable_spec_is_guarded_by_the_last_usable_one() -> None:
    world = SmallWorld()
    await world.begun()
    world.api.apply(spec(guardrails=[]))
    await asyncio.sleep(5)
    assert world.condition("Stalled")["reason"] == "InvalidSpec"
    assert world.redis.percentage == "10"
    world.prometheus.value = 0.2
    await asyncio.sleep(5)
    assert world.redis.percentage == "0"
    world.api.apply(spec())
    world.prometheus.value = 0.01
    world.api.annotate("retry", "mended")
    await world.until(lambda: world.redis.percentage == "10")
    assert world.condition("Stalled") == {}


@virtual
async def test_a_guardrail_that_was_edited_while_it_was_looked_at_has_its_old_verdict_ignored() -> None:
    world = SmallWorld()
    await world.begun()
    held = Held()
    world.prometheus.value = 0.2
    world.prometheus.fates.next["query"].append(held)
    await held.reached.wait()
    world.api.apply(spec(guardrails=[{**GUARDRAIL, "max": 0.5}]))
    await asyncio.sleep(0.1)
    held.go.set()
    await asyncio.sleep(10)
    assert world.redis.percentage == "10"


@virtual
async def test_what_says_that_it_is_of_the_new_spec_is_of_the_new_spec() -> None:
    """Or `kubectl wait` takes the old revision's end for the new one's."""
    world = SmallWorld()
    world.start()
    stages = [stage("full", 100, "2s")]
    world.api.apply(spec(stages=stages, traffic=LEASED))
    await world.until(lambda: world.condition("Ready").get("status") == "True")
    held = Held()
    world.redis.fates.next["write"].append(held)
    await held.reached.wait()
    seen = []
    world.api.server.watchers.append(lambda _, found: seen.append(found))
    world.api.apply(spec(stages=stages, traffic=LEASED, revision="two"))
    held.go.set()
    await asyncio.sleep(1)
    told = [
        (condition["observedGeneration"], condition["status"])
        for found in seen
        for condition in found["status"]["conditions"]
        if condition["type"] == "Ready"
    ]
    assert (2, "False") in told
    assert (2, "True") not in told
    assert all(found["status"].get("observedGeneration") in (1, 2) for found in seen)


@virtual
async def test_an_api_server_that_refuses_every_status_does_not_keep_redis_from_being_looked_after() -> None:
    world = SmallWorld()
    await world.begun()
    world.api.fates.always["save_status"] = failing(API_DOWN)
    world.redis.set_by_hand("70")
    await asyncio.sleep(20)
    assert world.redis.percentage == "10"
    world.redis.set_by_hand("0")
    await asyncio.sleep(20)
    assert world.redis.record.latched
