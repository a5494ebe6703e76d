"""What a scrape of each operator shows, and that it vanishes with its object."""

import asyncio
import re
from collections.abc import Mapping

from tests.pure.runtime.small_world import (
    API_DOWN,
    GUARDRAIL,
    REDIS_DOWN,
    Held,
    Place,
    SmallWorld,
    failing,
    spec,
    stage,
)
from tests.support.virtual_time import virtual

MINE = 'name="ml-dispatch",namespace="dispatch"'


def shown(place: Place) -> Mapping[str, str]:
    text = place.operator.metrics.render().decode()
    return dict(re.findall(r"^(mlrollout\S+) (\S+)$", text, re.MULTILINE))


@virtual
async def test_where_an_object_stands_and_what_its_guardrails_say() -> None:
    world = SmallWorld()
    place = await world.begun()
    found = shown(place)
    assert found[f"mlrollout_percentage{{{MINE}}}"] == "10.0"
    assert found[f'mlrollout_stage{{{MINE},stage="pilot"}}'] == "1.0"
    labels = 'guardrail="errors",' + MINE
    assert found[f'mlrollout_guardrail_verdict{{finding="Pass",{labels}}}'] == "1.0"
    assert found[f'mlrollout_guardrail_verdict{{finding="Breach",{labels}}}'] == "0.0"
    assert found[f"mlrollout_guardrail_value{{{labels}}}"] == "0.01"
    assert found["mlrollout_leader"] == "1.0"


@virtual
async def test_a_standby_shows_where_the_object_stands_now() -> None:
    """Not where it stood when this process still led."""
    world = SmallWorld()
    old = await world.begun()
    new = world.start()
    old.operator.lead(leads=False)
    world.api.apply(spec(stages=[stage("small", 3), stage("full", 100)]))
    await asyncio.sleep(5)
    for place in (old, new):
        assert shown(place)[f"mlrollout_percentage{{{MINE}}}"] == f"{world.redis.percentage}.0"
        assert f'mlrollout_stage{{{MINE},stage="pilot"}}' not in shown(place)
    assert shown(old)["mlrollout_leader"] == "0.0"


@virtual
async def test_a_removed_guardrail_vanishes() -> None:
    world = SmallWorld()
    place = await world.begun(guardrails=[GUARDRAIL, {**GUARDRAIL, "name": "other"}])
    assert any('guardrail="other"' in name for name in shown(place))
    world.api.apply(spec())
    await asyncio.sleep(3)
    assert not any('guardrail="other"' in name for name in shown(place))
    assert any('guardrail="errors"' in name for name in shown(place))


@virtual
async def test_an_object_vanishes_also_where_it_goes_in_the_middle_of_a_write() -> None:
    world = SmallWorld()
    place = await world.begun()
    held = Held()
    world.api.fates.next["save_status"].append(held)
    world.prometheus.value = 0.2
    await held.reached.wait()
    world.api.remove()
    await asyncio.sleep(0.1)
    held.go.set()
    await asyncio.sleep(10)
    assert not any("ml-dispatch" in name for name in shown(place))


@virtual
async def test_errors_are_counted() -> None:
    world = SmallWorld()
    place = await world.begun()
    world.redis.fates.next["read"] += [failing(REDIS_DOWN)] * 2
    await asyncio.sleep(5)
    assert shown(place)["mlrollout_redis_errors_total"] == "2.0"
    assert shown(place)["mlrollout_kubernetes_errors_total"] == "0.0"
    world.api.fates.next["save_status"].append(failing(API_DOWN))
    world.api.fates.next["get"].append(failing(API_DOWN))
    world.api.fates.next["post_event"].append(failing(API_DOWN))
    world.prometheus.value = 0.2
    await asyncio.sleep(10)
    assert shown(place)["mlrollout_kubernetes_errors_total"] == "3.0"
