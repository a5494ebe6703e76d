"""Two installations that both lead an object find each other out; replicas of one never take each other for another."""

import asyncio
from typing import Any

import pytest
from mlrollout.api.status import Status
from mlrollout.domain.saving import COUNTED, REWORDED
from mlrollout.evidence.measurement import Measurement, Verdict
from mlrollout.ports import ConflictError, SourceError
from mlrollout.runtime.rivals import LASTS, LOST, Rivalry

from tests.pure.runtime.doubles import Prometheus
from tests.pure.runtime.fates import Act, failing
from tests.pure.runtime.notified import AUDIT, ONCALL, RISE, broken, config
from tests.pure.runtime.small_world import Place, SmallWorld
from tests.pure.runtime.specs import REF, spec
from tests.support.virtual_time import virtual


def _contested(place: Place) -> bool:
    return "mlrollout_contested{" in place.operator.metrics.render().decode()


def _told(world: SmallWorld, reason: str) -> bool:
    return any(event.reason == reason for event in world.api.posted)


async def _both(*installations: str) -> tuple[SmallWorld, list[Place]]:
    """Processes of these installations that all lead, and a rollout under way for two minutes."""
    world = SmallWorld()
    world.api.fates.always["save_status"] = _slow
    places = [world.start(installation=installation) for installation in installations]
    world.api.apply(spec())
    await asyncio.sleep(120)
    return world, places


@virtual
async def test_two_installations_are_told_in_both() -> None:
    world, places = await _both("one/mlrollout", "two/mlrollout")
    assert all(_contested(place) for place in places)
    assert _told(world, "SecondInstallation")
    condition = world.condition("Contested")
    assert condition["status"] == "True"
    assert condition["reason"] == "SecondInstallation"
    assert "the Leases one/mlrollout and two/mlrollout" in condition["message"]
    assert world.status["writtenBy"] in ("one/mlrollout", "two/mlrollout")


@virtual
async def test_once_one_of_them_is_gone_it_is_told_no_more() -> None:
    world, places = await _both("one/mlrollout", "two/mlrollout")
    await places[1].end()
    await asyncio.sleep(3 * LASTS)
    assert not _contested(places[0])
    assert world.condition("Contested") == {}
    assert world.status["writtenBy"] == "one/mlrollout"


@virtual
async def test_two_that_lead_in_one_installation_are_no_two_installations() -> None:
    world, places = await _both("one/mlrollout", "one/mlrollout")
    assert not any(_contested(place) for place in places)
    assert not _told(world, "SecondInstallation")


@virtual
async def test_an_older_version_that_names_nobody_is_no_other_installation() -> None:
    world, places = await _both("one/mlrollout", "")
    assert not _contested(places[0])
    assert not _told(world, "SecondInstallation")


@virtual
async def test_a_successor_is_not_taken_for_a_second() -> None:
    world = SmallWorld()
    first = await world.begun(installation="one/mlrollout")
    await first.end()
    second = world.start(installation="two/mlrollout")
    await asyncio.sleep(120)
    assert world.status["writtenBy"] == "two/mlrollout"
    assert not _contested(second)
    assert not _told(world, "SecondInstallation")


@virtual
async def test_one_that_loses_every_write_says_so() -> None:
    world = SmallWorld()
    place = await world.begun(installation="one/mlrollout")
    world.api.fates.always["save_status"] = failing(ConflictError("another version"))
    world.api.apply(spec(revision="two"))
    await world.until(lambda: _told(world, "StatusContested"), within=120)
    assert _contested(place)
    world.api.fates.always.clear()
    await asyncio.sleep(60)
    assert not _contested(place)
    assert REF in place.operator.tracked_objects


def test_some_writes_that_come_too_late_are_nothing_to_tell() -> None:
    rivalry = Rivalry("one/mlrollout")
    for _ in range(LOST - 1):
        rivalry.beaten()
    assert rivalry.alerts == ()
    rivalry.saved()
    rivalry.beaten()
    assert rivalry.alerts == ()


def _own_prometheus(place: Place) -> Prometheus:
    """A Prometheus that this process alone asks."""
    own = Prometheus(place.world.now)
    place.source = lambda *_: own  # type: ignore[method-assign]
    return own


def _last_look(place: Place) -> Measurement:
    last = place.operator.tracked_objects[REF].measured.histories["errors"].last
    assert last is not None
    return last


async def _slow(act: Act) -> Any:
    await asyncio.sleep(0.01)
    return act()


async def _writes_in(world: SmallWorld, seconds: float) -> int:
    before = len(world.api.writes)
    await asyncio.sleep(seconds)
    return len(world.api.writes) - before


BOTH = pytest.mark.parametrize(
    "installations",
    [("one/mlrollout", "two/mlrollout"), ("one/mlrollout", "one/mlrollout")],
    ids=["two installations", "two leaders of one"],
)


