"""One leads; the other looks at the guardrails too, takes traffic down, and does nothing else."""

import asyncio

import pytest
from mlrollout.api.crd import UNSEEN
from mlrollout.domain.traffic import Raise
from mlrollout.evidence.measurement import Measurement, Verdict
from mlrollout.runtime.tracked import TrackedObject

from tests.pure.runtime.conftest import Logs
from tests.pure.runtime.fates import API_DOWN, Held, failing
from tests.pure.runtime.small_world import Place, SmallWorld
from tests.pure.runtime.specs import GUARDRAIL, KEY, LEASED, REF, spec, stage
from tests.support.virtual_time import virtual


@virtual
async def test_a_breach_that_only_the_standby_sees_is_told_as_if_the_leader_had_seen_it(logs: Logs) -> None:
    world = SmallWorld()
    leader = await world.begun()
    world.start(leads=False)
    await asyncio.sleep(3)
    leader.operator.tracked_objects[REF].measured.histories.clear()  # it takes no verdict any more
    world.prometheus.value = 0.2
    await asyncio.sleep(1.5)
    assert world.redis.percentage == "0"
    assert any("0.2 is above max 0.05" in str(entry.get("explanation")) for entry in logs)
    await asyncio.sleep(65)
    assert world.reasons()[-2:] == ["GuardrailBreached", "RolledBack"]
    assert world.condition("Stalled")["reason"] == "GuardrailBreached"
    assert "0.2 is above max 0.05" in world.condition("Stalled")["message"]
    (breached,) = world.told("RolledBack")
    assert breached.warning
    assert "0.2 is above max 0.05" in breached.message
    labels = 'namespace="dispatch",name="ml-dispatch",rollout="dispatch/ml-dispatch",reason="GuardrailBreached"'
    assert f"mlrollout_transitions_total{{{labels}}} 1.0" in leader.operator.metrics.render().decode()


@virtual
async def test_a_breach_whose_leader_dies_between_zero_and_status_is_told_by_the_next() -> None:
    world = SmallWorld()
    leader = await world.begun()
    standby = world.start(leads=False)
    await asyncio.sleep(3)
    held = Held(before=True)
    world.api.fates.next["save_status"].append(held)
    world.prometheus.value = 0.2
    await held.reached.wait()
    assert world.redis.percentage == "0"
    await leader.end()
    world.prometheus.value = 0.0
    await asyncio.sleep(20)
    standby.operator.lead(leads=True)
    await asyncio.sleep(5)
    assert world.reasons()[-2:] == ["GuardrailBreached", "RolledBack"]
    assert (len(world.told("GuardrailBreached")), len(world.told("RolledBack"))) == (0, 1)


@virtual
async def test_of_two_replicas_with_a_breach_each_the_one_in_redis_is_told() -> None:
    """The leader sees one breach, and its write is behind that of the standby, who sees another."""
    world = SmallWorld()
    leader = await world.begun()
    standby = world.start(leads=False)
    await asyncio.sleep(3)
    held = Held(before=True)
    world.redis.fates.next["write"] += [held, held]  # it has two lanes
    _sees(leader, 0.3)
    await held.reached.wait()
    _sees(standby, 0.2)
    await world.until(lambda: world.redis.percentage == "0")
    held.go.set()
    await asyncio.sleep(5)
    assert world.reasons()[-2:] == ["GuardrailBreached", "RolledBack"]
    (breached,) = world.told("RolledBack")
    assert breached.message == f"10 % -> 0 %: {world.redis.record.cause.message}"
    assert world.redis.record.cause.message == world.status["progress"]["message"]
    assert "0.2" in breached.message


def _sees(place: Place, value: float) -> None:
    """A breach that nobody else sees."""
    tracked = place.operator.tracked_objects[REF]
    (guardrail,) = tracked.effective_spec.guardrails
    measurement = Measurement(Verdict.BREACH, place.world.now(), 0.0, value, message=f"{value}!")
    place.operator._reconciler.judged(tracked, guardrail, measurement)


