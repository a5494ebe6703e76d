"""Every transition is told once; what goes on is told when it begins and now and then."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

import pytest
import structlog
from mlrollout.ports import Ref, SourceError

from tests.pure.runtime.fates import API_DOWN, REDIS_DOWN, failing, losing
from tests.pure.runtime.small_world import SmallWorld
from tests.pure.runtime.specs import GUARDRAIL, REF, spec
from tests.support.virtual_time import virtual

SELDOM = [{**GUARDRAIL, "interval": "20s", "maxAge": "60s"}]
"""Looks that leave a test time for hours."""


def _marks(world: SmallWorld) -> Counter[tuple[str, str]]:
    """The transitions that were posted; the API server keeps one of each mark."""
    return Counter((event.reason, event.unique) for event in world.api.posted if event.unique)


def _news(world: SmallWorld) -> list[str]:
    """What the history tells; a rollback and its cause are one piece of news."""
    return [reason for reason in world.reasons() if reason != "GuardrailBreached"]


@virtual
async def test_each_transition_is_posted_once_with_its_evidence() -> None:
    world = SmallWorld()
    await world.begun()
    world.prometheus.value = 0.2
    await asyncio.sleep(10)
    assert world.reasons()[-2:] == ["GuardrailBreached", "RolledBack"]
    assert [reason for reason, _ in _marks(world)] == _news(world)
    assert set(_marks(world).values()) == {1}
    (breached,) = world.told("RolledBack")
    assert breached.warning
    assert "0.2 is above max 0.05" in breached.message


@pytest.mark.parametrize("rolled_back", [False, True])
@virtual
async def test_a_key_raised_by_hand_is_put_back_and_told_also_after_a_rollback(rolled_back: bool) -> None:  # noqa: FBT001
    world = SmallWorld()
    await world.begun()
    if rolled_back:
        world.api.annotate("rollback", "bad reviews")
        await asyncio.sleep(5)
    stood = world.redis.percentage
    world.redis.set_by_hand("90")
    await asyncio.sleep(5)
    assert world.redis.percentage == stood == ("0" if rolled_back else "10")
    (overwritten,) = world.told("PercentageOverwritten")
    assert overwritten.message == f"the key was raised to 90 by hand and is put back to {stood}"


@virtual
async def test_a_transition_is_posted_where_the_answer_to_its_save_was_lost() -> None:
    world = SmallWorld()
    await world.begun()
    world.api.fates.next["save_status"].append(losing(API_DOWN))
    world.prometheus.value = 0.2
    await asyncio.sleep(10)
    assert len(world.told("RolledBack")) == 1


@virtual
async def test_what_happened_in_a_long_outage_of_the_api_server_is_posted_after_it() -> None:
    world = SmallWorld()
    place = await world.begun(guardrails=SELDOM)
    world.api.be_down()
    place.operator.lead(leads=False)
    world.prometheus.value = 0.2
    await asyncio.sleep(3600)
    assert world.redis.percentage == "0"
    assert not world.told("RolledBack")

    world.api.fates.always.clear()
    place.operator.lead(leads=True)
    await asyncio.sleep(30)
    assert world.reasons()[-1] == "RolledBack"
    assert len(world.told("RolledBack")) == 1


@virtual
async def test_an_event_that_could_not_be_posted_is_posted_later() -> None:
    world = SmallWorld()
    await world.begun()
    world.api.fates.always["post_event"] = failing(API_DOWN)
    world.prometheus.value = 0.2
    await asyncio.sleep(60)
    world.api.fates.always.clear()
    await asyncio.sleep(60)
    assert len(world.told("RolledBack")) == 1


@virtual
async def test_who_takes_over_posts_what_the_last_leader_may_not_have_posted() -> None:
    world = SmallWorld()
    first = await world.begun(guardrails=SELDOM)
    await asyncio.sleep(600)
    world.api.fates.always["post_event"] = failing(API_DOWN)
    world.prometheus.value = 0.2
    await asyncio.sleep(5)
    await first.end()
    world.api.fates.always.clear()
    world.start()
    await asyncio.sleep(5)
    assert set(_marks(world).values()) == {1}  # and nothing that is long past
    assert [reason for reason, _ in _marks(world)] == _news(world)


@virtual
async def test_a_change_of_leadership_counts_no_transition_twice() -> None:
    world = SmallWorld()
    place = await world.begun()
    for leads in (False, True, False, True):
        place.operator.lead(leads=leads)
        await asyncio.sleep(1)
    metrics = place.operator.metrics.render().decode()
    labels = 'namespace="dispatch",name="ml-dispatch",rollout="dispatch/ml-dispatch",reason="StageAdvanced"'
    assert f"mlrollout_transitions_total{{{labels}}} 1.0" in metrics


@virtual
async def test_what_goes_on_is_told_when_it_begins_and_every_five_minutes() -> None:
    world = SmallWorld()
    await world.begun(guardrails=SELDOM)
    world.redis.fates.always |= {"read": failing(REDIS_DOWN), "write": failing(REDIS_DOWN)}
    await asyncio.sleep(1000)
    assert len(world.told("TrafficUnconfirmed")) == 4

    world.redis.fates.always.clear()
    await asyncio.sleep(20)
    world.redis.fates.next["read"].append(failing(REDIS_DOWN))
    await asyncio.sleep(20)
    assert len(world.told("TrafficUnconfirmed")) == 5


@virtual
async def test_a_clock_that_is_set_back_silences_nothing() -> None:
    world = SmallWorld()
    await world.begun(guardrails=SELDOM)
    world.redis.fates.always["read"] = failing(REDIS_DOWN)
    await asyncio.sleep(10)
    world.skew = -86400.0
    await asyncio.sleep(700)
    assert len(world.told("TrafficUnconfirmed")) == 3


@virtual
async def test_a_spec_that_becomes_unusable_is_told_of() -> None:
    world = SmallWorld()
    await world.begun()
    world.api.apply(spec(guardrails=[{**GUARDRAIL, "query": "sum("}]))
    await asyncio.sleep(10)
    world.api.apply(spec(guardrails=[]))
    await asyncio.sleep(10)
    assert [event.reason for event in world.api.posted[-2:]] == ["InvalidQuery", "InvalidSpec"]
    assert all(event.warning for event in world.api.posted[-2:])


@virtual
async def test_an_object_that_never_began_is_told_why() -> None:
    world = SmallWorld()
    world.start()
    world.api.apply(spec(guardrails=[]))
    await asyncio.sleep(10)
    (event,) = world.api.posted
    assert event.reason == "InvalidSpec"
    assert "guardrails" in event.message


@virtual
async def test_annotations_that_are_no_verbs_are_told_of_once_however_many() -> None:
    world = SmallWorld()
    await world.begun()
    for number in range(100):
        world.api.annotate(f"nonsense-{number:02}", "x" * 100)
    await asyncio.sleep(60)
    told = world.told("UnknownVerb")
    assert len({event.message for event in told}) == len(told) <= 4
    assert "mlrollout.dev/nonsense-00, mlrollout.dev/nonsense-01, mlrollout.dev/nonsense-02, …" in told[-1].message
    assert "verbs are approve, demote, pause" in told[-1].message


@virtual
async def test_a_value_of_a_megabyte_is_acted_on_and_cut() -> None:
    world = SmallWorld()
    await world.begun()
    world.api.annotate("rollback", "because " * 125_000)
    await asyncio.sleep(5)
    assert world.redis.percentage == "0"
    assert world.api.objects[REF]["metadata"]["annotations"] == {}
    assert max(len(event.message) for event in world.api.posted) < 1000
    assert world.reasons().count("ManualRollback") == 1
    assert "VerbRefused" not in world.reasons()


@virtual
async def test_one_piece_of_news_is_one_line_of_the_log() -> None:
    world = SmallWorld()
    await world.begun()
    with structlog.testing.capture_logs() as logs:
        world.api.annotate("pause", "lunch")
        await asyncio.sleep(3)
        world.prometheus.value = 0.2
        await asyncio.sleep(10)
    told = [(entry["log_level"], entry["event"], entry["reason"]) for entry in logs]
    assert told == [
        ("info", "the rollout is paused: lunch", "Paused"),
        ("warning", "Traffic was taken down", "GuardrailBreached"),
    ]
    assert "0.2 is above max 0.05" in logs[-1]["explanation"]


@virtual
async def test_a_leader_that_took_nothing_down_itself_logs_the_rollback_as_a_warning() -> None:
    world = SmallWorld()
    leader = await world.begun()
    world.start(leads=False)
    await asyncio.sleep(3)
    leader.operator.tracked_objects[REF].measured.histories.clear()
    with structlog.testing.capture_logs() as logs:
        world.prometheus.value = 0.2
        await asyncio.sleep(65)
    (line,) = (entry for entry in logs if entry.get("reason") == "RolledBack")
    assert (line["log_level"], line["percentage"]) == ("warning", 0)
    assert "10 % -> 0 %: guardrail errors" in line["event"]


@virtual
async def test_what_a_person_has_to_mend_is_logged_when_it_begins_and_every_five_minutes() -> None:
    world = SmallWorld()
    await world.begun(guardrails=SELDOM)
    other = Ref("dispatch", "other")
    with structlog.testing.capture_logs() as logs:
        world.api.apply(spec(guardrails=[{**GUARDRAIL, "query": "sum("}]))
        world.api.apply(spec(), other)
        await asyncio.sleep(400)
    for reason, ref in (("InvalidQuery", REF), ("KeyConflict", other)):
        lines = [entry for entry in logs if entry.get("reason") == reason]
        assert [(line["log_level"], line["object"]) for line in lines] == [("warning", str(ref))] * 2


async def _asked(world: SmallWorld) -> None:
    world.api.annotate("rollback", "it is bad")


async def _stopped(world: SmallWorld) -> None:
    world.redis.set_by_hand("0")


async def _blind(world: SmallWorld) -> None:
    world.prometheus.fates.always["query"] = failing(SourceError("Prometheus is away"))


@pytest.mark.parametrize(
    ("happens", "cause"),
    [(_asked, "ManualRollback"), (_stopped, "EmergencyStop"), (_blind, "EvidenceMissing")],
    ids=["asked for", "stopped in Redis", "evidence missing"],
)
@virtual
async def test_a_rollback_is_one_event_whatever_its_cause(
    happens: Callable[[SmallWorld], Awaitable[None]], cause: str
) -> None:
    world = SmallWorld()
    await world.begun(guardrails=[{**GUARDRAIL, "onError": {"action": "Rollback", "after": "5s"}}])
    await happens(world)
    await asyncio.sleep(30)
    assert world.reasons()[-2:] == [cause, "RolledBack"]
    assert len(world.told("RolledBack")) == 1
    assert [event for event in world.told(cause) if event.unique] == []


@virtual
async def test_who_takes_over_logs_nothing_again_and_a_line_of_the_history_has_its_time() -> None:
    world = SmallWorld()
    first = await world.begun()
    with structlog.testing.capture_logs() as logs:
        world.api.annotate("pause", "lunch")
        await asyncio.sleep(3)
        await first.end()
        world.start()
        await asyncio.sleep(30)
    (line,) = (entry for entry in logs if entry.get("reason") == "Paused")
    assert line["at"].startswith("2027-01-15T08:0")
    assert not [entry for entry in logs if entry.get("reason") == "StageAdvanced"]
