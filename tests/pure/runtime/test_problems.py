"""Objects that can't be looked after say why, and do no harm."""

import asyncio
from typing import Any

import pytest
from mlrollout.ports import SourceError, TrafficError

from tests.pure.runtime.fates import failing
from tests.pure.runtime.small_world import SmallWorld
from tests.pure.runtime.specs import GUARDRAIL, KEY, REF, spec, stage
from tests.support.redis_model import State
from tests.support.virtual_time import virtual


@pytest.mark.parametrize(
    "text", ["a session", "", "101", "-1", "10.5", '{"schema":1,"owner":"the record of another key"}']
)
@virtual
async def test_what_another_program_keeps_under_the_key_is_not_overwritten(text: str) -> None:
    world = SmallWorld()
    world.start()
    world.redis.states[KEY] = State(text)
    world.api.apply(spec())
    await asyncio.sleep(100)
    assert world.redis.states[KEY] == State(text)
    assert world.condition("Stalled")["reason"] == "KeyRefused"
    message = world.condition("Stalled")["message"]
    assert KEY in message
    assert "delete this one" in message
    assert "session" not in message
    assert [event.reason for event in world.api.posted] == ["KeyRefused"]
    del world.redis.states[KEY]
    await world.until(lambda: world.redis.percentage == "10", within=90)
    assert world.condition("Stalled") == {}


@virtual
async def test_a_percentage_from_before_is_taken_over() -> None:
    world = SmallWorld()
    world.start()
    world.redis.states[KEY] = State("30")
    world.api.apply(spec())
    await world.until(lambda: world.redis.percentage == "10")


@pytest.mark.parametrize(
    "status",
    [
        {"record": {"attempt": "many"}},
        {"history": "none"},
        {"record": {"attempt": 1, "latched": False, "sequence": 1, "percentage": 100}, "progress": {"applied": 1000}},
    ],
)
@virtual
async def test_a_status_that_was_spoiled_by_hand_is_left_until_a_person_removes_it(status: dict[str, Any]) -> None:
    """It may as well be a newer operator's, which knows more."""
    world = SmallWorld()
    await world.begun()
    record = world.redis.record
    world.api.edit_status(status)
    await asyncio.sleep(10)
    assert world.redis.record == record
    assert world.status == status
    world.api.edit_status({})
    await asyncio.sleep(10)
    assert world.redis.record == record
    assert world.condition("Ready")["reason"] == "Progressing"
    assert world.status["record"]["percentage"] == 10


@virtual
async def test_of_a_status_that_was_spoiled_by_hand_what_is_only_shown_is_mended() -> None:
    world = SmallWorld()
    await world.begun()
    record = world.redis.record
    world.api.edit_status({"conditions": [{"type": "Ready"}]})
    await asyncio.sleep(10)
    assert world.redis.record == record
    assert world.condition("Ready")["reason"] == "Progressing"


@virtual
async def test_a_status_that_is_removed_while_nobody_looks_is_made_anew_from_redis() -> None:
    world = SmallWorld()
    place = await world.begun()
    await place.end()
    world.api.edit_status({"record": {"attempt": "many"}})
    world.start()
    await asyncio.sleep(10)
    assert world.condition("Ready") == {}
    world.api.edit_status({})
    await world.until(lambda: world.condition("Ready").get("reason") == "Progressing")
    assert world.redis.percentage == "10"
    assert world.status["attempt"] == 1


@virtual
async def test_an_edit_that_makes_the_spec_unusable_and_another_that_mends_it_change_nothing() -> None:
    world = SmallWorld()
    await world.begun()
    state = world.redis.states[KEY]
    for broken in (spec(stages=[]), spec(guardrails=[{"name": "x", "query": "sum(", "max": 1}])):
        world.api.apply(broken)
        await asyncio.sleep(3)
        assert world.condition("Stalled")["status"] == "True"
        assert world.status["observedGeneration"] == world.api.objects[REF]["metadata"]["generation"]
        world.api.apply(spec())
        await asyncio.sleep(3)
        assert world.condition("Stalled") == {}
    assert world.redis.states[KEY] == state


@virtual
async def test_verbs_are_each_acted_on_once_and_taken_away_and_may_be_said_again() -> None:
    world = SmallWorld()
    await world.begun()
    world.api.annotate("pause", "let us see")
    world.api.annotate("approve", "nothing needs it")
    await asyncio.sleep(3)
    assert world.api.objects[REF]["metadata"]["annotations"] == {}
    assert world.condition("Ready")["reason"] == "Paused"
    world.api.annotate("resume", "seen")
    await asyncio.sleep(3)
    world.api.annotate("pause", "let us see")
    await asyncio.sleep(3)
    assert world.reasons()[2:] == ["VerbRefused", "Paused", "Resumed", "Paused"]


@virtual
async def test_a_rollback_outranks_every_verb_beside_it() -> None:
    world = SmallWorld()
    await world.begun()
    for verb in ("retry", "resume", "promote", "approve", "pause", "rollback"):
        world.api.annotate(verb, "all at once")
    await asyncio.sleep(5)
    assert world.redis.percentage == "0"
    assert world.redis.record.latched
    assert world.api.objects[REF]["metadata"]["annotations"] == {}


@virtual
async def test_a_verb_whose_status_another_process_wiped_meanwhile_does_no_harm() -> None:
    world = SmallWorld()
    await world.begun()

    async def wiping(act: Any) -> Any:
        world.api.edit_status({})
        return act()

    world.api.annotate("pause", "one")
    world.api.annotate("approve", "two")
    world.api.fates.next["change_annotations"].append(wiping)
    await asyncio.sleep(10)
    assert world.api.objects[REF]["metadata"]["annotations"] == {}
    assert world.redis.percentage == "10"


@virtual
async def test_a_healthy_object_is_not_written_to_at_every_look() -> None:
    world = SmallWorld()
    await world.begun(
        stages=[stage("pilot", 10, "336h")], guardrails=[{**GUARDRAIL, "interval": "10s", "maxAge": "30s"}]
    )
    await asyncio.sleep(900)
    before = len(world.api.writes)
    await asyncio.sleep(900)
    assert 1 <= len(world.api.writes) - before <= 16  # what a crash may cost is a minute


@virtual
async def test_a_clock_that_jumps_neither_earns_nor_stops_anything() -> None:
    world = SmallWorld()
    await world.begun()
    for skew in (86400.0, -86400.0):
        world.skew = skew
        await asyncio.sleep(30)
        assert world.redis.percentage == "10"
    world.prometheus.value = 0.2
    await asyncio.sleep(3)
    assert world.redis.percentage == "0"


@virtual
async def test_why_something_fails_is_told_anew_when_that_changes_but_not_at_every_look() -> None:
    world = SmallWorld()
    await world.begun()
    for why in ("Redis can't be reached", "Redis refused the password"):
        world.redis.fates.always["read"] = failing(TrafficError(why))
        await asyncio.sleep(30)
        assert why in world.condition("TrafficApplied")["message"]

    async def flapping(_: Any) -> Any:
        raise SourceError(f"for reason {'abcdefgh'[world.prometheus.fates.count['query'] % 8]}")

    world.redis.fates.always.clear()
    world.prometheus.fates.always["query"] = flapping
    await asyncio.sleep(30)
    before = len(world.api.writes)
    await asyncio.sleep(100)
    assert 5 <= len(world.api.writes) - before <= 11
