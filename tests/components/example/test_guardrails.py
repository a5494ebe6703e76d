"""The example's guardrails, asked of a Prometheus that reads the application."""

import math
from typing import Any

import pytest
import yaml
from mlrollout.api.rate import RateGuardrail
from mlrollout.api.spec import Requirement, Spec
from mlrollout.api.threshold import ThresholdGuardrail
from mlrollout.evidence.promql.query import Query

from devstack.demo.application import EXAMPLE
from devstack.prometheus_server import PrometheusServer
from tests.components.example.place import BAD, Place, eventually

WINDOW = 3.0
OTHERS = {"average-score", "response-time-p95"}

each_file = pytest.mark.parametrize("file", ["rollout.yaml", "rollout-production.yaml"])


Known = ThresholdGuardrail | RateGuardrail


def guardrails(file: str) -> list[Known]:
    found = Spec.model_validate(yaml.safe_load((EXAMPLE / file).read_text())["spec"]).guardrails
    known = [guardrail for guardrail in found if isinstance(guardrail, Known)]
    assert len(known) == len(found)
    return known


def number(prometheus: PrometheusServer, promql: str) -> float:
    """The answer, NaN where there is none."""
    found: list[dict[str, Any]] = prometheus.query(promql)
    return float(found[0]["value"][1]) if found else math.nan


def value(prometheus: PrometheusServer, guardrail: Known) -> float:
    """What the guardrail is about, over the last seconds: its query's answer, or its share of bad events."""
    if isinstance(guardrail, ThresholdGuardrail):
        return number(prometheus, Query.parse(guardrail.query).render(WINDOW))
    bad, every = (f"sum(rate({selector}[{WINDOW:g}s]))" for selector in (guardrail.rate.bad, guardrail.rate.all))
    return number(prometheus, f"({bad} or vector(0)) / {every}")


def inside(guardrail: Known, seen: float) -> bool:
    """Whether a value is inside the limits, which NaN is not."""
    limits = (
        guardrail if isinstance(guardrail, ThresholdGuardrail) else Requirement(guardrail="x", max=guardrail.rate.max)
    )
    return (limits.min is None or seen >= limits.min) and (limits.max is None or seen <= limits.max)


def passing(prometheus: PrometheusServer, file: str) -> set[str]:
    """The guardrails whose value is inside their limits."""
    return {one.name for one in guardrails(file) if inside(one, value(prometheus, one))}


def treated(prometheus: PrometheusServer) -> float:
    """Requests per second in treatment."""
    return number(prometheus, f'sum(rate(ml_dispatch_total{{group="treatment"}}[{WINDOW:g}s]))')


def test_without_treatment_traffic_there_is_no_number(busy: Place, prometheus: PrometheusServer) -> None:
    eventually(lambda: number(prometheus, f"sum(rate(ml_dispatch_total[{WINDOW:g}s]))") > 0, "traffic in control")
    eventually(lambda: treated(prometheus) == 0, "no traffic in treatment")

    assert all(math.isnan(value(prometheus, guardrail)) for guardrail in guardrails("rollout.yaml"))


@each_file
def test_the_good_model_passes(busy: Place, prometheus: PrometheusServer, file: str) -> None:
    busy.put(100)

    every = {guardrail.name for guardrail in guardrails(file)}
    eventually(lambda: passing(prometheus, file) == every, f"{every} to pass")


@each_file
def test_the_bad_model_breaches_what_is_about_failures(busy: Place, prometheus: PrometheusServer, file: str) -> None:
    busy.begin(BAD)
    busy.put(100)

    eventually(lambda: passing(prometheus, file) == OTHERS, f"only {OTHERS} to pass")


@each_file
def test_the_samples_are_the_requests_of_treatment(busy: Place, prometheus: PrometheusServer, file: str) -> None:
    busy.put(100)
    counts = [guardrail.min_samples for guardrail in guardrails(file) if guardrail.min_samples]
    queries = {Query.parse(count.query).render(WINDOW) for count in counts if count.query}

    assert len(queries) == 1
    eventually(lambda: number(prometheus, queries.copy().pop()) > 100, "more than 100 samples")
