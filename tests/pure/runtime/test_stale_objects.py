"""Events of the watch, answers to our own writes and lists overtake each other; the newest version stands."""

import asyncio

import pytest
from mlrollout.ports import GoneError, ObjectsError, Ref
from mlrollout.runtime.queue import Queue
from structlog.testing import capture_logs

from tests.pure.runtime.fates import Held, failing
from tests.pure.runtime.small_world import Place, SmallWorld
from tests.pure.runtime.specs import KEY, REF, spec
from tests.support.virtual_time import virtual


def _spec_known(place: Place) -> str:
    known = place.operator.tracked_objects[REF].spec
    assert known is not None
    return known.revision or ""


@virtual
async def test_a_late_answer_does_not_bring_back_an_older_spec() -> None:
    world = SmallWorld()
    place = await world.begun()
    held = Held()
    world.api.fates.next["save_status"].append(held)
    await held.reached.wait()
    world.api.apply(spec(revision="two"))
    await asyncio.sleep(0.1)
    held.go.set()
    await asyncio.sleep(0)
    assert _spec_known(place) == "two"


@virtual
async def test_a_late_event_does_not_bring_back_an_older_spec() -> None:
    world = SmallWorld()
    place = await world.begun()
    older = world.api.objects[REF]
    world.api.apply(spec(revision="two"))
    await asyncio.sleep(1)
    place.operator.observe(older)
    assert _spec_known(place) == "two"


@virtual
async def test_a_late_event_about_a_deleted_object_does_not_replace_its_successor() -> None:
    world = SmallWorld()
    place = await world.begun()
    older = world.api.objects[REF]
    world.api.delete()
    await world.until(lambda: REF not in world.api.objects)
    world.api.apply(spec(revision="two"))
    await asyncio.sleep(1)
    place.operator.observe(older)
    assert place.operator.tracked_objects[REF].uid == world.api.objects[REF]["metadata"]["uid"]
    place.operator.vanished(older)
    assert _spec_known(place) == "two"


@virtual
async def test_the_end_of_an_object_does_not_end_its_successor() -> None:
    """The successor is heard of while a call about the old object is still being answered."""
    world = SmallWorld()
    place = await world.begun()
    held = Held()

    async def gone_late(_: object) -> None:
        await held(lambda: None)
        raise GoneError("it does not exist")

    world.api.fates.next["save_status"].append(gone_late)
    await held.reached.wait()
    world.api.remove()
    world.api.apply(spec(revision="two"))
    await asyncio.sleep(0.1)
    held.go.set()
    await world.until(lambda: world.redis.percentage == "10" and world.redis.record.revision == "two", within=5)
    assert _spec_known(place) == "two"


@virtual
async def test_a_successor_found_in_the_place_of_an_object_begins_anew() -> None:
    """The watch was broken while the object was replaced; the next read of it finds another."""
    world = SmallWorld()
    place = await world.begun()
    place.deaf = True
    world.api.remove()
    world.api.apply(spec(revision="two"))
    place.operator.lead(leads=True)
    await asyncio.sleep(1)
    place.deaf = False
    await world.until(lambda: world.redis.record.revision == "two" and world.redis.percentage == "10")
    assert world.redis.record.ordinal == 2
    assert world.reasons() == ["AttemptStarted", "StageAdvanced"]


@virtual
async def test_a_list_does_not_end_an_object_that_is_younger() -> None:
    world = SmallWorld()
    place = world.start()
    held = Held()
    world.api.fates.next["read_all"].append(held)
    listing = asyncio.create_task(place.operator.relist(world.api))
    await held.reached.wait()
    world.api.apply(spec())
    await asyncio.sleep(0.1)
    held.go.set()
    await listing
    await world.until(lambda: world.redis.percentage == "10", within=5)


@virtual
async def test_a_list_ends_what_is_gone_and_begins_what_was_missed() -> None:
    world = SmallWorld()
    place = await world.begun()
    place.deaf = True
    other = Ref("dispatch", "other")
    world.api.remove()
    world.api.apply(spec(traffic={"key": f"{KEY}:other"}), other)
    place.deaf = False
    await place.operator.relist(world.api)
    assert set(place.operator.tracked_objects) == {other}


@virtual
async def test_a_key_that_becomes_free_is_taken_over_at_once() -> None:
    """Another operator has given it up, and this one finds out by a write to an object that is gone."""
    world = SmallWorld()
    place = await world.begun()
    second = Ref("dispatch", "second")
    world.api.apply(spec(), second)
    await asyncio.sleep(1)
    assert world.condition("Stalled", second)["reason"] == "KeyConflict"
    place.deaf = True
    world.redis.states.clear()
    world.api.remove()
    place.operator.lead(leads=True)
    await world.until(lambda: REF not in place.operator.tracked_objects)
    place.deaf = False
    await asyncio.sleep(1)
    assert world.condition("Stalled", second) == {}


@virtual
async def test_an_object_that_is_said_to_be_gone_and_is_listed_goes_on_being_guarded() -> None:
    world = SmallWorld()
    place = await world.begun()
    world.api.fates.always["save_status"] = world.api.fates.always["get"] = failing(GoneError("it does not exist"))
    place.operator.lead(leads=True)
    await asyncio.sleep(30)
    assert REF in place.operator.tracked_objects
    world.prometheus.value = 0.2
    await world.until(lambda: world.redis.percentage == "0", within=5)


@virtual
async def test_while_nothing_can_be_listed_nothing_is_forgotten() -> None:
    world = SmallWorld()
    place = await world.begun()
    world.api.fates.always["read_all"] = failing(ObjectsError("a page of somebody else"))
    world.api.fates.always["get"] = failing(GoneError("it does not exist"))
    place.operator.lead(leads=True)
    await asyncio.sleep(30)
    world.prometheus.value = 0.2
    await world.until(lambda: world.redis.percentage == "0", within=5)


@virtual
async def test_what_is_known_outlives_the_end_of_a_part(monkeypatch: pytest.MonkeyPatch) -> None:
    """A list may not be had for long."""
    world = SmallWorld()
    place = await world.begun()
    world.api.fates.always["read_all"] = failing(ObjectsError("a page of somebody else"))
    once = Queue._once

    async def breaks(self: Queue, ref: Ref) -> None:
        monkeypatch.setattr(Queue, "_once", once)
        raise RuntimeError("a bug")

    monkeypatch.setattr(Queue, "_once", breaks)
    with capture_logs() as logs:
        place.operator.lead(leads=True)
        await asyncio.sleep(5)
    assert [line["part"] for line in logs if line["log_level"] == "error"] == ["queue"]
    world.prometheus.value = 0.2
    await world.until(lambda: world.redis.percentage == "0", within=5)
    await world.until(lambda: "RolledBack" in world.reasons(), within=5)
