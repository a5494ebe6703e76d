"""The example's guardrails, asked of a Prometheus that reads the application."""

import math
from typing import Any

import pytest
import yaml
from mlrollout.api.spec import Spec
from mlrollout.api.threshold import ThresholdGuardrail
from mlrollout.evidence.promql.query import Query

from devstack.demo.application import EXAMPLE
from devstack.prometheus_server import PrometheusServer
from tests.components.example.place import BAD, Place, eventually

WINDOW = 3.0
OTHERS = {"average-score", "response-time-p95"}

each_file = pytest.mark.parametrize("file", ["rollout.yaml", "rollout-production.yaml"])


def guardrails(file: str) -> list[ThresholdGuardrail]:
    found = Spec.model_validate(yaml.safe_load((EXAMPLE / file).read_text())["spec"]).guardrails
    thresholds = [guardrail for guardrail in found if isinstance(guardrail, ThresholdGuardrail)]
    assert len(thresholds) == len(found)
    return thresholds


def number(prometheus: PrometheusServer, promql: str) -> float:
    """The answer, NaN where there is none."""
    found: list[dict[str, Any]] = prometheus.query(promql)
    return float(found[0]["value"][1]) if found else math.nan


def value(prometheus: PrometheusServer, guardrail: ThresholdGuardrail) -> float:
    """What the guardrail's query answers for the last seconds."""
    return number(prometheus, Query.parse(guardrail.query).render(WINDOW))


def passing(prometheus: PrometheusServer, file: str) -> set[str]:
    """The guardrails whose value is inside their limits, which NaN is not."""
    found = [(guardrail, value(prometheus, guardrail)) for guardrail in guardrails(file)]
    return {
        guardrail.name
        for guardrail, seen in found
        if (guardrail.min is None or seen >= guardrail.min) and (guardrail.max is None or seen <= guardrail.max)
    }


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
