"""What stands in Redis is looked at every second, and leases are renewed, whatever else goes wrong."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from mlrollout.adapters.redis.calls import CALL_WITHIN
from mlrollout.api.spec import Spec
from mlrollout.domain.decide import decide
from mlrollout.domain.record import encode
from mlrollout.domain.traffic import Traffic, Write, Written
from mlrollout.evidence.measurement import Measurement, Verdict
from mlrollout.ports import Ref, TrafficError
from mlrollout.runtime import reconciler
from mlrollout.runtime.tracked import TrackedObject
from mlrollout.runtime.traffic_io import TrafficIO
from structlog.testing import capture_logs

from tests.pure.runtime.doubles import Redis
from tests.pure.runtime.fates import API_DOWN, REDIS_DOWN, failing, for_ever
from tests.pure.runtime.small_world import Place, SmallWorld
from tests.pure.runtime.specs import GUARDRAIL, KEY, LEASED, REF, spec, stage
from tests.support.redis_model import State
from tests.support.virtual_time import virtual

OTHER = Ref("dispatch", "other")
BACK = "Traffic that had come back was taken down again"
DOWN = "Traffic was taken down"
SELDOM = {**GUARDRAIL, "interval": "15s", "maxAge": "60s"}


def _lowered(logs: Sequence[Mapping[str, Any]]) -> list[str]:
    return [entry["event"] for entry in logs if entry["event"] in (DOWN, BACK)]


@pytest.mark.parametrize("leads", [True, False])
@virtual
async def test_what_a_failover_brings_back_is_at_zero_within_a_second(*, leads: bool) -> None:
    world = SmallWorld()
    place = await world.begun()
    before = world.redis.states[KEY]
    world.api.annotate("rollback", "it is bad")
    await asyncio.sleep(60)
    place.operator.lead(leads=leads)
    await asyncio.sleep(20)
    world.redis.states[KEY] = before
    with capture_logs() as logs:
        await asyncio.sleep(1.1)
    assert world.redis.percentage == "0"
    assert world.redis.record.latched
    assert _lowered(logs) == [BACK]
    await asyncio.sleep(5)
    assert "mlrollout_breach_to_zero_seconds_count 0.0" in place.operator.metrics.render().decode()


@pytest.mark.parametrize("leads", [True, False])
@virtual
async def test_who_hears_late_of_a_rollback_that_stands_says_of_nothing_that_it_came_back(*, leads: bool) -> None:
    """What it last read of Redis is older: a process that was paused, or one beside who brought it about."""
    world = SmallWorld()
    await world.begun()
    late = world.start(leads=leads)
    await asyncio.sleep(3)
    late.deaf, tracked = True, late.operator.tracked_objects[REF]
    before = tracked.redis.traffic
    world.api.annotate("rollback", "customers complain")
    await world.until(lambda: world.told("RolledBack"))
    tracked.redis.traffic = before
    with capture_logs() as logs:
        late.operator.observe(world.api.objects[REF])
        await asyncio.sleep(5)
    assert world.redis.percentage == "0"
    assert _lowered(logs) == []


@virtual
async def test_who_is_told_of_a_rollback_that_does_not_stand_yet_brings_it_about() -> None:
    """And of that it does not say that it came back, nor how long it took, for it was decided elsewhere."""
    world = SmallWorld()
    leader = await world.begun()
    standby = world.start(leads=False)
    await asyncio.sleep(3)
    away, tracked = Redis(), leader.operator.tracked_objects[REF]
    away.fates.always |= dict.fromkeys(("read", "read_many", "write"), failing(REDIS_DOWN))
    tracked.redis.store = away
    (guardrail,) = tracked.effective_spec.guardrails
    breach = Measurement(Verdict.BREACH, world.now(), 0.0, 0.2, message="0.2!")
    with capture_logs() as logs:
        leader.operator._reconciler.judged(tracked, guardrail, breach)
        await asyncio.sleep(5)
    assert world.redis.percentage == "0"
    assert _lowered(logs) == [DOWN]
    assert "mlrollout_breach_to_zero_seconds_count 0.0" in standby.operator.metrics.render().decode()


@virtual
async def test_who_hears_late_of_a_lower_stage_says_nothing_of_it() -> None:
    world = SmallWorld()
    await world.begun(stages=[stage("pilot", 10), stage("full", 100)])
    late = world.start(leads=False)
    await asyncio.sleep(3)
    late.deaf, tracked = True, late.operator.tracked_objects[REF]
    before = tracked.redis.traffic
    world.api.apply(spec(stages=[stage("pilot", 5), stage("full", 100)]))
    await world.until(lambda: world.redis.percentage == "5")
    await asyncio.sleep(3)
    tracked.redis.traffic = before
    with capture_logs() as logs:
        late.operator.observe(world.api.objects[REF])
        await asyncio.sleep(5)
    assert _lowered(logs) == []


@virtual
async def test_a_standby_that_took_it_down_alone_says_that_it_came_back() -> None:
    """No status has told yet that it stood."""
    world = SmallWorld()
    leader = await world.begun()
    world.start(leads=False)
    await asyncio.sleep(3)
    await leader.end()
    before = world.redis.states[KEY]
    with capture_logs() as logs:
        world.prometheus.value = 0.2
        await world.until(lambda: world.redis.percentage == "0")
        await asyncio.sleep(3)
        world.redis.states[KEY] = before
        await asyncio.sleep(1.1)
    assert world.redis.percentage == "0"
    assert _lowered(logs) == [DOWN, BACK]


@virtual
async def test_what_came_back_is_written_down_though_redis_answers_no_question() -> None:
    world = SmallWorld()
    await world.begun()
    before = world.redis.states[KEY]
    world.api.annotate("rollback", "it is bad")
    await asyncio.sleep(60)
    world.redis.fates.always["read"] = failing(REDIS_DOWN)
    with capture_logs() as logs:
        world.redis.states[KEY] = before
        await world.until(lambda: world.redis.percentage == "0", within=1.1)
        await asyncio.sleep(0.1)
    assert _lowered(logs) == [BACK]


@virtual
async def test_a_lower_stage_is_put_back_as_well() -> None:
    world = SmallWorld()
    place = await world.begun(stages=[{"name": "pilot", "percentage": 10, "duration": "1h"}])
    before = world.redis.states[KEY]
    world.api.apply(spec(stages=[{"name": "pilot", "percentage": 5, "duration": "1h"}]))
    await world.until(lambda: world.redis.percentage == "5")
    await asyncio.sleep(3)
    place.operator.lead(leads=False)
    await asyncio.sleep(3)
    world.redis.states[KEY] = before
    await asyncio.sleep(1.1)
    assert world.redis.percentage == "5"


@pytest.mark.parametrize("call", ["get", "set_finalizer"])
@virtual
async def test_an_emergency_stop_is_seen_while_the_main_lane_gets_nowhere(call: str) -> None:
    world = SmallWorld()
    await world.begun(guardrails=[SELDOM])
    world.api.be_down()
    world.api.fates.always[call] = for_ever
    world.api.edit_finalizers()
    world.api.annotate("pause", "so that there is something to write")
    await asyncio.sleep(20)
    world.redis.set_by_hand("0")
    await asyncio.sleep(1.1)
    assert world.redis.record.latched


@virtual
async def test_nothing_begins_while_the_finalizer_is_refused() -> None:
    world = SmallWorld()
    world.start()
    world.api.fates.always["set_finalizer"] = failing(API_DOWN)
    world.api.apply(spec())
    await asyncio.sleep(60)
    assert world.redis.states == {}


@virtual
async def test_a_breach_goes_to_zero_while_the_finalizer_is_refused() -> None:
    world = SmallWorld()
    place = await world.begun()
    await place.end()
    world.api.edit_finalizers()
    world.api.fates.always["set_finalizer"] = failing(API_DOWN)
    world.start()
    await asyncio.sleep(10)
    assert world.redis.percentage == "10"
    world.prometheus.value = 0.2
    await asyncio.sleep(1.1)
    assert world.redis.percentage == "0"


@pytest.mark.parametrize("fate", [failing(API_DOWN), for_ever])
@virtual
async def test_a_lease_is_renewed_though_no_status_can_be_saved(fate: Any) -> None:
    """Not even that of the next stage, which is decided all the while."""
    world = SmallWorld()
    stages = [
        {"name": "pilot", "percentage": 10, "duration": "10s"},
        {"name": "full", "percentage": 100, "duration": "0s"},
    ]
    await world.begun(traffic=LEASED, stages=stages, guardrails=[SELDOM])
    world.api.fates.always["save_status"] = fate
    for _ in range(20):
        before = len(world.redis.leases)
        await asyncio.sleep(5)
        assert len(world.redis.leases) > before
    assert world.redis.percentage == "10"
    assert set(world.redis.leases) == {6.0}


@virtual
async def test_a_lease_runs_out_where_nobody_looks_at_the_guardrails() -> None:
    world = SmallWorld()
    place = await world.begun(traffic=LEASED)
    for task in place.operator._watches[REF].tasks.values():
        task.cancel()
    await asyncio.sleep(20)
    before = len(world.redis.leases)
    await asyncio.sleep(60)
    assert len(world.redis.leases) == before


@virtual
async def test_a_guardrail_whose_source_hangs_is_looked_at_all_the_same() -> None:
    """No evidence is another matter: its policy says what becomes of traffic."""
    world = SmallWorld()
    await world.begun(traffic=LEASED)
    world.prometheus.fates.always["query"] = for_ever
    await asyncio.sleep(100)
    before = len(world.redis.leases)
    await asyncio.sleep(10)
    assert len(world.redis.leases) - before >= 4


@virtual
async def test_at_zero_and_without_a_lease_nothing_is_renewed() -> None:
    world = SmallWorld()
    await world.begun()
    for _ in range(2):
        before = world.redis.fates.count["write"]
        await asyncio.sleep(30)
        assert world.redis.fates.count["write"] == before
        world.api.annotate("rollback", "enough")
        await asyncio.sleep(3)


class _TwoRedises(Place):
    """Its second object has a Redis of its own."""

    second: Redis

    async def store(self, ref: Ref, spec: Spec) -> Redis:
        return self.second if spec.traffic.key != KEY else await super().store(ref, spec)


@virtual
async def test_a_redis_that_hangs_holds_up_no_round_at_another() -> None:
    world = SmallWorld()
    _TwoRedises.second = Redis()
    place = _TwoRedises(world)
    place.operator.lead(leads=True)
    other = Ref("dispatch", "other")
    world.api.apply(spec(guardrails=[SELDOM]))
    world.api.apply(spec(traffic={"key": "other", "redis": {"secretRef": {"name": "own", "key": "url"}}}), other)
    await world.until(lambda: world.redis.percentage == "10" and place.second.states["other"].key == "10")
    await asyncio.sleep(3)
    place.second.fates.always |= {"read_many": for_ever, "read": for_ever, "write": for_ever}
    await asyncio.sleep(30)
    world.redis.set_by_hand("0")
    await asyncio.sleep(1.1)
    assert world.redis.record.latched


@virtual
async def test_a_redis_that_comes_back_is_looked_at_at_once() -> None:
    """Whatever delay the queue has come to."""
    world = SmallWorld()
    await world.begun(guardrails=[{**GUARDRAIL, "interval": "1h", "maxAge": "2h"}])
    world.redis.fates.always |= dict.fromkeys(("read", "read_many", "write"), failing(REDIS_DOWN))
    await asyncio.sleep(100)
    assert world.condition("TrafficApplied")["status"] == "Unknown"
    world.redis.fates.always.clear()
    await asyncio.sleep(1.2)
    assert world.condition("TrafficApplied")["status"] == "True"


@virtual
async def test_a_round_that_was_overtaken_by_a_write_changes_nothing() -> None:
    """It read what stood there before, and its answer comes after the answer to the write."""
    world = SmallWorld()
    place = await world.begun()
    reached, go = asyncio.Event(), asyncio.Event()

    async def late(act: Any) -> Any:
        found = act()
        reached.set()
        await go.wait()
        return found

    world.redis.fates.next["read_many"].append(late)
    await reached.wait()
    world.api.annotate("rollback", "it is bad")
    await world.until(lambda: world.redis.percentage == "0")
    await asyncio.sleep(1)
    writes = world.redis.fates.count["write"]
    go.set()
    await asyncio.sleep(0.1)
    traffic = place.operator.tracked_objects[REF].redis.traffic
    assert traffic is not None
    assert traffic.in_force == 0
    assert world.redis.fates.count["write"] == writes


@virtual
async def test_a_round_that_goes_wrong_is_not_the_last() -> None:
    world = SmallWorld()
    await world.begun(guardrails=[SELDOM])
    world.redis.fates.next["read_many"].append(failing(RuntimeError("a bug")))
    await asyncio.sleep(3)
    world.redis.states[KEY] = State("0", world.redis.states[KEY].record)
    await asyncio.sleep(1.1)
    assert world.redis.record.latched


async def _with_a_neighbour(world: SmallWorld) -> tuple[Place, TrackedObject]:
    """A process with two objects in one Redis, of which the second has a lease."""
    place = await world.begun()
    world.api.apply(spec(traffic={"key": "b", "lease": "5s"}), OTHER)
    await world.until(lambda: world.redis.model.at("b").key == "10")
    await asyncio.sleep(3)
    return place, place.operator.tracked_objects[OTHER]


def _undecidable(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake that every decision about the first object runs into."""

    def decided(spec: Spec, state: Any, observation: Any, now: float) -> Any:
        if observation.holder == str(REF):
            raise RuntimeError("a bug")
        return decide(spec, state, observation, now)

    monkeypatch.setattr(reconciler, "decide", decided)


