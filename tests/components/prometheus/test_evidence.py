"""From a scrape target's life and death to a verdict, through a real Prometheus."""

import time

import pytest
from mlrollout.api.guardrail import MinSamples
from mlrollout.api.threshold import ThresholdGuardrail
from mlrollout.evidence.measurement import Held, Verdict

from devstack.prometheus_server import PrometheusServer
from tests.components.prometheus.observer import Observer
from tests.support.target import target


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
