"""An object's own receivers: by a Secret of its namespace, at an address that the administrator allows."""

import asyncio

import pytest
from mlrollout.runtime.notifying.pace import LONGEST_WAIT
from mlrollout.runtime.sinks.notifications import FAILING_AFTER

from tests.pure.runtime.notified import broken, kept
from tests.pure.runtime.small_world import SmallWorld
from tests.support.virtual_time import virtual

OWN = {"name": "team", "secretRef": {"name": "slack", "key": "url"}, "topics": ["RolledBack"]}
TEAM = "https://team.example.com/hook"


def with_secret(world: SmallWorld, text: str = TEAM) -> None:
    world.secrets.held["dispatch", "slack", "url"] = text


@virtual
async def test_an_object_has_receivers_of_its_own() -> None:
    world = SmallWorld()
    world.allowed_receivers = ("https://*.example.com",)
    with_secret(world)
    await world.begun(notifications=[OWN])
    await broken(world)
    await asyncio.sleep(5)
    assert world.phones.topics(TEAM) == ["RolledBack"]
    assert list(kept(world)) == ["own/team"]


@virtual
async def test_an_address_that_is_not_allowed_is_told_at_once_and_nothing_is_sent_there() -> None:
    world = SmallWorld()
    with_secret(world)
    await world.begun(notifications=[OWN])
    await broken(world)
    await world.until(lambda: world.told("NotificationFailing"))
    (event, *_) = world.told("NotificationFailing")
    assert "own/team" in event.message
    assert "https://team.example.com, which is not allowed" in event.message
    assert "/hook" not in event.message
    assert world.phones.arrived == []


@pytest.mark.parametrize(
    ("text", "why"),
    [(None, "it has no key url"), ("hook", "neither a URL nor YAML"), ("url: 5", "neither a URL nor YAML")],
)
def test_a_secret_that_can_not_be_used_is_told_once_it_lasts_and_works_when_it_is_mended(
    text: str | None, why: str
) -> None:
    @virtual
    async def lives() -> None:
        world = SmallWorld()
        world.allowed_receivers = ("https://*.example.com",)
        if text is not None:
            with_secret(world, text)
        await world.begun(notifications=[OWN])
        await broken(world)
        await asyncio.sleep(FAILING_AFTER / 2)
        assert not world.told("NotificationFailing")
        await asyncio.sleep(FAILING_AFTER)
        assert why in world.told("NotificationFailing")[0].message
        with_secret(world)
        await asyncio.sleep(LONGEST_WAIT + 10)
        assert world.phones.topics(TEAM) == ["RolledBack"]
        told = len(world.told("NotificationFailing"))
        await asyncio.sleep(3600)
        assert len(world.told("NotificationFailing")) == told

    lives()


@virtual
async def test_what_a_secret_held_serves_while_the_api_server_is_away() -> None:
    world = SmallWorld()
    world.allowed_receivers = ("https://*.example.com",)
    with_secret(world)
    await world.begun(notifications=[OWN | {"topics": ["StageAdvanced", "RolledBack"]}])
    world.secrets.down = True
    await broken(world)
    await asyncio.sleep(30)
    assert world.phones.topics(TEAM) == ["StageAdvanced", "RolledBack"]