@BOTH
@virtual
async def test_of_two_that_saw_different_things_before_a_rollback_the_breach_is_shown(
    installations: tuple[str, str],
) -> None:
    """Nobody looks after it, so that each has its own last look for good."""
    world, places = await _both(*installations)
    _own_prometheus(places[0]).value = 0.2
    world.api.apply(spec(revision="two"))
    await world.until(lambda: world.redis.percentage == "0")
    await asyncio.sleep(30)
    assert await _writes_in(world, 60) == 0
    looks = [_last_look(place) for place in places]
    assert {look.verdict for look in looks} == {Verdict.PASS, Verdict.BREACH}
    (shown,) = Status.read({"status": world.status}).guardrails
    assert shown.finding == Verdict.BREACH
    assert world.condition("GuardrailsHealthy")["status"] == "False"


@BOTH
@virtual
async def test_what_was_breached_is_shown_though_another_could_not_see_it_a_moment_later(
    installations: tuple[str, str],
) -> None:
    world, places = await _both(*installations)
    own = _own_prometheus(places[1])
    world.api.apply(spec(revision="two"))
    await asyncio.sleep(60)
    own.fates.always["query"] = failing(SourceError("connection refused"))
    await broken(world)
    await asyncio.sleep(60)
    assert _last_look(places[1]).verdict is Verdict.ERROR
    (shown,) = Status.read({"status": world.status}).guardrails
    assert shown.finding == "Breach"
    assert await _writes_in(world, 60) == 0


@BOTH
@virtual
async def test_two_that_find_different_things_all_the_time_write_now_and_then(installations: tuple[str, str]) -> None:
    world, places = await _both(*installations)
    _own_prometheus(places[0]).fates.always["query"] = failing(SourceError("connection refused"))
    world.api.apply(spec(revision="two"))
    await asyncio.sleep(60)
    assert await _writes_in(world, 60) <= 4 * 60 / REWORDED  # each its findings, and the time that was healthy


@virtual
async def test_what_somebody_else_writes_over_it_is_put_right_though_nothing_else_happens() -> None:
    world = SmallWorld()
    await world.begun(installation="one/mlrollout")
    world.prometheus.value = 0.2
    await world.until(lambda: world.condition("Stalled"))
    await asyncio.sleep(1)
    world.api.edit_status({**world.status, "conditions": []})
    await world.until(lambda: world.condition("Stalled"), within=2 * REWORDED)


@virtual
async def test_what_a_guardrail_said_before_a_rollback_is_shown_by_a_successor_which_looks_no_more() -> None:
    world = SmallWorld()
    first = await world.begun()
    world.prometheus.value = 0.2
    await world.until(lambda: world.condition("Stalled"))
    await first.end()
    before = world.status["guardrails"]
    world.start()
    await asyncio.sleep(60)
    assert world.status["guardrails"] == before
    assert before[0]["finding"] == "Breach"


@virtual
async def test_what_a_clock_that_was_ahead_dates_later_than_now_makes_way() -> None:
    world = SmallWorld()
    first = await world.begun()
    (earlier,) = Status.read({"status": world.status}).guardrails
    await first.end()
    world.api.edit_status(
        {**world.status, "guardrails": [{**world.status["guardrails"][0], "at": "2099-01-01T00:00:00Z"}]}
    )
    world.start()
    await asyncio.sleep(60)
    (shown,) = Status.read({"status": world.status}).guardrails
    assert shown.at is not None
    assert earlier.at is not None
    assert earlier.at < shown.at <= world.now()


@virtual
async def test_two_that_notify_different_people_tell_all_of_them_and_write_now_and_then() -> None:
    world, places = await _both("one/mlrollout", "two/mlrollout")
    for place, name in zip(places, ("oncall", "audit"), strict=True):
        place.notifications = config(names=(name,))
    await asyncio.sleep(5)
    world.api.apply(spec(revision="two"))
    await asyncio.sleep(60)
    await broken(world)
    await asyncio.sleep(30)
    for url in (ONCALL, AUDIT):
        assert [topic for topic in world.phones.topics(url) if topic != "Alert"] == [*RISE, "RolledBack"]
    assert await _writes_in(world, 2 * COUNTED) <= 4


@virtual
async def test_one_that_tells_nobody_has_nobody_told_again_and_again() -> None:
    world, places = await _both("one/mlrollout", "two/mlrollout")
    places[1].notifications = config()
    await asyncio.sleep(5)
    world.api.apply(spec(revision="two"))
    await asyncio.sleep(600)
    before = [*world.phones.topics(ONCALL)]
    assert [topic for topic in before if topic != "Alert"] == RISE
    assert before.count("Alert") == 2, "once for each attempt"
    assert await _writes_in(world, 600) <= 600 / REWORDED
    await broken(world)
    await asyncio.sleep(30)
    assert await _writes_in(world, 2 * COUNTED) <= 4
    assert world.phones.topics(ONCALL) == [*before, "RolledBack"]
