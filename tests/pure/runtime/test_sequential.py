"""A guardrail that tests at every look, in a whole operator: found, remembered over a restart, and seldom written."""

import asyncio
import json
import re
from typing import Any

import pytest

from tests.pure.runtime.fates import API_DOWN, failing
from tests.pure.runtime.small_world import SmallWorld
from tests.pure.runtime.specs import GUARDRAIL, REF, spec
from tests.support.virtual_time import virtual

RATE: dict[str, Any] = {
    "name": "errors",
    "rate": {"bad": "bad_total", "all": "all_total", "max": 0.05},
    "interval": "1s",
    "maxAge": "30s",
}


def shown(world: SmallWorld) -> dict[str, Any]:
    (found,) = world.status["guardrails"]
    return dict(found)


@virtual
async def test_a_healthy_model_earns_time_and_one_that_fails_goes_to_zero() -> None:
    world = SmallWorld()
    await world.begun(guardrails=(RATE,))
    await asyncio.sleep(600)
    assert world.redis.percentage == "10"
    assert shown(world)["finding"] == "Pass"
    assert shown(world)["evidence"]["proven"] == "Safe"
    assert shown(world)["limit"] == 0.05
    assert world.status["progress"]["healthySeconds"] > 400
    world.prometheus.value = 0.5
    await world.until(lambda: world.redis.percentage == "0", within=60)
    await asyncio.sleep(1)
    (told,) = world.told("RolledBack")
    assert "are bad (" in told.message
    assert "by chance alone, that is seen in less than 1 % of all attempts" in told.message


@virtual
async def test_what_it_stands_on_is_in_the_metrics_and_vanishes_with_it() -> None:
    world = SmallWorld()
    place = await world.begun(guardrails=(RATE, {**GUARDRAIL, "name": "other"}))
    await asyncio.sleep(600)
    metrics = place.operator.metrics.render().decode()
    found = dict(re.findall(r'^mlrollout_guardrail_(\w+){\S+,guardrail="errors"} (\S+)$', metrics, re.MULTILINE))
    assert found["proven_safe"] == "1.0"
    assert float(found["events"]) == pytest.approx(10 * 570, abs=300)
    assert float(found["bad_events"]) == pytest.approx(57, abs=5)
    assert float(found["estimate_low"]) < 0.01 < float(found["estimate_high"])
    assert 0 < float(found["evidence"]) < 0.01
    assert not re.search(r'^mlrollout_guardrail_events{\S+,guardrail="other"', metrics, re.MULTILINE)
    world.api.apply(spec(guardrails=(GUARDRAIL,)))
    await asyncio.sleep(5)
    assert "mlrollout_guardrail_events{" not in place.operator.metrics.render().decode()


@virtual
async def test_another_process_goes_on_from_what_the_status_says() -> None:
    world = SmallWorld()
    place = await world.begun(guardrails=({**RATE, "interval": "5s"},))
    await asyncio.sleep(600)
    before = json.loads(shown(world)["checkpoint"])
    await place.end()
    await asyncio.sleep(120)
    world.api.fates.always["save_status"] = failing(API_DOWN)
    place = world.start()
    await asyncio.sleep(10)
    history = place.operator.tracked_objects[REF].measured.histories["errors"]
    assert history.last is not None
    after = json.loads(history.last.checkpoint)
    assert after["since"] == before["since"]
    assert after["state"]["bets"]["begin"] == before["state"]["bets"]["begin"]
    assert after["upto"] == before["upto"] + 5 * round((after["upto"] - before["upto"]) / 5)
    assert after["state"]["counts"]["events"] == 10 * (after["upto"] - after["since"])


@pytest.mark.parametrize("value", [0.01, 0.0])
@virtual
async def test_its_status_is_written_no_more_often_than_a_threshold_s(value: float) -> None:
    writes = []
    for guardrail in (RATE, GUARDRAIL):
        world = SmallWorld()
        world.prometheus.value = value
        await world.begun(guardrails=(guardrail,))
        await asyncio.sleep(600)  # healthy time is saved the more often the less of it there is
        before = len(world.api.writes)
        await asyncio.sleep(600)
        writes.append(len(world.api.writes) - before)
    assert writes[0] <= writes[1] + 1
