"""From a scrape target's life and death to a verdict, through a real Prometheus."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass

import pytest
from mlrollout.adapters.prometheus import PrometheusSource
from mlrollout.api.guardrail import Guardrail, MinSamples
from mlrollout.api.threshold import ThresholdGuardrail
from mlrollout.evidence.checks.kinds import check_of
from mlrollout.evidence.measurement import Held, Measurement, Verdict
from mlrollout.runtime.measuring import measure

from devstack.prometheus_server import PrometheusServer, ScrapeJob
from tests.support.target import target

DEADLINE = 20.0


class Clock:
    """This machine's wall clock."""

    def now(self) -> float:
        return time.time()


@dataclass
class Observer:
    """Looks at a guardrail the way the operator does."""

    source: PrometheusSource

    async def look(self, guardrail: Guardrail, stood: float = 86400.0) -> Measurement:
        return await measure(check_of(guardrail), self.source, since=time.time() - stood, clock=Clock())

    async def until(
        self, guardrail: Guardrail, verdict: Verdict, said: str = "", meanwhile: Callable[[], object] = lambda: None
    ) -> Measurement:
        while True:
            meanwhile()
            measurement = await self.look(guardrail)
            if measurement.verdict is verdict and said in measurement.message:
                return measurement
            await asyncio.sleep(0.05)


JOBS = ("dying", "dated", "busy", "dire", "failing", "app", "front", "nightly", "late", "slow", "shared")


@pytest.fixture(scope="module")
def server() -> Iterator[PrometheusServer]:
    with PrometheusServer(jobs=[*map(ScrapeJob, JOBS), ScrapeJob("slower", "3s")]) as running:
        yield running


@pytest.fixture
async def observer(server: PrometheusServer) -> AsyncIterator[Observer]:
    source = PrometheusSource(server.url)
    yield Observer(source)
    await source.close()


async def test_a_dead_target_is_no_data_while_its_rate_still_answers(
    server: PrometheusServer, observer: Observer
) -> None:
    guardrail = ThresholdGuardrail(name="load", query="sum(rate(dying_total[$window]))", max=100)
    with target("dying_total 5") as app:
        server.set_targets("dying", [app.address])
        await observer.until(guardrail, Verdict.PASS)
    measurement = await observer.until(guardrail, Verdict.NO_DATA)
    assert measurement.value == 0
    assert "(window 5m), but `dying_total` has gone silent: its targets are gone" in measurement.message


async def test_a_target_that_repeats_an_old_sample_is_no_data_by_its_age(
    server: PrometheusServer, observer: Observer
) -> None:
    guardrail = ThresholdGuardrail(name="load", query="sum(increase(dated_total[10m]))", max=100)
    patient = guardrail.model_copy(update={"max_age": 600.0})
    newest = int(time.time()) - 150
    with target(f"dated_total 1 {newest - 10}000") as app:
        server.set_targets("dated", [app.address])
        await observer.until(patient.model_copy(update={"query": "dated_total"}), Verdict.PASS)
        app.text = f"dated_total 2 {newest}000"
        assert (await observer.until(patient, Verdict.PASS)).reach == 600
        measurement = await observer.look(guardrail)
    assert measurement.verdict is Verdict.NO_DATA
    assert "but the newest sample of `dated_total` was taken 2m3" in measurement.message


async def test_traffic_is_no_data_then_too_little_then_enough(server: PrometheusServer, observer: Observer) -> None:
    guardrail = ThresholdGuardrail(
        name="error-rate",
        query='(sum(rate(busy_total{status="failure"}[1m])) or vector(0)) / sum(rate(busy_total[1m]))',
        max=0.05,
        min_samples=MinSamples(count=1000, query="sum(increase(busy_total[1m]))"),
    )
    with target("") as app:
        server.set_targets("busy", [app.address])
        assert (
            "`busy_total` has no sample, as far back as this guardrail looks: check its name"
            in (await observer.look(guardrail)).message
        )
        app.text = 'busy_total{status="success"} 0'
        await observer.until(guardrail, Verdict.NO_DATA, "the query's answer is NaN")
        app.text = 'busy_total{status="success"} 10'
        few = await observer.until(guardrail, Verdict.INCONCLUSIVE)
        app.text = 'busy_total{status="success"} 5000'
        enough = await observer.until(guardrail, Verdict.PASS)
    assert "samples), but at least 1000 samples are needed" in few.message
    assert enough.message.startswith("0 is within max 0.05 (window 1m, ")


