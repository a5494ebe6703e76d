"""What was asked is what is judged: every series that a query asks about has to live."""

import asyncio
import time

import pytest
from mlrollout.api.guardrail import MinSamples
from mlrollout.api.threshold import ThresholdGuardrail
from mlrollout.evidence.measurement import Verdict

from devstack.prometheus_server import PrometheusServer
from tests.components.prometheus.observer import Observer
from tests.support.target import target

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
