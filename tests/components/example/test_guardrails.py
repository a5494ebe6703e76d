"""The example's guardrails, asked of a Prometheus that reads the application, and judged by their own checks."""

import asyncio
import math
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import yaml
from mlrollout.adapters.prometheus import PrometheusSource
from mlrollout.api.guardrail import MinSamples
from mlrollout.api.sequential import SequentialGuardrail
from mlrollout.api.spec import Spec
from mlrollout.api.threshold import ThresholdGuardrail
from mlrollout.evidence.checks.check import Attempt
from mlrollout.evidence.checks.kinds import check_of
from mlrollout.evidence.measurement import Measurement, Verdict
from mlrollout.evidence.promql.query import Query
from mlrollout.runtime.measuring import measure

from devstack.demo.application import EXAMPLE
from devstack.prometheus_server import PrometheusServer
from tests.components.example.place import BAD, Place, eventually

WINDOW = 3.0
OTHERS = {"average-score", "slow", "very-slow"}
LATER = 60.0

each_file = pytest.mark.parametrize("file", ["rollout.yaml", "rollout-production.yaml"])
each_percentage = pytest.mark.parametrize("percentage", [30, 100])


Known = ThresholdGuardrail | SequentialGuardrail


class Clock:
    """This machine's wall clock."""

    def now(self) -> float:
        return time.time()


@pytest.fixture
async def source(prometheus: PrometheusServer) -> AsyncIterator[PrometheusSource]:
    made = PrometheusSource(prometheus.url)
    yield made
    await made.close()


def guardrails(file: str) -> list[Known]:
    """As they are written, but for how long the production ones wait for requests."""
    found = Spec.model_validate(yaml.safe_load((EXAMPLE / file).read_text())["spec"]).guardrails
    known = [one for one in found if isinstance(one, Known)]
    assert len(known) == len(found)
    return [one.model_copy(update={"interval": 1.0, "min_samples": _few(one.min_samples)}) for one in known]


def _few(samples: MinSamples | None) -> MinSamples | None:
    return None if samples is None else samples.model_copy(update={"count": 20})


async def judged(source: PrometheusSource, file: str, percentage: int) -> dict[str, Measurement]:
    """What each guardrail says once it has made up its mind, from now on."""
    began = time.time()
    attempt = Attempt(1, began, began, percentage)
    checks = {one.name: check_of(one) for one in guardrails(file)}
    found: dict[str, Measurement] = {}
    while len(found) < len(checks) and time.time() < began + LATER:
        for name, check in checks.items():
            now = await measure(check, source, since=began, clock=Clock(), attempt=attempt)
            done = now.verdict is Verdict.BREACH or (now.verdict is Verdict.PASS and (now.samples or 0) > 300)
            if done or name in found:
                found[name] = now
        await asyncio.sleep(0.5)
    return found


def verdicts(found: dict[str, Measurement], verdict: Verdict) -> set[str]:
    return {name for name, one in found.items() if one.verdict is verdict}


def number(prometheus: PrometheusServer, promql: str) -> float:
    """The answer, NaN where there is none."""
    found: list[dict[str, Any]] = prometheus.query(promql)
    return float(found[0]["value"][1]) if found else math.nan


def treated(prometheus: PrometheusServer) -> float:
    """Requests per second in treatment."""
    return number(prometheus, f'sum(rate(ml_dispatch_total{{group="treatment"}}[{WINDOW:g}s]))')


async def test_without_treatment_traffic_nothing_passes(
    busy: Place, prometheus: PrometheusServer, source: PrometheusSource
) -> None:
    eventually(lambda: number(prometheus, f"sum(rate(ml_dispatch_total[{WINDOW:g}s]))") > 0, "traffic in control")
    eventually(lambda: treated(prometheus) == 0, "no traffic in treatment")

    began = time.time() - 10
    attempt = Attempt(1, began, began, 10)
    checks = [check_of(one) for one in guardrails("rollout.yaml")]
    found = [await measure(one, source, since=began, clock=Clock(), attempt=attempt) for one in checks]
    assert {one.verdict for one in found} <= {Verdict.NO_DATA, Verdict.INCONCLUSIVE}


@each_file
@each_percentage
async def test_the_good_model_passes(busy: Place, source: PrometheusSource, file: str, percentage: int) -> None:
    busy.put(percentage)
    found = await judged(source, file, percentage)

    assert verdicts(found, Verdict.PASS) == {one.name for one in guardrails(file)}


@each_file
@each_percentage
async def test_the_bad_model_breaches_what_is_about_failures(
    busy: Place, source: PrometheusSource, file: str, percentage: int
) -> None:
    busy.begin(BAD)
    busy.put(percentage)
    found = await judged(source, file, percentage)

    assert verdicts(found, Verdict.BREACH) == {one.name for one in guardrails(file)} - OTHERS
    assert verdicts(found, Verdict.PASS) == {one.name for one in guardrails(file)} & OTHERS


@each_file
def test_the_samples_are_the_requests_of_treatment(busy: Place, prometheus: PrometheusServer, file: str) -> None:
    busy.put(100)
    counts = [guardrail.min_samples for guardrail in guardrails(file) if guardrail.min_samples]
    queries = {Query.parse(count.query).render(WINDOW) for count in counts if count.query}

    assert len(queries) == 1
    eventually(lambda: number(prometheus, queries.copy().pop()) > 100, "more than 100 samples")