async def test_bad_traffic_is_too_little_before_it_is_a_breach(server: PrometheusServer, observer: Observer) -> None:
    guardrail = ThresholdGuardrail(
        name="error-rate",
        query='sum(rate(dire_total{status="failure"}[1m])) / sum(rate(dire_total[1m]))',
        max=0.05,
        min_samples=MinSamples(count=1000, query="sum(increase(dire_total[1m]))"),
    )
    with target('dire_total{status="failure"} 0') as app:
        server.set_targets("dire", [app.address])
        await observer.until(guardrail, Verdict.NO_DATA, "the query's answer is NaN")
        app.text = 'dire_total{status="failure"} 10'
        few = await observer.until(guardrail, Verdict.INCONCLUSIVE)
        assert few.held is Held.FEW
        assert few.message.startswith("1 is above max 0.05 (window 1m, ")
        assert few.message.endswith("samples), but at least 1000 samples are needed")
        uncounted = guardrail.model_copy(update={"min_samples": MinSamples(count=1, query="sum(rate(dire_total)")})
        failed = await observer.look(uncounted)
        assert (failed.verdict, failed.held, failed.refused) == (Verdict.ERROR, Held.UNCOUNTED, True)
        app.text = 'dire_total{status="failure"} 5000'
        await observer.until(guardrail, Verdict.BREACH)


async def test_a_bad_value_is_a_breach_with_its_figures(server: PrometheusServer, observer: Observer) -> None:
    guardrail = ThresholdGuardrail(name="error-rate", query="failing_rate", max=0.05)
    with target("failing_rate 0.01") as app:
        server.set_targets("failing", [app.address])
        healthy = await observer.until(guardrail, Verdict.PASS)
        assert 0 <= healthy.reach < guardrail.max_age
        app.text = "failing_rate 0.0712345"
        breach = await observer.until(guardrail, Verdict.BREACH)
    assert breach.message == "0.07123 is above max 0.05"


# --- what was asked is what is judged --------------------------------------------------------

RATE = "sum(rate(app_err_total[$window])) / sum(rate(req_total[$window]))"
FALLBACK = "(sum(rate(app_err_total[$window])) or vector(0)) / sum(rate(req_total[$window]))"


@pytest.mark.parametrize("query", [RATE, FALLBACK, "sum(increase(app_err_total[$window])) or vector(0)"])
async def test_a_target_that_dies_beside_one_that_lives_is_no_data_and_never_fewer_errors(
    server: PrometheusServer, observer: Observer, query: str
) -> None:
    guardrail = ThresholdGuardrail(name="errors", query=query, max=100, window=30.0)
    with target("app_err_total 5") as app, target("req_total 100") as front:
        server.set_targets("app", [app.address])
        server.set_targets("front", [front.address])
        await observer.until(guardrail, Verdict.PASS, meanwhile=front.count("req_total"))
        app.close()
        measurement = await observer.until(guardrail, Verdict.NO_DATA, meanwhile=front.count("req_total"))
        assert "`app_err_total` has gone silent: its targets are gone" in measurement.message
        assert (await observer.look(guardrail)).verdict is Verdict.NO_DATA


async def test_a_dead_target_is_remembered_though_others_of_its_job_live(
    server: PrometheusServer, observer: Observer
) -> None:
    query = "(sum(rate(shared_err_total[$window])) or vector(0)) / sum(rate(shared_req_total[$window]))"
    guardrail = ThresholdGuardrail(name="errors", query=query, max=100, window=4.0, max_age=2.0, interval=1.0)
    with target("shared_err_total 5") as app, target("shared_req_total 100") as front, target("") as new:
        server.set_targets("shared", [app.address, front.address])
        grow = front.count("shared_req_total")
        await observer.until(guardrail, Verdict.PASS, meanwhile=grow)
        app.close()
        await observer.until(guardrail, Verdict.NO_DATA, "has gone silent", grow)
        while server.query("present_over_time(shared_err_total[7s])"):
            grow()
            await asyncio.sleep(0.1)
        measurement = await observer.look(guardrail)
        assert measurement.verdict is Verdict.NO_DATA
        assert "`shared_err_total` has gone silent" in measurement.message
        # Replaced, it is what the fallback says: the new one has had no error yet.
        server.set_targets("shared", [new.address, front.address])
        await observer.until(guardrail, Verdict.PASS, meanwhile=grow)