@virtual
async def test_a_standby_begins_nothing_and_writes_nothing_to_the_object() -> None:
    world = SmallWorld()
    world.start(leads=False)
    world.api.apply(spec())
    applied = world.api.objects[REF]
    await asyncio.sleep(200)
    assert world.redis.percentage is None
    world.api.annotate("rollback", "nobody listens")
    await asyncio.sleep(5)
    assert world.api.objects[REF]["metadata"].keys() - applied["metadata"].keys() == {"annotations", "managedFields"}
    assert world.status == UNSEEN
    assert not world.api.posted


@pytest.mark.parametrize(
    "change",
    [
        {"revision": "two"},
        {"stages": [stage("pilot", 8), stage("full", 100)]},
        {"stages": [stage("other", 4), stage("full", 100)]},
        {"paused": True},
    ],
)
@virtual
async def test_a_standby_that_misses_a_change_does_not_undo_it(change: dict[str, object]) -> None:
    world = SmallWorld()
    await world.begun()
    standby = world.start(leads=False)
    await asyncio.sleep(3)
    standby.deaf = True
    world.api.apply(spec(**change))
    await asyncio.sleep(5)
    settled, history = world.redis.states[KEY], world.reasons()
    await asyncio.sleep(50)
    assert world.redis.states[KEY] == settled
    assert world.reasons() == history


@pytest.mark.parametrize("known", ["no status", "another attempt", "zero"])
@virtual
async def test_a_standby_takes_down_what_began_without_its_hearing_of_it(known: str) -> None:
    """The API server tells it nothing, and whoever led is gone: what it knows of the traffic, Redis has told it."""
    world = SmallWorld()
    leader, standby = world.start(), world.start(leads=False)
    world.api.apply(spec(revision="one"))
    if known != "no status":
        await world.until(lambda: world.redis.percentage == ("0" if known == "zero" else "10"))
        await asyncio.sleep(3.0 if known == "another attempt" else 0.0)
    standby.deaf = True
    if known == "another attempt":
        world.api.apply(spec(revision="two"))
        await world.until(lambda: world.redis.record.revision == "two")
    await world.until(lambda: world.redis.percentage == "10")
    await leader.end()
    await asyncio.sleep(6)
    heard = standby.operator.tracked_objects[REF].resource.status.record
    assert (0 if heard is None else heard.percentage) == (10 if known == "another attempt" else 0)
    world.prometheus.value = 0.2
    await world.until(lambda: world.redis.percentage == "0")
    assert world.redis.record.latched
    standby.deaf = False
    standby.operator.lead(leads=True)
    await asyncio.sleep(5)
    assert world.reasons()[-2:] == ["GuardrailBreached", "RolledBack"]
    assert "0.2 is above max 0.05" in world.condition("Stalled")["message"]


@virtual
async def test_a_rollback_that_was_answered_while_the_standby_heard_nothing_ends_no_later_attempt() -> None:
    """It saw the annotation, and neither the answer, nor that it was removed, nor what began after that."""
    world = SmallWorld()
    await world.begun()
    standby = world.start(leads=False)
    await asyncio.sleep(3)
    world.prometheus.value = 0.2
    await world.until(lambda: world.told("RolledBack"))
    world.prometheus.value = 0.0
    await asyncio.sleep(3)
    standby.deaf = True
    world.api.annotate("rollback", "customers complain")
    standby.operator.observe(world.api.objects[REF])
    await world.until(lambda: world.told("VerbRefused"))
    world.api.apply(spec(revision="two"))
    await world.until(lambda: world.redis.percentage == "10")
    await asyncio.sleep(20)
    assert standby.operator.tracked_objects[REF].resource.requests
    assert (world.redis.percentage, world.redis.record.revision) == ("10", "two")


def _changes_nothing(world: SmallWorld, tracked: TrackedObject, *, leads: bool) -> None:
    """Who knows so much of the object and reads Redis goes on from what stands there, whatever words it remembers."""
    reconciler = world.start(leads=False).operator._reconciler
    if leads:
        reconciler.lead([tracked], leads=True)
    tracked.redis.traffic = world.redis.model.read(KEY)
    assert reconciler._decide(tracked) is None
    assert tracked.resource.requests
    assert tracked.state is not None
    assert tracked.state.record == world.redis.record


