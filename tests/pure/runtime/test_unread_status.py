"""A status of which a part can't be read, as of a newer operator's or of whoever edited it."""

import asyncio
import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.pure.runtime.small_world import Place, SmallWorld
from tests.pure.runtime.specs import REF, spec, stage
from tests.support.virtual_time import virtual

STAGES = [stage("pilot", 10, "30s"), stage("half", 50)]


def _condition(status: dict[str, Any]) -> None:
    status["conditions"][0]["status"] = "Later"


def _approved(status: dict[str, Any]) -> None:
    status["progress"]["approved"] = 7


def _record(status: dict[str, Any]) -> None:
    status["record"]["sequence"] = "three"


def _history(status: dict[str, Any]) -> None:
    status["history"][0]["at"] = "once"


DECIDING = [_approved, _record, _history]


async def _met(world: SmallWorld, change: Callable[[dict[str, Any]], None], *, leads: bool = True) -> Place:
    """A process that begins at 10 %, with a part of the status that it can't read."""
    place = await world.begun(stages=STAGES)
    await place.end()
    _edit(world, change)
    place = world.start(leads=leads)
    await asyncio.sleep(3)
    return place


def _edit(world: SmallWorld, change: Callable[[dict[str, Any]], None]) -> None:
    status = copy.deepcopy(dict(world.status))
    change(status)
    world.api.edit_status(status)


@pytest.mark.parametrize("change", [_condition, *DECIDING])
@pytest.mark.parametrize("leads", [True, False])
@virtual
async def test_its_traffic_is_guarded(change: Callable[[dict[str, Any]], None], *, leads: bool) -> None:
    world = SmallWorld()
    await _met(world, change, leads=leads)
    assert world.redis.percentage == "10"
    world.prometheus.value = 0.2
    await asyncio.sleep(1.5)
    assert world.redis.percentage == "0"
    assert world.redis.record.latched


@pytest.mark.parametrize("change", DECIDING)
@virtual
async def test_nothing_grows_and_it_is_left_as_it_is(change: Callable[[dict[str, Any]], None]) -> None:
    world = SmallWorld()
    place = await _met(world, change)
    before = world.status
    await asyncio.sleep(600)
    assert world.redis.percentage == "10"
    assert world.status == before
    assert world.told("InvalidSpec")[0].message.startswith("the status can't be read: ")
    assert not place.operator.queue.failing
    world.api.annotate("rollback", "it is bad")
    await asyncio.sleep(1)
    assert world.redis.percentage == "0"
    assert world.status == before


@pytest.mark.parametrize("change", DECIDING)
@virtual
async def test_a_pause_outlives_it_and_all_goes_on_once_it_is_mended(change: Callable[[dict[str, Any]], None]) -> None:
    world = SmallWorld()
    place = await world.begun(stages=STAGES)
    world.api.annotate("pause", "wait for me")
    await asyncio.sleep(120)
    whole = world.status
    await place.end()
    _edit(world, change)
    world.start()
    await asyncio.sleep(60)
    world.api.edit_status(whole)
    await asyncio.sleep(60)
    assert world.redis.percentage == "10"
    assert world.reasons() == ["AttemptStarted", "StageAdvanced", "Paused"]
    world.api.annotate("resume", "go on")
    await world.until(lambda: world.redis.percentage == "50", within=60)


@virtual
async def test_what_is_only_shown_is_written_anew_and_a_pause_stays() -> None:
    world = SmallWorld()
    place = await world.begun(stages=STAGES)
    world.api.annotate("pause", "wait for me")
    await asyncio.sleep(120)
    await place.end()
    _edit(world, _condition)
    world.start()
    await asyncio.sleep(120)
    assert world.redis.percentage == "10"
    assert world.status["progress"]["paused"]
    assert {one["status"] for one in world.status["conditions"]} <= {"True", "False", "Unknown"}


@virtual
async def test_whoever_knew_it_before_goes_on_from_what_was_known() -> None:
    world = SmallWorld()
    await world.begun(stages=STAGES)
    _edit(world, _approved)
    before = world.status
    await asyncio.sleep(120)
    assert world.redis.percentage == "10"
    assert world.status == before
    world.prometheus.value = 0.2
    await asyncio.sleep(1.5)
    assert world.redis.percentage == "0"


@virtual
async def test_a_rollback_that_only_the_status_tells_of_is_understood() -> None:
    """A failover brought its traffic back, and the rest of the status can't be read."""
    world = SmallWorld()
    place = await world.begun(stages=STAGES)
    before = dict(world.redis.states)
    world.api.annotate("rollback", "it is bad")
    await world.until(lambda: "RolledBack" in world.reasons())
    await place.end()
    world.redis.states.update(before)
    _edit(world, _history)
    world.start(leads=False)
    await asyncio.sleep(2)
    assert world.redis.percentage == "0"


@virtual
async def test_an_object_with_such_a_status_goes_with_its_key() -> None:
    world = SmallWorld()
    await _met(world, _record)
    world.api.delete()
    await world.until(lambda: REF not in world.api.objects, within=5)
    assert (world.redis.percentage, world.redis.record.owner) == ("0", "")


@virtual
async def test_a_verb_is_not_refused_as_too_early_where_nothing_can_be_read() -> None:
    world = SmallWorld()
    place = await world.begun()
    await place.end()
    _edit(world, _record)
    world.api.apply(spec(traffic={"key": 7}))
    world.start()
    world.api.annotate("pause", "wait for me")
    await asyncio.sleep(5)
    assert "mlrollout.dev/pause" in world.api.objects[REF]["metadata"]["annotations"]