async def test_a_target_that_stays_down_is_no_data_for_longer_than_its_series_are_seen(
    server: PrometheusServer, observer: Observer
) -> None:
    """And once it is back without the counter, the fallback speaks for that."""
    guardrail = ThresholdGuardrail(name="errors", query=FALLBACK.replace("app_err", "gone_err"), max=100, window=2.0)
    guardrail = guardrail.model_copy(update={"max_age": 1.0, "interval": 1.0})
    with target("gone_err_total 5") as app, target("req_total 100") as front:
        server.set_targets("dying", [app.address])
        server.set_targets("front", [front.address])
        count = front.count("req_total")
        await observer.until(guardrail, Verdict.PASS, meanwhile=count)
        app.close()
        await observer.until(guardrail, Verdict.NO_DATA, meanwhile=count)
        while server.query("present_over_time(gone_err_total[4s])"):
            count()
            await asyncio.sleep(0.1)
        measurement = await observer.look(guardrail)
        assert (measurement.verdict, "`gone_err_total` has gone silent" in measurement.message) == (
            Verdict.NO_DATA,
            True,
        )
        with target("other 1") as back:
            server.set_targets("dying", [back.address])
            await observer.until(guardrail, Verdict.PASS, meanwhile=count)


async def test_one_target_of_two_that_dies_is_no_loss(server: PrometheusServer, observer: Observer) -> None:
    guardrail = ThresholdGuardrail(name="load", query="sum(rate(app_total[$window]))", max=100)
    with target("app_total 5") as one, target("app_total 5") as other:
        server.set_targets("app", [one.address, other.address])
        await observer.until(guardrail.model_copy(update={"query": "count(app_total)", "min": 2}), Verdict.PASS)
        one.close()
        await observer.until(guardrail.model_copy(update={"query": "count(app_total)", "max": 1}), Verdict.PASS)
        await observer.until(guardrail, Verdict.PASS)


async def test_an_application_that_exports_nothing_never_passes_whatever_the_fallback(
    server: PrometheusServer, observer: Observer
) -> None:
    for query in (
        "sum(rate(exported_nowhere_total[$window])) or vector(0)",
        "sum(rate(exported_nowhere_total[$window])) or on() vector(0)",
        "(sum(rate(exported_nowhere_total[$window])) or vector(0)) / (sum(rate(nor_this_total[$window])) or vector(1))",
        "clamp_min(sum(exported_nowhere) or vector(0), 0)",
        "absent(exported_nowhere) * 0 or vector(0)",
        "count(ALERTS{alertname='exported_nowhere'}) or vector(0)",
        "sum(exported_nowhere) == bool 1 or vector(0)",
        "sum(vector(1) > bool scalar(exported_nowhere))",
    ):
        measurement = await observer.look(ThresholdGuardrail(name="errors", query=query, max=0))
        assert (measurement.verdict, "has no sample, as far back as this guardrail looks" in measurement.message) == (
            Verdict.NO_DATA,
            True,
        ), query


async def test_an_error_counter_that_was_never_born_is_what_its_fallback_says_beside_requests(
    server: PrometheusServer, observer: Observer
) -> None:
    query = "(sum(rate(never_failed_total[$window])) or vector(0)) / sum(rate(asked_total[$window]))"
    guardrail = ThresholdGuardrail(name="errors", query=query, max=0.05)
    with target("asked_total 1") as app:
        server.set_targets("app", [app.address])
        await observer.until(guardrail, Verdict.PASS, meanwhile=app.count("asked_total"))
    without = guardrail.model_copy(update={"query": query.replace(" or vector(0)", "")})
    assert (
        "`never_failed_total` has no sample, as far back as this guardrail looks"
        in (await observer.look(without)).message
    )


async def test_samples_are_counted_by_what_lives_too(server: PrometheusServer, observer: Observer) -> None:
    counted = MinSamples(count=1, query="sum(increase(counted_nowhere_total[1m])) or vector(5)")
    guardrail = ThresholdGuardrail(name="errors", query="max(good_total)", max=100, min_samples=counted)
    with target("good_total 1") as app:
        server.set_targets("app", [app.address])
        measurement = await observer.until(guardrail, Verdict.NO_DATA, "minSamples.query")
    assert (
        "minSamples.query: `counted_nowhere_total` has no sample, as far back as this guardrail looks"
        in measurement.message
    )


async def test_errors_divided_by_no_errors_are_a_breach(server: PrometheusServer, observer: Observer) -> None:
    guardrail = ThresholdGuardrail(name="errors", query="treatment_errors / control_errors", max=1.5)
    with target("treatment_errors 3\ncontrol_errors 0") as app:
        server.set_targets("app", [app.address])
        breach = await observer.until(guardrail, Verdict.BREACH)
        app.text = "treatment_errors 0\ncontrol_errors 0"
        await observer.until(guardrail, Verdict.NO_DATA, "answer is NaN")
    assert breach.message == "+Inf is above max 1.5"


