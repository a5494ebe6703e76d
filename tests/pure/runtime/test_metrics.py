"""What a scrape of each operator shows: from the beginning at zero, of one replica, and gone with its object."""

import asyncio
import re
from collections.abc import Mapping

from mlrollout.domain.reason import TRANSITIONS
from mlrollout.domain.state import Phase
from mlrollout.ports import SourceError
from mlrollout.runtime.metrics import OperatorMetrics
from mlrollout.runtime.object_metrics import COUNTERS, FAMILIES

from tests.pure.runtime.fates import API_DOWN, REDIS_DOWN, Held, failing, losing
from tests.pure.runtime.small_world import Place, SmallWorld
from tests.pure.runtime.specs import EPOCH, GUARDRAIL, REF, spec, stage
from tests.support.virtual_time import virtual

MINE = 'namespace="dispatch",name="ml-dispatch",rollout="dispatch/ml-dispatch"'
ERRORS = f'{MINE},guardrail="errors"'
OF_OBJECTS = {family.name for family in FAMILIES}


def shown(place: Place) -> Mapping[str, float]:
    """Every series by its name and labels."""
    text = place.operator.metrics.render().decode()
    return {series: float(value) for series, value in re.findall(r"^(\w+(?:{.*})?) (\S+)$", text, re.MULTILINE)}


def of_objects(place: Place) -> set[str]:
    """The families of objects that have a series."""
    return {series.partition("{")[0] for series in shown(place)} & OF_OBJECTS


@virtual
async def test_where_an_object_stands() -> None:
    world = SmallWorld()
    place = await world.begun()
    await asyncio.sleep(10)
    found = shown(place)
    assert found[f"mlrollout_percentage{{{MINE}}}"] == 10
    assert found[f"mlrollout_desired_percentage{{{MINE}}}"] == 10
    assert found[f"mlrollout_traffic_confirmed{{{MINE}}}"] == 1
    assert found[f'mlrollout_stage{{{MINE},stage="pilot"}}'] == 1
    assert found[f'mlrollout_phase{{{MINE},phase="InStage"}}'] == 1
    assert found[f'mlrollout_phase{{{MINE},phase="RolledBack"}}'] == 0
    assert found[f'mlrollout_info{{{MINE},revision="one",attempt="1"}}'] == 1
    assert found[f"mlrollout_healthy_target_seconds{{{MINE}}}"] == 3600
    assert 5 < found[f"mlrollout_healthy_seconds{{{MINE}}}"] < 15
    assert EPOCH <= found[f"mlrollout_stage_entered_timestamp_seconds{{{MINE}}}"] <= EPOCH + 5
    assert found[f'mlrollout_condition{{{MINE},type="Ready",status="False",reason="Progressing"}}'] == 1
    assert found["mlrollout_leader"] == 1


@virtual
async def test_what_its_guardrails_say() -> None:
    world = SmallWorld()
    place = await world.begun()
    found = shown(place)
    assert found[f'mlrollout_guardrail_verdict{{{ERRORS},finding="Pass"}}'] == 1
    assert found[f'mlrollout_guardrail_verdict{{{ERRORS},finding="Breach"}}'] == 0
    assert found[f"mlrollout_guardrail_value{{{ERRORS}}}"] == 0.01
    assert found[f"mlrollout_guardrail_limit{{{ERRORS}}}"] == 0.05
    assert found[f'mlrollout_guardrail_info{{{ERRORS},kind="query",action="Rollback"}}'] == 1
    assert found[f"mlrollout_guardrail_last_look_timestamp_seconds{{{ERRORS}}}"] >= EPOCH
    assert "mlrollout_guardrail_missing_since_timestamp_seconds" not in of_objects(place)


@virtual
async def test_since_when_evidence_is_missing_and_when_there_was_some() -> None:
    world = SmallWorld()
    place = await world.begun()
    await asyncio.sleep(5)
    world.prometheus.fates.always["query"] = failing(SourceError("Prometheus does not answer"))
    await asyncio.sleep(20)

    found = shown(place)
    last = found[f"mlrollout_guardrail_last_evidence_timestamp_seconds{{{ERRORS}}}"]
    missing = found[f"mlrollout_guardrail_missing_since_timestamp_seconds{{{ERRORS}}}"]
    assert last < missing <= last + 2
    assert found[f"mlrollout_guardrail_last_look_timestamp_seconds{{{ERRORS}}}"] > missing + 15
    assert found[f'mlrollout_object_errors_total{{{MINE},source="prometheus"}}'] >= 18


