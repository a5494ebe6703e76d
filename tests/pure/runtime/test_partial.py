"""An object whose spec this version can't read as a whole, met by a process that knows no earlier one."""

import asyncio
from typing import Any

import pytest
from mlrollout.domain.partial import UNGUARDED_FOR
from mlrollout.runtime.reading import read

from tests.pure.runtime.small_world import Place, SmallWorld
from tests.pure.runtime.specs import GUARDRAIL, LEASED, REF, spec, stage
from tests.support.virtual_time import virtual

NEWER = {**GUARDRAIL, "name": "score", "action": "Quarantine"}
PILOT = stage("pilot", 10, "120s")
STAGES = [PILOT, stage("full", 100)]
KINDS: dict[str, dict[str, Any]] = {
    "a guardrail": {"guardrails": [NEWER, GUARDRAIL]},
    "a stage": {"stages": [PILOT | {"duration": {"of": "a newer kind"}}, stage("full", 100)]},
    "every stage": {"stages": []},
    "a field": {"onDelete": "Archive"},
}


async def _met(world: SmallWorld, *, leads: bool = True, **changes: Any) -> Place:
    """A process that starts when the object is at 10 %, with a spec of a newer version."""
    place = await world.begun(stages=STAGES)
    await asyncio.sleep(60)
    await place.end()
    world.api.apply(spec(**{"stages": STAGES} | changes))
    place = world.start(leads=leads)
    await asyncio.sleep(5)
    return place


@pytest.mark.parametrize("changes", KINDS.values(), ids=KINDS)
@virtual
async def test_what_is_understood_is_guarded_and_nothing_grows(changes: dict[str, Any]) -> None:
    world = SmallWorld()
    await _met(world, **changes)
    await asyncio.sleep(150)
    assert world.redis.percentage == "10"
    assert world.condition("Stalled")["reason"] == "InvalidSpec"
    assert world.condition("GuardrailsHealthy")["status"] == "True"
    assert "errors" in world.condition("Ready")["message"]
    assert world.told("InvalidSpec")[0].warning
    world.prometheus.value = 0.2
    await asyncio.sleep(1.2)
    assert world.redis.percentage == "0"
    await asyncio.sleep(3)
    assert world.reasons()[-2:] == ["GuardrailBreached", "RolledBack"]


@pytest.mark.parametrize("changes", [*KINDS.values(), {"guardrails": [NEWER]}])
@virtual
async def test_a_rollback_is_heard_and_the_object_goes_with_its_key(changes: dict[str, Any]) -> None:
    world = SmallWorld()
    await _met(world, **changes)
    world.api.annotate("rollback", "it is bad")
    await asyncio.sleep(0.2)
    assert world.redis.percentage == "0"
    await world.until(lambda: not world.api.objects[REF]["metadata"].get("annotations"))
    world.api.delete()
    await world.until(lambda: REF not in world.api.objects, within=5)
    assert world.redis.record.owner == ""


@virtual
async def test_deletion_gives_its_key_up_at_zero() -> None:
    world = SmallWorld()
    await _met(world, guardrails=[NEWER])
    world.api.delete()
    await world.until(lambda: REF not in world.api.objects, within=5)
    assert (world.redis.percentage, world.redis.record.owner) == ("0", "")
    assert world.told("Deleted")


@pytest.mark.parametrize(
    "guardrails",
    [
        [NEWER],
        [],
        "none",
        None,
        [NEWER, {**GUARDRAIL, "action": "Alert"}],
        [NEWER, {**GUARDRAIL, "action": "Hold"}],
        [NEWER, {**GUARDRAIL, "query": "app_errors > 5"}],  # it answers only when something is wrong: never asked
        [NEWER, {**GUARDRAIL, "query": "absent(up)"}],
    ],
    ids=str,
)
def test_where_nothing_could_take_traffic_down_nothing_guards(guardrails: Any) -> None:
    reading = read(spec(guardrails=guardrails), None)
    assert reading.unguarded
    assert reading.problem is not None
    assert "nothing guards its traffic, which goes to zero after 10m" in reading.problem.message


def test_only_what_can_be_asked_is_said_to_guard() -> None:
    reading = read(spec(guardrails=[NEWER, GUARDRAIL, {**GUARDRAIL, "name": "broken", "query": "absent(up)"}]), None)
    assert reading.unguarded == ""
    assert reading.problem is not None
    assert reading.problem.message.endswith("what can be understood goes on guarding: errors")


BROKEN = {**GUARDRAIL, "query": "app_errors > 5"}
"""It answers only when something is wrong, so it is never asked."""


@pytest.mark.parametrize("beside", [[], [{**GUARDRAIL, "name": "score", "max": 0.9}]], ids=["alone", "beside another"])
@virtual
async def test_in_the_place_of_a_query_that_can_not_be_asked_the_one_before_guards_on(beside: list[Any]) -> None:
    world = SmallWorld()
    await world.begun(stages=STAGES)
    world.api.apply(spec(stages=STAGES, guardrails=[BROKEN, *beside]))
    await asyncio.sleep(700)
    assert world.redis.percentage == "10"
    assert world.condition("Stalled")["reason"] == "InvalidQuery"
    assert world.condition("Stalled")["message"].endswith("until it is corrected, what it was before goes on guarding")
    world.prometheus.value = 0.2
    await asyncio.sleep(1.2)
    assert world.redis.percentage == "0"


