"""From a scrape target's life and death to a verdict, through a real Prometheus."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import pytest
from mlrollout.adapters.prometheus import PrometheusSource
from mlrollout.api.spec import Guardrail, MinSamples
from mlrollout.domain.verdict import Finding, Verdict
from mlrollout.evidence.judge import Look, judge
from mlrollout.evidence.query import Query

from devstack.prometheus_server import PrometheusServer, ScrapeJob
from tests.support.target import target

DEADLINE = 20.0


@dataclass
class Observer:
    """Looks at a guardrail the way the operator does."""

    source: PrometheusSource

    async def look(self, guardrail: Guardrail) -> Verdict:
        query = Query.parse(guardrail.query)
        look = Look(guardrail, time.time(), query.reach(guardrail.window))
        newest, counting = query.newest(), guardrail.min_samples
        return judge(
            look,
            await self.source.query(query.render(guardrail.window), deadline=DEADLINE),
            newest=await self.source.query(newest, deadline=DEADLINE) if newest else None,
            samples=await self.source.query(counting.query, deadline=DEADLINE) if counting else None,
        )

    async def until(self, guardrail: Guardrail, finding: Finding, said: str = "") -> Verdict:
        while True:
            verdict = await self.look(guardrail)
            if verdict.finding is finding and said in verdict.message:
                return verdict
            await asyncio.sleep(0.05)


JOBS = ("dying", "dated", "busy", "failing")


@pytest.fixture(scope="module")
def server() -> Iterator[PrometheusServer]:
    with PrometheusServer(jobs=[ScrapeJob(name) for name in JOBS]) as running:
        yield running


@pytest.fixture
async def observer(server: PrometheusServer) -> AsyncIterator[Observer]:
    source = PrometheusSource(server.url)
    yield Observer(source)
    await source.close()


async def test_a_dead_target_is_no_data_while_its_rate_still_answers(
    server: PrometheusServer, observer: Observer
) -> None:
    guardrail = Guardrail(name="load", query="sum(rate(dying_total[$window]))", max=100)
    with target("dying_total 5") as app:
        server.set_targets("dying", [app.address])
        await observer.until(guardrail, Finding.PASS)
    verdict = await observer.until(guardrail, Finding.NO_DATA)
    assert verdict.value == 0
    assert "(window 5m), but none of its series has a sample any more: their targets are gone" in verdict.message


async def test_a_target_that_repeats_an_old_sample_is_no_data_by_its_age(
    server: PrometheusServer, observer: Observer
) -> None:
    guardrail = Guardrail(name="load", query="sum(increase(dated_total[10m]))", max=100)
    patient = guardrail.model_copy(update={"max_age": 600.0})
    newest = int(time.time()) - 150
    with target(f"dated_total 1 {newest - 10}000") as app:
        server.set_targets("dated", [app.address])
        await observer.until(patient.model_copy(update={"query": "dated_total"}), Finding.PASS)
        app.text = f"dated_total 2 {newest}000"
        assert (await observer.until(patient, Finding.PASS)).reach == 600
        verdict = await observer.look(guardrail)
    assert verdict.finding is Finding.NO_DATA
    assert "but its newest sample was taken 2m3" in verdict.message


async def test_traffic_is_no_data_then_too_little_then_enough(server: PrometheusServer, observer: Observer) -> None:
    guardrail = Guardrail(
        name="error-rate",
        query='(sum(rate(busy_total{status="failure"}[1m])) or vector(0)) / sum(rate(busy_total[1m]))',
        max=0.05,
        min_samples=MinSamples(count=1000, query="sum(increase(busy_total[1m]))"),
    )
    with target("") as app:
        server.set_targets("busy", [app.address])
        assert "no series matches it" in (await observer.look(guardrail)).message
        app.text = 'busy_total{status="success"} 0'
        await observer.until(guardrail, Finding.NO_DATA, "the query's answer is nan")
        app.text = 'busy_total{status="success"} 10'
        few = await observer.until(guardrail, Finding.INCONCLUSIVE)
        app.text = 'busy_total{status="success"} 5000'
        enough = await observer.until(guardrail, Finding.PASS)
    assert "samples), but at least 1000 samples are needed" in few.message
    assert enough.message.startswith("0 is within max 0.05 (window 1m, ")


async def test_a_bad_value_is_a_breach_with_its_figures(server: PrometheusServer, observer: Observer) -> None:
    guardrail = Guardrail(name="error-rate", query="failing_rate", max=0.05)
    with target("failing_rate 0.01") as app:
        server.set_targets("failing", [app.address])
        healthy = await observer.until(guardrail, Finding.PASS)
        assert 0 <= healthy.reach < guardrail.max_age
        app.text = "failing_rate 0.0712345"
        breach = await observer.until(guardrail, Finding.BREACH)
    assert breach.message == "0.07123 is above max 0.05"