@virtual
async def test_an_object_that_can_not_be_decided_on_costs_its_neighbour_no_lease(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = SmallWorld()
    _, other = await _with_a_neighbour(world)
    _undecidable(monkeypatch)
    renewed = set()
    for percentage in range(20):
        world.redis.set_by_hand(str(percentage))  # each second something else
        await asyncio.sleep(0.9)
        renewed.add(other.redis.renewed)
    assert len(renewed) >= 8
    world.redis.model.set_by_hand("b", "0")
    await asyncio.sleep(1.1)
    found = world.redis.model.read("b").record
    assert found is not None
    assert found.latched


@virtual
async def test_a_list_goes_on_after_an_object_that_can_not_be_decided_on(monkeypatch: pytest.MonkeyPatch) -> None:
    world = SmallWorld()
    place, other = await _with_a_neighbour(world)
    place.deaf = True
    _undecidable(monkeypatch)
    world.api.annotate("note", "changed")
    world.api.annotate("rollback", "it is bad", OTHER)
    await place.operator.relist(world.api)
    assert "rollback" in other.resource.requests
    await world.until(lambda: world.redis.model.at("b").key == "0", within=1)


@virtual
async def test_a_renewal_that_goes_wrong_is_one_object_s_and_told_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    world = SmallWorld()
    place, other = await _with_a_neighbour(world)
    world.api.apply(spec(traffic={"key": "c", "lease": "5s"}), Ref("dispatch", "third"))
    await world.until(lambda: world.redis.model.at("c").key == "10")
    renew = TrafficIO.renew

    async def renewed(self: TrafficIO, tracked: TrackedObject) -> None:
        if tracked is other:
            raise RuntimeError("a bug")
        await renew(self, tracked)

    monkeypatch.setattr(TrafficIO, "renew", renewed)
    third = place.operator.tracked_objects[Ref("dispatch", "third")]
    with capture_logs() as logs:
        await asyncio.sleep(20)
        assert asyncio.get_running_loop().time() - third.redis.renewed < 4
    told = [line for line in logs if line["event"].startswith("Unexpected error with an object")]
    assert {line["object"] for line in told} == {str(OTHER)}
    assert [line["times"] for line in told] == [1, 2, 4, 8, 16]


@pytest.mark.parametrize("stage", ["elsewhere", "x" * 5000, "\ud800"])
@virtual
async def test_a_rollback_with_a_stage_that_the_spec_does_not_have_is_a_rollback(stage: str) -> None:
    """As in a record that another program wrote by the contract, but for that."""
    world = SmallWorld()
    place = await world.begun()
    record = replace(world.redis.record, latched=True, percentage=0, stage=stage, sequence=9)
    world.redis.states[KEY] = State("0", encode(record))
    await asyncio.sleep(3)
    assert world.reasons()[-1] == "RecordAdopted"
    assert not place.operator.queue.failing
    world.api.annotate("retry", "mended")
    await world.until(lambda: world.redis.percentage == "10")


class _Cluster:
    """Of the keys of a Redis every second one is on a node that hangs: a call to it fails when its time is over."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self.hangs = False
        self.reads = 0

    def is_sick(self, key: str) -> bool:
        return self.hangs and int(key) % 2 == 0

    async def read(self, key: str) -> Traffic:
        if self.is_sick(key):
            await asyncio.sleep(CALL_WITHIN)
            raise REDIS_DOWN
        return await self.redis.read(key)

    async def read_many(self, keys: Sequence[str]) -> Sequence[Traffic | TrafficError]:
        found = [REDIS_DOWN if self.is_sick(key) else self.redis.model.read(key) for key in keys]
        self.reads += 1
        if self.hangs:
            await asyncio.sleep(CALL_WITHIN)
        return found

    async def write(self, key: str, write: Write, *, lease: float | None = None) -> Written:
        if self.is_sick(key):
            await asyncio.sleep(CALL_WITHIN)
            raise REDIS_DOWN
        return await self.redis.write(key, write, lease=lease)


class _OnCluster(Place):
    cluster: _Cluster

    async def store(self, ref: Ref, spec: Spec) -> Any:  # noqa: ARG002 - the port's
        return self.cluster


@pytest.mark.parametrize("known", [True, False])
@virtual
async def test_a_node_that_hangs_lets_no_lease_on_another_run_out(
    monkeypatch: pytest.MonkeyPatch, *, known: bool
) -> None:
    """Also where it begins to hang right after the keys were read, so that nobody knows which are its own."""
    world = SmallWorld()
    cluster = _OnCluster.cluster = _Cluster(world.redis)
    place = _OnCluster(world)
    place.operator.lead(leads=True)
    for number in range(120):
        guardrails = [{"name": "errors", "query": "up", "max": 0.05, "interval": "60s"}]
        world.api.apply(
            spec(traffic={"key": str(number), "lease": "5s"}, guardrails=guardrails), Ref("n", f"o{number}")
        )
    await world.until(lambda: all(world.redis.model.at(str(n)).key == "10" for n in range(120)), within=300)
    await asyncio.sleep(100)
    if not known:
        renew = TrafficIO.renew
        begun = asyncio.Event()

        async def renewed(self: TrafficIO, tracked: TrackedObject) -> None:
            cluster.hangs = True
            begun.set()
            await renew(self, tracked)

        with monkeypatch.context() as patched:
            patched.setattr(TrafficIO, "renew", renewed)
            await begun.wait()
    cluster.hangs = True
    for _ in range(200):
        await asyncio.sleep(0.1)
        assert all(world.redis.model.at(str(number)).key == "10" for number in range(1, 120, 2))


@virtual
async def test_more_leases_than_there_is_time_for_are_renewed_in_their_order() -> None:
    world = SmallWorld()
    place = world.start()
    for number in range(60):
        world.api.apply(spec(traffic={"key": str(number), "lease": "30s"}, guardrails=[SELDOM]), Ref("n", f"o{number}"))
    await world.until(lambda: all(world.redis.model.at(str(n)).key == "10" for n in range(60)), within=60)

    async def slow(act: Any) -> Any:
        await asyncio.sleep(0.5)
        return act()

    world.redis.fates.always["write"] = slow
    await asyncio.sleep(100)
    now = asyncio.get_running_loop().time()
    assert all(now - tracked.redis.renewed < 15 for tracked in place.operator.tracked_objects.values())