@pytest.mark.parametrize("leads", [False, True])
@virtual
async def test_an_old_rollback_ends_no_attempt_that_has_users_when_it_is_first_met(leads: bool) -> None:  # noqa: FBT001
    """The annotation was the last that it was told, and it stood still until now; or leads, and has not read anew."""
    world = SmallWorld()
    await world.begun()
    world.api.annotate("rollback", "customers complain")
    tracked = TrackedObject(REF)
    tracked.apply(world.api.objects[REF])
    await world.until(lambda: world.told("RolledBack") and not world.api.objects[REF]["metadata"]["annotations"])
    world.api.annotate("retry", "it was the network")
    await world.until(lambda: world.redis.percentage == "10")

    _changes_nothing(world, tracked, leads=leads)


@virtual
async def test_an_old_demotion_takes_no_users_back_that_came_after_its_answer() -> None:
    world = SmallWorld()
    await world.begun(stages=[stage("pilot", 10, "10s"), stage("full", 100, "1h")])
    world.api.annotate("demote", "10 too many complaints")
    tracked = TrackedObject(REF)
    tracked.apply(world.api.objects[REF])
    await world.until(lambda: world.told("VerbRefused") and world.redis.percentage == "100")

    _changes_nothing(world, tracked, leads=True)


@virtual
async def test_a_rollback_that_stood_at_the_creation_ends_nothing_that_only_redis_tells_of() -> None:
    world = SmallWorld()
    standby = world.start(leads=False)
    world.api.apply(spec())
    world.api.annotate("rollback", "not yet")
    await asyncio.sleep(3)
    standby.deaf = True
    world.api.annotate("rollback", None)
    world.start()
    await world.until(lambda: world.redis.percentage == "10")
    await asyncio.sleep(20)
    tracked = standby.operator.tracked_objects[REF]
    assert (tracked.resource.saved, world.redis.percentage) == (None, "10")


@virtual
async def test_who_begins_to_lead_while_it_reads_redis_reads_the_object_before_it_writes() -> None:
    world = SmallWorld()
    leader = await world.begun()
    standby = world.start(leads=False)
    await asyncio.sleep(3)
    await leader.end()
    held = Held()
    world.redis.fates.next["read"].append(held)
    world.api.annotate("pause", "wait for me")
    await held.reached.wait()
    before = dict(world.api.fates.count)
    written = world.api.fates.count["save_status"]
    world.api.fates.always["get"] = failing(API_DOWN)
    standby.operator.lead(leads=True)
    held.go.set()
    await asyncio.sleep(5)
    assert world.api.fates.count["get"] > before.get("get", 0)
    assert world.api.fates.count["save_status"] == written, "what it knows of the object may be of long ago"


@virtual
async def test_who_leads_hears_a_rollback_also_where_the_status_is_behind_redis_and_can_not_be_saved() -> None:
    """As after a cluster's backup was restored: the status knows of an earlier attempt than Redis."""
    world = SmallWorld()
    place = await world.begun()
    before = world.status
    world.api.apply(spec(revision="two"))
    await world.until(lambda: world.redis.percentage == "10" and world.redis.record.revision == "two")
    await place.end()
    world.api.edit_status(before)
    world.api.fates.always["save_status"] = failing(API_DOWN)
    world.start()
    await asyncio.sleep(5)
    assert world.redis.percentage == "10"
    world.api.annotate("rollback", "customers complain")
    await world.until(lambda: world.redis.percentage == "0")
    assert world.redis.record.revision == "two"
    assert world.redis.record.latched


@virtual
async def test_whose_users_a_standby_has_ended_it_remembers_when_it_leads() -> None:
    """A failover gave them back to the attempt before: what they met says nothing of the next one."""
    window = 10
    world = SmallWorld()
    leader, standby = world.start(), world.start(leads=False)
    guarded = spec(guardrails=[{**GUARDRAIL, "query": f"rate(up[{window}s])"}])
    world.api.apply(guarded)
    await world.until(lambda: world.redis.percentage == "10")
    old = world.redis.states[KEY]
    world.api.apply(guarded | {"revision": "two"})
    await world.until(lambda: world.redis.record.revision == "two")
    await leader.end()
    await asyncio.sleep(3 * window)
    world.redis.states[KEY] = old
    await world.until(lambda: world.redis.percentage == "0")
    ended = world.now()
    standby.operator.lead(leads=True)
    await world.until(lambda: world.redis.percentage == "10")
    assert world.redis.record.revision == "two"
    assert world.now() - ended >= window


