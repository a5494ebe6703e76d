"""Two installations that both lead an object find each other out; replicas of one never take each other for another."""

import asyncio

from mlrollout.ports import ConflictError
from mlrollout.runtime.rivals import LASTS, LOST, Rivalry

from tests.pure.runtime.fates import failing
from tests.pure.runtime.small_world import Place, SmallWorld
from tests.pure.runtime.specs import REF, spec
from tests.support.virtual_time import virtual


def _contested(place: Place) -> bool:
    return "mlrollout_contested{" in place.operator.metrics.render().decode()


def _told(world: SmallWorld, reason: str) -> bool:
    return any(event.reason == reason for event in world.api.posted)


async def _both(*installations: str) -> tuple[SmallWorld, list[Place]]:
    """Processes of these installations that all lead, and a rollout under way for two minutes."""
    world = SmallWorld()
    places = [world.start(installation=installation) for installation in installations]
    world.api.apply(spec())
    await asyncio.sleep(120)
    return world, places


@virtual
async def test_two_installations_are_told_in_both() -> None:
    world, places = await _both("one/mlrollout", "two/mlrollout")
    assert all(_contested(place) for place in places)
    assert _told(world, "SecondInstallation")
    condition = world.condition("Contested")
    assert condition["status"] == "True"
    assert condition["reason"] == "SecondInstallation"
    assert "the Leases one/mlrollout and two/mlrollout" in condition["message"]
    assert world.status["writtenBy"] in ("one/mlrollout", "two/mlrollout")


@virtual
async def test_once_one_of_them_is_gone_it_is_told_no_more() -> None:
    world, places = await _both("one/mlrollout", "two/mlrollout")
    await places[1].end()
    await asyncio.sleep(3 * LASTS)
    assert not _contested(places[0])
    assert world.condition("Contested") == {}
    assert world.status["writtenBy"] == "one/mlrollout"


@virtual
async def test_two_that_lead_in_one_installation_are_no_two_installations() -> None:
    world, places = await _both("one/mlrollout", "one/mlrollout")
    assert not any(_contested(place) for place in places)
    assert not _told(world, "SecondInstallation")


@virtual
async def test_an_older_version_that_names_nobody_is_no_other_installation() -> None:
    world, places = await _both("one/mlrollout", "")
    assert not _contested(places[0])
    assert not _told(world, "SecondInstallation")


@virtual
async def test_a_successor_is_not_taken_for_a_second() -> None:
    world = SmallWorld()
    first = await world.begun(installation="one/mlrollout")
    await first.end()
    second = world.start(installation="two/mlrollout")
    await asyncio.sleep(120)
    assert world.status["writtenBy"] == "two/mlrollout"
    assert not _contested(second)
    assert not _told(world, "SecondInstallation")


@virtual
async def test_one_that_loses_every_write_says_so() -> None:
    world = SmallWorld()
    place = await world.begun(installation="one/mlrollout")
    world.api.fates.always["save_status"] = failing(ConflictError("another version"))
    world.api.apply(spec(revision="two"))
    await world.until(lambda: _told(world, "StatusContested"), within=120)
    assert _contested(place)
    world.api.fates.always.clear()
    await asyncio.sleep(60)
    assert not _contested(place)
    assert REF in place.operator.tracked_objects


def test_some_writes_that_come_too_late_are_nothing_to_tell() -> None:
    rivalry = Rivalry("one/mlrollout")
    for _ in range(LOST - 1):
        rivalry.beaten()
    assert rivalry.alerts == ()
    rivalry.saved()
    rivalry.beaten()
    assert rivalry.alerts == ()