@virtual
async def test_of_a_rollback_its_cause_and_time_stay_while_it_lasts_and_nothing_is_missing() -> None:
    world = SmallWorld()
    place = await world.begun()
    assert "mlrollout_rolled_back_timestamp_seconds" not in of_objects(place)
    world.prometheus.value = 0.2
    await asyncio.sleep(5)

    found = shown(place)
    assert found[f'mlrollout_phase{{{MINE},phase="RolledBack"}}'] == 1
    assert found[f"mlrollout_percentage{{{MINE}}}"] == 0
    assert found[f'mlrollout_rolled_back_timestamp_seconds{{{MINE},reason="GuardrailBreached"}}'] > EPOCH
    assert found[f'mlrollout_transitions_total{{{MINE},reason="RolledBack"}}'] == 1
    assert f"mlrollout_healthy_seconds{{{MINE}}}" not in found
    world.prometheus.value = 0.01
    await asyncio.sleep(600)
    assert "mlrollout_guardrail_missing_since_timestamp_seconds" not in of_objects(place)

    world.api.annotate("retry", "again")
    await asyncio.sleep(30)
    assert "mlrollout_rolled_back_timestamp_seconds" not in of_objects(place)


@virtual
async def test_every_count_is_there_at_zero_before_anything_happens() -> None:
    """Of a counter that is born at 1, Prometheus sees no increase."""
    world = SmallWorld()
    world.redis.fates.always["read"] = failing(REDIS_DOWN)
    place = world.start()
    world.api.apply(spec())
    await asyncio.sleep(1)
    found = shown(place)
    for reason in TRANSITIONS:
        assert found[f'mlrollout_transitions_total{{{MINE},reason="{reason}"}}'] == 0
    assert found[f'mlrollout_phase{{{MINE},phase="NotBegun"}}'] == 1
    assert [found[f'mlrollout_phase{{{MINE},phase="{phase}"}}'] for phase in Phase] == [0] * len(Phase)
    assert found['mlrollout_part_ends_total{part="watch"}'] == 0


@virtual
async def test_a_standby_shows_nothing_that_would_be_counted_twice() -> None:
    world = SmallWorld()
    leader = await world.begun()
    standby = world.start(leads=False)
    standby.operator.metrics.another_leads = lambda: True
    await asyncio.sleep(3)
    assert of_objects(standby) == {family.name for family in COUNTERS}
    assert not any(value for series, value in shown(standby).items() if series.startswith("mlrollout_transitions"))
    assert len(of_objects(leader)) > len(COUNTERS)
    assert shown(standby)["mlrollout_leader"] == 0


@virtual
async def test_where_nobody_is_known_to_lead_every_process_shows_where_the_object_stands_now() -> None:
    """Not where it stood when this process still led."""
    world = SmallWorld()
    old = await world.begun()
    new = world.start()
    old.operator.lead(leads=False)
    world.api.apply(spec(stages=[stage("small", 3), stage("full", 100)]))
    await asyncio.sleep(5)
    for place in (old, new):
        assert shown(place)[f"mlrollout_percentage{{{MINE}}}"] == float(world.redis.percentage or "-1")
        assert f'mlrollout_stage{{{MINE},stage="pilot"}}' not in shown(place)
    assert shown(old)["mlrollout_leader"] == 0


@virtual
async def test_a_rollback_is_counted_once_by_whoever_saved_it() -> None:
    """The leader dies after saving it; its successor, who counted from 0 all along, does not count it again."""
    world = SmallWorld()
    leader = await world.begun()
    standby = world.start(leads=False)
    world.prometheus.value = 0.2
    await asyncio.sleep(5)
    await leader.end()
    standby.operator.lead(leads=True)
    await asyncio.sleep(5)
    series = f'mlrollout_transitions_total{{{MINE},reason="RolledBack"}}'
    assert (shown(leader).get(series), shown(standby)[series]) == (None, 0)
    world.prometheus.value = 0.01
    world.api.annotate("retry", "again")
    await asyncio.sleep(30)
    world.prometheus.value = 0.2
    await asyncio.sleep(10)
    assert shown(standby)[series] == 1