@pytest.mark.parametrize("moment", [0.0, 0.5, 0.99, 1.0, 1.01, 1.5])
@virtual
async def test_whose_users_a_failover_brought_back_right_before_a_retry_says_nothing_of_the_next_attempt(
    moment: float,
) -> None:
    window = 10
    world = SmallWorld()
    world.start()
    world.api.apply(spec(guardrails=[{**GUARDRAIL, "query": f"rate(up[{window}s])"}]))
    await world.until(lambda: world.redis.percentage == "10")
    old = world.redis.states[KEY]
    world.api.annotate("rollback", "customers complain")
    await world.until(lambda: world.redis.percentage == "0")
    await asyncio.sleep(3 * window)
    world.redis.states[KEY] = old
    await asyncio.sleep(moment)
    world.api.annotate("retry", "mended")
    await world.until(lambda: world.redis.percentage == "0")
    ended = world.now()
    await world.until(lambda: world.redis.percentage == "10")
    assert world.now() - ended >= window


@virtual
async def test_an_emergency_stop_of_a_revision_that_the_standby_never_heard_of_stays() -> None:
    world = SmallWorld()
    await world.begun()
    standby = world.start(leads=False)
    await asyncio.sleep(3)
    standby.deaf = True
    world.api.apply(spec(revision="two"))
    await world.until(lambda: world.redis.percentage == "10" and world.redis.record.revision == "two")
    world.redis.set_by_hand("0")
    await asyncio.sleep(100)
    assert world.redis.percentage == "0"
    assert world.redis.record.latched
    assert world.redis.record.revision == "two"


@virtual
async def test_a_lease_does_not_run_out_while_a_standby_watches() -> None:
    """A leader dies; the next one leads only after the first one's Lease."""
    world = SmallWorld()
    leader = await world.begun(traffic=LEASED)
    standby = world.start(leads=False)
    await asyncio.sleep(3)
    await leader.end()
    before = len(world.redis.leases)
    await asyncio.sleep(9)
    assert len(world.redis.leases) - before >= 4
    standby.operator.lead(leads=True)
    await asyncio.sleep(3)
    assert world.redis.percentage == "10"


@virtual
async def test_two_that_both_believe_to_lead_raise_once() -> None:
    world = SmallWorld()
    world.start()
    world.start()
    world.api.apply(spec(stages=[stage("pilot", 10, "3s"), stage("full", 100, "3s")]))
    await world.until(lambda: world.condition("Ready").get("status") == "True")
    raises = [write.record.percentage for write in world.redis.accepted if isinstance(write, Raise)]
    assert raises == [10, 100]
    assert world.reasons() == ["AttemptStarted", "StageAdvanced", "StageAdvanced", "Completed"]


@pytest.mark.parametrize("told", [True, False])
@virtual
async def test_who_loses_leadership_while_the_intent_is_saved_raises_nothing(*, told: bool) -> None:
    """A process that was frozen knows it only if it asks, for it has not been told yet."""
    world = SmallWorld()
    place = world.start()
    world.api.apply(spec())
    await world.until(lambda: "AttemptStarted" in world.reasons())
    held = Held()
    world.api.fates.next["save_status"].append(held)
    await held.reached.wait()
    await world.until(lambda: "StageAdvanced" in world.reasons(), within=3)
    if told:
        place.operator.lead(leads=False)
    else:
        place.still_leads = False
    held.go.set()
    await asyncio.sleep(20)
    assert world.redis.percentage == "0"

    place.still_leads = True
    place.operator.lead(leads=True)
    await world.until(lambda: world.redis.percentage == "10")
    assert world.reasons().count("StageAdvanced") == 1


@virtual
async def test_a_raise_whose_status_was_overtaken_is_decided_anew() -> None:
    """Somebody pauses in the moment between the decision and its save."""
    world = SmallWorld()
    world.start()
    world.api.apply(spec())
    await world.until(lambda: "AttemptStarted" in world.reasons())
    held = Held(before=True)
    world.api.fates.next["save_status"].append(held)
    await held.reached.wait()
    world.api.apply(spec(paused=True))
    held.go.set()
    await asyncio.sleep(20)
    assert world.redis.percentage == "0"
    assert world.condition("Ready")["reason"] == "Paused"
