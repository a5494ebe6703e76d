"""Verbs are heard each time they are asked for, and once; those in manifests are not, and nobody writes for ever."""

import asyncio

import pytest
from mlrollout.ports import Object

from tests.pure.runtime.fates import API_DOWN, Held, failing, losing
from tests.pure.runtime.small_world import SmallWorld
from tests.pure.runtime.specs import KEY, REF, spec
from tests.support.redis_model import State
from tests.support.virtual_time import virtual

WORDS = ["errors > 5 % & <b>", "🚑 \x00\r\n\u202e", "", "because " * 30_000]


@pytest.mark.parametrize("words", WORDS)
@virtual
async def test_the_same_words_are_heard_again_after_a_retry(words: str) -> None:
    world = SmallWorld()
    await world.begun()
    for attempt in (1, 2, 3):
        world.api.annotate("rollback", words)
        await world.until(lambda: world.redis.percentage == "0")
        await asyncio.sleep(5)
        assert (world.redis.record.ordinal, world.redis.record.latched) == (attempt, True)
        world.api.annotate("retry", words)
        await world.until(lambda: world.redis.percentage == "10")
    assert world.reasons().count("Retried") == world.reasons().count("RolledBack") == 3
    assert world.api.objects[REF]["metadata"]["annotations"] == {}
    assert "verbs" not in world.status


@pytest.mark.parametrize("words", WORDS)
@pytest.mark.parametrize("moment", ["it is deaf", "it only watches", "it is restarted", "another leads"])
@virtual
async def test_so_are_they_where_who_removed_the_first_never_knew_that_it_did(words: str, moment: str) -> None:
    world = SmallWorld()
    place = await world.begun()
    standby = world.start(leads=False)
    await asyncio.sleep(3)
    place.deaf = standby.deaf = moment != "it only watches"
    world.api.fates.next["change_annotations"].append(losing(API_DOWN))
    world.api.fates.always["get"] = failing(API_DOWN)
    place.operator.observe(_annotated(world, "rollback", words))
    await world.until(lambda: world.api.fates.count["change_annotations"])
    assert "mlrollout.dev/rollback" not in world.api.objects[REF]["metadata"]["annotations"]

    world.api.apply(spec(revision="two"))
    world.api.annotate("rollback", words)
    if moment == "it is restarted":
        await place.end()
        world.start()
    elif moment == "another leads":
        place.operator.lead(leads=False)
        standby.operator.lead(leads=True)
    world.api.fates.always.clear()
    place.deaf = standby.deaf = False
    await asyncio.sleep(60)
    assert (world.redis.percentage, world.redis.record.ordinal, world.redis.record.latched) == ("0", 2, True)
    assert world.reasons().count("ManualRollback") == 2
    assert world.api.objects[REF]["metadata"]["annotations"] == {}
    assert "verbs" not in world.status


@virtual
async def test_the_same_words_said_beside_a_new_revision_are_heard_by_whoever_comes_after_it_began() -> None:
    """The one that began the revision dies before it has heard them, having saved what it began."""
    world = SmallWorld()
    place = await world.begun()
    removed, begun, heard, noted = Held(), Held(), Held(before=True), Held()
    world.api.fates.next["change_annotations"] += [removed, noted]
    world.api.annotate("retry", "again")
    await removed.reached.wait()
    await place.end()
    world.api.apply(spec(revision="two"))
    world.api.annotate("retry", "again")
    world.api.fates.next["save_status"] += [begun, heard]
    place = world.start()
    await begun.reached.wait()
    begun.go.set()
    await world.until(lambda: heard.reached.is_set() or noted.reached.is_set())
    await place.end()
    world.api.fates.next["change_annotations"].clear()
    world.start()
    await asyncio.sleep(60)
    assert world.reasons().count("VerbRefused") == 2
    assert world.api.objects[REF]["metadata"]["annotations"] == {}