@virtual
async def test_what_was_saved_though_its_answer_was_lost_is_counted() -> None:
    world = SmallWorld()
    place = await world.begun()
    world.api.fates.next["save_status"].append(losing(API_DOWN))
    world.prometheus.value = 0.2
    await asyncio.sleep(20)
    assert shown(place)[f'mlrollout_transitions_total{{{MINE},reason="RolledBack"}}'] == 1


@virtual
async def test_a_removed_guardrail_vanishes() -> None:
    world = SmallWorld()
    place = await world.begun(guardrails=[GUARDRAIL, {**GUARDRAIL, "name": "other"}])
    assert any('guardrail="other"' in name for name in shown(place))
    world.api.apply(spec())
    await asyncio.sleep(3)
    assert not any('guardrail="other"' in name for name in shown(place))
    assert any('guardrail="errors"' in name for name in shown(place))


@virtual
async def test_an_object_vanishes_also_where_it_goes_in_the_middle_of_a_write() -> None:
    world = SmallWorld()
    place = await world.begun()
    held = Held()
    world.api.fates.next["save_status"].append(held)
    world.prometheus.value = 0.2
    await held.reached.wait()
    world.api.remove()
    await asyncio.sleep(0.1)
    held.go.set()
    await asyncio.sleep(10)
    assert not any("ml-dispatch" in name for name in shown(place))


@virtual
async def test_errors_are_counted() -> None:
    world = SmallWorld()
    place = await world.begun()
    world.redis.fates.next["read"] += [failing(REDIS_DOWN)] * 2
    await asyncio.sleep(5)
    assert shown(place)["mlrollout_redis_errors_total"] == 2
    assert shown(place)["mlrollout_kubernetes_errors_total"] == 0
    world.api.fates.next["save_status"].append(failing(API_DOWN))
    world.api.fates.next["get"].append(failing(API_DOWN))
    world.api.fates.next["post_event"].append(failing(API_DOWN))
    world.prometheus.value = 0.2
    await asyncio.sleep(10)
    found = shown(place)
    assert found["mlrollout_kubernetes_errors_total"] == 3
    assert found[f'mlrollout_object_errors_total{{{MINE},source="kubernetes"}}'] == 3
    assert found[f'mlrollout_object_errors_total{{{MINE},source="redis"}}'] == 2


def test_a_process_says_who_it_is_and_who_leads() -> None:
    metrics = OperatorMetrics()
    metrics.holder = lambda: 'pod-1_"ab'
    text = metrics.render().decode()
    assert 'mlrollout_lease_holder{holder="pod-1_\\"ab"} 1.0\n' in text
    assert re.search(r'^mlrollout_build_info{python="3\.\d+\.\d+",version="\S+"} 1\.0$', text, re.MULTILINE)
    assert re.search(r"^process_resident_memory_bytes [1-9]", text, re.MULTILINE)
    assert "mlrollout_lease_holder{" not in OperatorMetrics().render().decode()


@virtual
async def test_an_object_has_few_series() -> None:
    """So many for each object and guardrail, and no more for whatever happens."""
    world = SmallWorld()
    place = await world.begun()
    one = sum("ml-dispatch" in series for series in shown(place))
    world.api.apply(spec(guardrails=[GUARDRAIL, {**GUARDRAIL, "name": "other"}]))
    await asyncio.sleep(5)
    two = sum("ml-dispatch" in series for series in shown(place))
    for _ in range(3):
        world.prometheus.value = 0.2
        await asyncio.sleep(10)
        world.prometheus.value = 0.01
        world.api.annotate("retry", "again")
        await asyncio.sleep(30)
    assert one <= 60
    assert two - one <= 12
    assert sum("ml-dispatch" in series for series in shown(place)) <= two + 2
    assert place.operator.tracked_objects[REF].tally.transitions["RolledBack"] == 3