async def test_what_is_measured_seldom_is_as_fresh_as_its_max_age_says(
    server: PrometheusServer, observer: Observer
) -> None:
    """Ten minutes old, which no instant selector finds any more."""
    guardrail = ThresholdGuardrail(name="auc", query="last_over_time(nightly_auc[1h])", min=0.7, max_age=3600.0)
    offset = ThresholdGuardrail(name="late", query="avg_over_time(nightly_auc[5m] offset 8m)", min=0.7, max_age=900.0)
    with target(f"nightly_auc 0.9 {int(time.time()) - 600}000") as job:
        server.set_targets("nightly", [job.address])
        assert (await observer.until(guardrail, Verdict.PASS)).reach == 3600
        await observer.until(offset, Verdict.PASS)
        strict = guardrail.model_copy(update={"max_age": 540.0})
        measurement = await observer.look(strict)
    assert measurement.verdict is Verdict.NO_DATA
    assert "`nightly_auc` has had no sample for 9m: is its target scraped?" in measurement.message


async def test_what_shows_the_past_may_have_ended_within_its_max_age(
    server: PrometheusServer, observer: Observer
) -> None:
    guardrail = ThresholdGuardrail(name="auc", query="last_over_time(batch_auc[1m])", min=0.7, max_age=60.0)
    with target("batch_auc 0.9") as job:
        server.set_targets("nightly", [job.address])
        await observer.until(guardrail, Verdict.PASS)
    gone = guardrail.model_copy(update={"query": "max(batch_auc)"})
    await observer.until(gone, Verdict.NO_DATA, "`batch_auc` has gone silent")
    await observer.until(guardrail, Verdict.PASS)
    hasty = guardrail.model_copy(update={"max_age": 1.0, "interval": 1.0})
    await observer.until(hasty, Verdict.NO_DATA, "`batch_auc` has had no sample for 1s")


async def test_why_there_is_no_answer_is_said_as_it_is(server: PrometheusServer, observer: Observer) -> None:
    bucketed = 'lag_bucket{le="1"} 5\nlag_bucket{le="+Inf"} 9\nlag_sum 3\nlag_count 9\nother{a="b"} 1\n'
    quantile = "histogram_quantile(0.9, sum(rate(lag_bucket[1m])))"
    with target(bucketed) as app:
        server.set_targets("slow", [app.address])
        alive = ThresholdGuardrail(name="load", query="sum(rate(lag_count[1m]))", max=100)
        await observer.until(alive, Verdict.PASS)

        short = alive.model_copy(update={"query": "sum(rate(lag_count[100ms]))"})
        assert (
            "rate needs two samples of `lag_count`, and 100ms hold fewer: make the range, or the window, at least twice"
        ) in (await observer.look(short)).message
        young = alive.model_copy(update={"query": "sum(rate(lag_count[$window])) or vector(0)"})
        server.set_targets("slow", [])
        server.set_targets("slower", [app.address])
        await observer.until(alive.model_copy(update={"query": 'sum(rate(lag_count{job="slower"}[1m]))'}), Verdict.PASS)
        measurement = await observer.look(young, stood=2.0)
        assert measurement.verdict is Verdict.NO_DATA
        assert "the stage began 2s ago, and rate needs two samples of `lag_count` since: wait" in measurement.message
        lost = alive.model_copy(update={"query": quantile})
        assert "buckets without their label `le`; write `sum by (le) (…)`" in (await observer.look(lost)).message
        unpaired = alive.model_copy(update={"query": "lag_count / other"})
        assert "have no labels in common" in (await observer.look(unpaired)).message


async def test_what_the_server_knows_is_evidence_though_the_parser_does_not(
    server: PrometheusServer, observer: Observer
) -> None:
    guardrail = ThresholdGuardrail(name="level", query="holt_winters(level[10s], 0.5, 0.5)", max=100)
    with target("level 5") as app:
        server.set_targets("app", [app.address])
        passed = await observer.until(guardrail, Verdict.PASS)
        assert passed.reach == 10
        assert "read word by word" in passed.message
    await observer.until(guardrail, Verdict.NO_DATA, "`level` has gone silent")


@pytest.mark.parametrize("query", ["sum(rate(oops[5m])", "no_such_function(x)", "x default 0", 'sum(x{a=~"["})', "x["])
async def test_what_the_server_cannot_read_is_refused_in_its_words(observer: Observer, query: str) -> None:
    measurement = await observer.look(ThresholdGuardrail(name="broken", query=query, max=1))
    assert (measurement.verdict, measurement.refused) == (Verdict.ERROR, True)
    assert "refused the query: invalid parameter" in measurement.message


async def test_what_fails_only_now_is_not_refused_for_good(observer: Observer) -> None:
    measurement = await observer.look(
        ThresholdGuardrail(name="twice", query='label_replace(up, "x", "y", "z", "(")', max=1)
    )
    assert (measurement.verdict, measurement.refused) == (Verdict.ERROR, False)