@virtual
async def test_what_else_an_edit_with_such_a_query_asks_for_counts() -> None:
    world = SmallWorld()
    await world.begun(stages=STAGES)
    world.api.apply(spec(stages=[PILOT | {"percentage": 5}, stage("full", 100)], guardrails=[BROKEN]))
    await world.until(lambda: world.redis.percentage == "5", within=3)
    world.api.apply(spec(guardrails=[{**GUARDRAIL, "action": "Alert"}, BROKEN | {"name": "new"}]))
    await asyncio.sleep(5)
    world.prometheus.value = 0.2
    await asyncio.sleep(60)
    assert world.redis.percentage == "5"


@pytest.mark.parametrize("leads", [True, False])
@virtual
async def test_where_no_query_can_be_asked_it_goes_to_zero_after_a_while(*, leads: bool) -> None:
    world = SmallWorld()
    await _met(world, leads=leads, guardrails=[BROKEN])
    if leads:
        assert "nothing guards its traffic, which goes to zero after 10m" in world.condition("Stalled")["message"]
    await asyncio.sleep(UNGUARDED_FOR - 15)
    assert world.redis.percentage == "10"
    await asyncio.sleep(15)
    assert (world.redis.percentage, world.redis.record.latched) == ("0", True)
    if leads:
        assert world.reasons()[-2:] == ["InvalidSpec", "RolledBack"]


@virtual
async def test_one_that_only_alerts_was_written_so() -> None:
    world = SmallWorld()
    await _met(world, guardrails=[BROKEN | {"action": "Alert"}])
    await asyncio.sleep(2 * UNGUARDED_FOR)
    assert world.redis.percentage == "10"


@pytest.mark.parametrize("leads", [True, False])
@virtual
async def test_where_nothing_guards_it_goes_to_zero_after_a_while(*, leads: bool) -> None:
    world = SmallWorld()
    await _met(world, leads=leads, guardrails=[NEWER])
    if leads:
        assert "goes to zero after 10m" in world.condition("Stalled")["message"]
        assert "guardrails[score].action" in world.condition("Stalled")["message"]
        assert world.condition("GuardrailsHealthy")["status"] == "Unknown"
        assert world.condition("GuardrailsHealthy")["message"].startswith("nothing of its guardrails can be understood")
    world.api.be_down()
    await asyncio.sleep(UNGUARDED_FOR - 10)
    assert world.redis.percentage == "10"
    await asyncio.sleep(10)
    assert world.redis.percentage == "0"
    assert world.redis.record.latched
    world.api.fates.always.clear()
    if leads:
        await world.until(lambda: world.reasons()[-2:] == ["InvalidSpec", "RolledBack"])


@virtual
async def test_a_spec_that_is_mended_in_time_goes_on_with_what_it_had_earned() -> None:
    world = SmallWorld()
    await _met(world, guardrails=[NEWER])
    earned = world.status["progress"]["healthySeconds"]
    assert earned > 30
    await asyncio.sleep(UNGUARDED_FOR / 2)
    assert world.redis.percentage == "10"
    world.api.apply(spec(stages=STAGES))
    await asyncio.sleep(110 - earned)
    assert world.redis.percentage == "10"
    await world.until(lambda: world.redis.percentage == "100")
    assert world.condition("Stalled") == {}
    assert "EvidenceRestarted" not in world.reasons()


@virtual
async def test_a_new_revision_in_a_spec_that_can_not_be_used_gets_nothing_of_the_old_ones_traffic() -> None:
    """Also where the spec before it goes on guarding."""
    world = SmallWorld()
    await world.begun()
    world.api.apply(spec(revision="two", guardrails=[NEWER]))
    await asyncio.sleep(3)
    assert (world.redis.percentage, world.redis.record.revision) == ("0", "two")


@virtual
async def test_nothing_begins_on_a_part_of_a_spec() -> None:
    world = SmallWorld()
    world.start()
    world.api.apply(spec(guardrails=[NEWER, GUARDRAIL]))
    await asyncio.sleep(100)
    assert world.redis.states == {}
    assert world.condition("Stalled")["reason"] == "InvalidSpec"


@pytest.mark.parametrize("guardrail", [NEWER, BROKEN], ids=["newer", "broken"])
@virtual
async def test_a_lease_runs_out_where_nothing_is_understood_that_could_be_looked_at(guardrail: Any) -> None:
    world = SmallWorld()
    place = await world.begun(traffic=LEASED)
    await place.end()
    world.api.apply(spec(traffic=LEASED, guardrails=[guardrail]))
    world.start()
    await asyncio.sleep(5)
    before = len(world.redis.leases)
    await world.until(lambda: world.redis.percentage is None)
    assert len(world.redis.leases) == before
    await asyncio.sleep(60)
    assert {write.record.percentage for write in world.redis.accepted[before:]} == {0}
    assert world.reasons()[-1] == "TrafficLost"


@virtual
async def test_a_pause_is_told_beside_what_has_to_be_mended() -> None:
    """Mended, it would not go on."""
    world = SmallWorld()
    await world.begun(stages=STAGES)
    world.api.annotate("pause", "lunch")
    await asyncio.sleep(3)
    world.api.apply(spec(stages=STAGES, guardrails=[{**GUARDRAIL, "query": "absent(up)"}]))
    await asyncio.sleep(3)
    assert world.condition("Ready")["reason"] == "InvalidQuery"
    assert world.condition("Ready")["message"].endswith("the rollout is paused; annotate mlrollout.dev/resume to go on")
    world.api.annotate("resume", "lunch is over")
    await asyncio.sleep(3)
    assert "paused" not in world.condition("Ready")["message"]