@virtual
async def test_words_that_come_back_after_others_are_another_request() -> None:
    """The first ones were acted on, and not removed yet when somebody wrote over them, and then the same again."""
    world = SmallWorld()
    await world.begun()
    world.api.fates.always["change_annotations"] = failing(API_DOWN)
    world.api.annotate("pause", "because-3")
    await world.until(lambda: world.told("Paused"))
    world.api.annotate("pause", "because-1")
    world.api.annotate("pause", "because-3")
    world.api.fates.always.clear()
    await asyncio.sleep(60)
    (refused,) = world.told("VerbRefused")
    assert "because-3" in refused.message
    assert world.api.objects[REF]["metadata"]["annotations"] == {}
    assert "verbs" not in world.status


def _annotated(world: SmallWorld, verb: str, words: str) -> Object:
    world.api.annotate(verb, words)
    return world.api.objects[REF]


@pytest.mark.parametrize("moment", ["reply lost", "restarted"])
@virtual
async def test_a_promotion_is_acted_on_once_though_its_writer_does_more_to_the_object(moment: str) -> None:
    world = SmallWorld()
    place = await world.begun()
    world.api.fates.next["change_annotations"].append(failing(API_DOWN))
    world.api.fates.always["get"] = failing(API_DOWN)
    world.api.annotate("promote", "so be it")
    await world.until(lambda: "Promoted" in world.reasons())
    world.api.annotate("nonsense", "by the same hand")
    if moment == "restarted":
        await place.end()
        world.start()
    world.api.fates.always.clear()
    await asyncio.sleep(30)
    assert world.reasons().count("Promoted") == 1
    assert list(world.api.objects[REF]["metadata"]["annotations"]) == ["mlrollout.dev/nonsense"]


@virtual
async def test_a_verb_that_an_applier_puts_back_again_and_again_makes_no_writes_and_one_event() -> None:
    world = SmallWorld()
    await world.begun()
    world.api.annotate("rollback", "by hand")
    await asyncio.sleep(5)
    before = len(world.api.writes)
    for _ in range(30):
        world.api.apply_server_side({"mlrollout.dev/retry": "once more"})
        await asyncio.sleep(10)
    assert world.redis.percentage == "0"
    assert len(world.api.writes) - before <= 1
    assert len(world.told("VerbRefused")) == 1
    world.api.apply_server_side({})
    await asyncio.sleep(1)
    world.api.annotate("retry", "once more")
    await world.until(lambda: world.redis.percentage == "10")


@virtual
async def test_a_rollback_in_a_manifest_holds_until_it_is_taken_out() -> None:
    world = SmallWorld()
    await world.begun()
    for _ in range(30):
        world.api.apply_server_side({"mlrollout.dev/rollback": "errors > 5 %"})
        await asyncio.sleep(2)
    assert world.redis.percentage == "0"
    assert world.reasons().count("RolledBack") == 1
    world.api.annotate("retry", "now")
    await asyncio.sleep(5)
    world.api.apply(spec(revision="two"))
    await asyncio.sleep(10)
    assert (world.redis.percentage, world.redis.record.ordinal, world.redis.record.latched) == ("0", 2, True)
    before = len(world.api.writes)
    await asyncio.sleep(100)
    assert len(world.api.writes) == before
    world.api.apply_server_side({})
    world.api.annotate("retry", "now")
    await world.until(lambda: world.redis.percentage == "10")


@virtual
async def test_a_verb_for_what_can_not_begin_is_refused_and_removed_but_a_rollback_waits() -> None:
    world = SmallWorld()
    world.start()
    world.redis.states[KEY] = State("a session")
    world.api.apply(spec())
    await asyncio.sleep(5)
    world.api.annotate("promote", "soon")
    world.api.annotate("rollback", "never")
    await asyncio.sleep(20)
    assert list(world.api.objects[REF]["metadata"]["annotations"]) == ["mlrollout.dev/rollback"]
    (told,) = world.told("VerbRefused")
    assert "promote (soon) is refused: nothing has begun" in told.message
    world.redis.set_by_hand(None)
    await asyncio.sleep(40)
    assert (world.redis.percentage, world.redis.record.latched) == ("0", True)
    assert world.api.objects[REF]["metadata"]["annotations"] == {}
