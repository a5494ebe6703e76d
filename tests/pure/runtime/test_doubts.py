"""A guardrail that can't do its work is told of when it is applied: once, and in a condition; nothing else follows."""

import asyncio

from tests.pure.runtime.small_world import SmallWorld
from tests.pure.runtime.specs import GUARDRAIL, spec, stage
from tests.support.virtual_time import virtual

SHARE = 'sum(rate(d_total{status="ok"}[5s])) / sum(rate(d_total[5s]))'
DOUBTFUL = [{**GUARDRAIL, "query": f"100 * {SHARE}", "max": None, "min": 0.95}]
MILLISECONDS = [{**GUARDRAIL, "query": "max(wait_seconds)", "max": 500}]


def _health(world: SmallWorld) -> str:
    message: str = world.condition("GuardrailsHealthy")["message"]
    return message


@virtual
async def test_it_is_told_once_for_each_generation_and_field() -> None:
    world = SmallWorld()
    world.prometheus.value = 99.0
    place = await world.begun(guardrails=DOUBTFUL)
    await asyncio.sleep(700)
    first, second = world.told("GuardrailDoubtful")
    assert first.warning
    assert first.message.startswith("guardrails[errors].min: the query answers with numbers from 0 to 100, per cent, ")
    assert second.message.startswith("guardrails[errors].minSamples: a ratio of counters without minSamples")
    assert first.unique.startswith("doubt-")
    assert first.unique != second.unique

    await place.end()  # the next process tells again, by the same mark, of which the API server keeps one
    place = world.start()
    await asyncio.sleep(60)
    assert {event.unique for event in world.told("GuardrailDoubtful")} == {first.unique, second.unique}

    world.api.apply(spec(guardrails=[*DOUBTFUL, {**MILLISECONDS[0], "name": "wait"}]))
    await asyncio.sleep(60)
    assert len({event.unique for event in world.told("GuardrailDoubtful")}) == 4


@virtual
async def test_what_only_answers_show_is_told_when_they_do_and_once_though_it_comes_and_goes() -> None:
    world = SmallWorld()
    world.prometheus.value = 300.0
    await world.begun(guardrails=MILLISECONDS)
    assert world.told("GuardrailDoubtful") == []
    for value in (0.2, 300.0, 0.2):
        world.prometheus.value = value
        await asyncio.sleep(30)
        assert ("Doubtful: guardrails[errors].max: value 0.2 against limit 500" in _health(world)) is (value < 1)
    assert len(world.told("GuardrailDoubtful")) == 1


@virtual
async def test_nothing_else_follows() -> None:
    world = SmallWorld()
    world.prometheus.value = 99.0
    await world.begun(guardrails=DOUBTFUL, stages=[stage("pilot", 10, "1m"), stage("full", 100, "1m")])
    assert world.condition("GuardrailsHealthy")["status"] == "True"
    assert "Doubtful: guardrails[errors].min: value 99 against limit 0.95" in _health(world)
    await asyncio.sleep(100)
    assert world.redis.percentage == "100"


@virtual
async def test_of_a_sound_guardrail_nobody_hears() -> None:
    world = SmallWorld()
    await world.begun()
    await asyncio.sleep(600)
    assert world.told("GuardrailDoubtful") == []
    assert "Doubtful" not in _health(world)
