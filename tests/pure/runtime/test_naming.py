"""Asking the source of an object's revisions: twice for what is new, by who leads, and again after every failure."""

import asyncio
from typing import Any

import pytest
from mlrollout.ports import NamedRevision, RevisionUnknownError

from tests.pure.runtime.small_world import SmallWorld
from tests.pure.runtime.specs import spec, stage
from tests.support.virtual_time import virtual

AWAY = RevisionUnknownError("nobody answers")


def _sourced(**more: Any) -> dict[str, Any]:
    source = {"mlflow": {"address": "http://mlflow", "model": "m", "onCompletion": "champion"}, "interval": "10s"}
    asked = spec(revisionFrom=source | more, stages=[stage("full", 100, "5s")])
    del asked["revision"]
    return asked


def _world() -> SmallWorld:
    world = SmallWorld()
    world.start()
    world.api.apply(_sourced())
    return world


def _status(world: SmallWorld) -> dict[str, Any]:
    (found,) = world.api.objects.values()
    status: dict[str, Any] = found["status"]
    return status


def _events(world: SmallWorld) -> list[str]:
    return [event.reason for event in world.api.posted]


@virtual
async def test_what_a_source_names_is_rolled_out_and_its_completion_announced() -> None:
    world = _world()
    await world.until(lambda: world.registry.completed_revisions, within=60)
    await asyncio.sleep(60)
    assert world.registry.completed_revisions == ["good-0"]
    assert _status(world)["revision"] == "good-0"
    assert [one["reason"] for one in _status(world)["history"]].count("AliasSet") == 1


@virtual
async def test_a_completion_of_the_same_revision_in_another_attempt_is_announced_again() -> None:
    """After a rollback people may have set the alias elsewhere."""
    world = _world()
    await world.until(lambda: "AliasSet" in world.reasons(), within=60)
    world.api.annotate("rollback", "customers complain")
    await world.until(lambda: world.redis.percentage == "0")
    world.api.annotate("retry", "it was the network")
    await world.until(lambda: world.reasons().count("AliasSet") == 2, within=60)
    assert world.registry.completed_revisions == ["good-0", "good-0"]


@virtual
async def test_what_is_named_once_counts_for_nothing() -> None:
    world = _world()
    await world.until(lambda: world.redis.percentage == "100")
    for revision in ("new", "good-0") * 5:
        world.registry.named = NamedRevision(revision)
        asked = world.registry.asked
        await world.until(lambda asked=asked: world.registry.asked > asked)  # type: ignore[misc]  # a default
    assert _status(world)["attempt"] == 1


@virtual
async def test_what_is_named_twice_is_a_new_attempt_within_seconds() -> None:
    world = _world()
    await world.until(lambda: world.redis.percentage == "100")
    world.registry.named = NamedRevision("new", "ann")
    await world.until(lambda: _status(world)["revision"] == "new", within=10 + 2 + 1)
    assert "RevisionFound" in _events(world)


@virtual
async def test_a_source_that_is_away_is_told_and_changes_nothing() -> None:
    world = _world()
    await world.until(lambda: world.redis.percentage == "100")
    world.registry.named = AWAY
    await asyncio.sleep(120)
    assert (_status(world)["attempt"], world.redis.percentage) == (1, "100")
    assert "RevisionUnknown" in _events(world)
    (told,) = {event.message for event in world.api.posted if event.reason == "RevisionUnknown"}
    assert told == "models:/m@candidate of http://mlflow can't be known, so no new revision begins: nobody answers"


@virtual
async def test_a_single_failure_is_not_told() -> None:
    world = _world()
    await world.until(lambda: world.redis.percentage == "100")
    asked = world.registry.asked
    world.registry.named = AWAY
    await world.until(lambda: world.registry.asked > asked)
    world.registry.named = NamedRevision("good-0")
    await asyncio.sleep(60)
    assert "RevisionUnknown" not in _events(world)


@virtual
async def test_who_does_not_lead_asks_nobody() -> None:
    world = SmallWorld()
    place = world.start(leads=False)
    world.api.apply(_sourced())
    await asyncio.sleep(60)
    assert world.registry.asked == 0
    place.operator.lead(leads=True)
    await world.until(lambda: world.redis.percentage == "100")
    place.operator.lead(leads=False)
    await asyncio.sleep(1)
    asked = world.registry.asked
    await asyncio.sleep(60)
    assert world.registry.asked == asked


