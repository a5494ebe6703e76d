"""An operator that lives is never missed, whatever goes on; one that has died is, wherever it would have written."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from mlrollout.api import moment
from mlrollout.evidence.statistics.counting.series import Series
from mlrollout.glance.silence import silence
from mlrollout.ports import Object, Ref, SourceError, TrafficError

from tests.pure.runtime.fates import failing
from tests.pure.runtime.small_world import SmallWorld
from tests.pure.runtime.specs import GUARDRAIL, REF, stage
from tests.support.virtual_time import virtual

HOURS = 1
RATE: dict[str, Any] = {"name": "errors", "rate": {"bad": "bad_total", "all": "all_total", "max": 0.05}}
QUERY = {**GUARDRAIL, "interval": "15s", "maxAge": "2m"}
STAGES = (stage("pilot", 10, "10m"), {**stage("full", 100, "10m"), "approval": "Manual"})


class Watched:
    """A world in which it is known when the status was written."""

    def __init__(self) -> None:
        self.world = SmallWorld()
        self.written = 0.0
        stored = self.world.api.server.stored

        def heard(by: str, ref: Ref, what: str, before: Object, after: Object) -> None:
            if what == "status":
                self.written = self.world.now()
            stored(by, ref, what, before, after)

        self.world.api.server.stored = heard  # type: ignore[method-assign]

    def silence(self) -> float | None:
        found = self.world.api.objects[REF]
        managed = [{"subresource": "status", "time": moment.to_second(self.written)}]
        return silence({**found, "metadata": {**found["metadata"], "managedFields": managed}}, self.world.now())

    async def live(self, hours: float = HOURS) -> None:
        for _ in range(round(hours * 60)):
            await asyncio.sleep(60)
            assert self.silence() is None, self.world.condition("Ready")


def nothing(_: SmallWorld) -> None:
    """All is well."""


def pause(world: SmallWorld) -> None:
    world.api.annotate("pause", "freeze")


def roll_back(world: SmallWorld) -> None:
    world.api.annotate("rollback", "enough")


def approve(world: SmallWorld) -> None:
    world.api.annotate("approve", "fine")


def lose_prometheus(world: SmallWorld) -> None:
    world.prometheus.fates.always["query"] = failing(SourceError("it can't be reached"))


def lose_redis(world: SmallWorld) -> None:
    away = failing(TrafficError("it can't be reached"))
    world.redis.fates.always |= dict.fromkeys(("read", "read_many"), away)


@pytest.mark.parametrize(
    ("happens", "reason", "missed"),
    [
        (nothing, "AwaitingApproval", True),
        (approve, "Completed", True),
        (pause, "Paused", True),
        (lose_redis, "TrafficUnconfirmed", True),
        (lose_prometheus, "GuardrailsUnknown", False),
        (roll_back, "ManualRollback", False),
    ],
)
@pytest.mark.parametrize("interval", ["15s", "5m"])
@virtual
async def test_with_evidence_that_is_counted(
    happens: Callable[[SmallWorld], None], reason: str, interval: str, *, missed: bool
) -> None:
    watched = Watched()
    lasting = {"onError": {"after": "720h"}, "interval": interval, "maxAge": "10m"}
    place = await watched.world.begun(guardrails=(RATE | lasting,), stages=STAGES)
    happens(watched.world)
    await watched.live()
    assert watched.world.condition("Ready")["reason"] == reason
    await place.end()
    await asyncio.sleep(3600)
    assert (watched.silence() is not None) == missed


@pytest.mark.parametrize(
    ("happens", "reason"),
    [(nothing, "AwaitingApproval"), (approve, "Completed"), (pause, "Paused")],
)
@virtual
async def test_with_evidence_that_is_not(happens: Callable[[SmallWorld], None], reason: str) -> None:
    watched = Watched()
    place = await watched.world.begun(guardrails=(QUERY,), stages=STAGES)
    happens(watched.world)
    await watched.live()
    assert watched.world.condition("Ready")["reason"] == reason
    await place.end()
    await asyncio.sleep(3600)
    assert watched.silence() is None


@pytest.mark.parametrize("guardrail", [RATE | {"interval": "15s"}, QUERY], ids=["counted", "not"])
@virtual
async def test_while_healthy_time_is_gained(guardrail: dict[str, Any]) -> None:
    watched = Watched()
    place = await watched.world.begun(guardrails=(guardrail,), stages=(stage("pilot", 10, "14d"), STAGES[1]))
    await watched.live()
    assert watched.world.condition("Ready")["reason"] == "Progressing"
    await place.end()
    await asyncio.sleep(360)
    assert watched.silence() is not None


@virtual
async def test_with_samples_that_have_gone() -> None:
    watched = Watched()
    place = await watched.world.begun(guardrails=(RATE | {"interval": "15s"},), stages=STAGES)
    watched.world.prometheus._counter = lambda *_: Series({"__name__": "x"}, ())  # type: ignore[method-assign]
    await watched.live(3 * HOURS)
    await place.end()
    await asyncio.sleep(3 * 3600)
    assert watched.silence() is not None