@virtual
async def test_an_answer_counts_for_a_while_only() -> None:
    world = SmallWorld()
    place = world.start()
    world.api.apply(_sourced())
    await world.until(lambda: world.redis.percentage == "100")
    (tracked,) = place.operator.tracked_objects.values()
    world.registry.named = AWAY
    await asyncio.sleep(25)
    assert tracked.naming.current == NamedRevision("good-0")
    await asyncio.sleep(10)
    assert tracked.naming.current is None


@virtual
async def test_a_mistake_in_asking_is_not_the_last_question(monkeypatch: pytest.MonkeyPatch) -> None:
    world = _world()

    async def broken(**_: Any) -> NamedRevision:
        world.registry.asked += 1
        raise TypeError("a mistake")

    with monkeypatch.context() as patch:
        patch.setattr(world.registry, "ask", broken)
        await world.until(lambda: world.registry.asked > 1)
    await world.until(lambda: world.redis.percentage == "100")


@virtual
async def test_another_source_is_asked_anew() -> None:
    world = SmallWorld()
    place = world.start()
    world.api.apply(_sourced())
    await world.until(lambda: world.redis.percentage == "100")
    (tracked,) = place.operator.tracked_objects.values()
    world.api.apply(_sourced(interval="20s"))
    await world.until(lambda: tracked.naming.current is None)
    await world.until(lambda: tracked.naming.current is not None)
    world.api.apply(spec(revision="good-0", stages=[stage("full", 100, "5s")]))
    await asyncio.sleep(5)
    asked = world.registry.asked
    await asyncio.sleep(60)
    assert world.registry.asked == asked
    assert _status(world)["attempt"] == 1


@virtual
async def test_who_names_another_each_time_is_told_and_begins_nothing() -> None:
    world = _world()
    await world.until(lambda: world.redis.percentage == "100")
    for count in range(8):
        asked = world.registry.asked
        world.registry.named = NamedRevision(f"new-{count}")
        await world.until(lambda asked=asked: world.registry.asked > asked)  # type: ignore[misc]  # a default
    assert _status(world)["attempt"] == 1
    (told,) = {event.message for event in world.api.posted if event.reason == "RevisionUnknown"}
    assert told.endswith("names another revision each time it is asked, so none begins")


@virtual
async def test_an_alias_that_can_t_be_set_is_told_and_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    world = SmallWorld()
    world.start()

    async def refused(*_: Any, **__: Any) -> None:
        raise RevisionUnknownError("403")

    with monkeypatch.context() as patch:
        patch.setattr(world.registry, "completed", refused)
        world.api.apply(_sourced())
        await world.until(lambda: "AliasNotSet" in _events(world), within=90)
        message = world.condition("Ready")["message"]
        assert message.endswith(
            "; champion of models:/m@candidate of http://mlflow can't be set to revision good-0: 403"
        )
    await world.until(lambda: _status(world)["progress"].get("announced"), within=90)
    assert "RevisionUnknown" not in _events(world)


@virtual
async def test_a_question_that_failed_is_asked_again_soon() -> None:
    world = SmallWorld()
    world.start()
    world.registry.named = AWAY
    world.api.apply(_sourced(interval="24h"))
    await asyncio.sleep(60)
    world.registry.named = NamedRevision("good-0")
    await world.until(lambda: world.redis.percentage == "100", within=90)


@virtual
async def test_an_approval_is_obeyed_once_the_source_has_said_so_again() -> None:
    world = SmallWorld()
    world.start()
    world.api.apply(_sourced(interval="60s", approval="Manual"))
    await world.until(lambda: world.redis.percentage == "100")
    world.registry.named = NamedRevision("new")
    await world.until(lambda: "waiting" in _status(world), within=90)
    world.registry.named = NamedRevision("good-0")
    world.api.annotate("approve", "new looks well")
    await asyncio.sleep(20)
    assert _status(world)["revision"] == "good-0"

    world.registry.named = NamedRevision("newer")
    await world.until(lambda: _status(world).get("waiting", {}).get("revision") == "newer", within=90)
    world.api.annotate("approve", "newer looks well")
    await world.until(lambda: _status(world)["revision"] == "newer", within=10)
