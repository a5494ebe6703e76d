"""What Prometheus makes of the metrics of a process that has just started."""

import math
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from mlrollout.api.spec import Spec
from mlrollout.api.threshold import ThresholdGuardrail
from mlrollout.evidence.promql.query import Query

from devstack.prometheus_server import PrometheusServer
from tests.components.assignment.metered import Metered
from tests.components.assignment.place import until

ROLLOUT = Path(__file__).parents[3] / "examples/ml-dispatch/rollout.yaml"
WINDOW = 120.0
FAILURES = 'ml_dispatch_total{group="treatment",status="failure"}'


@pytest.fixture
def metered() -> Iterator[Metered]:
    with Metered() as server:
        yield server


@pytest.fixture
def prometheus(metered: Metered) -> Iterator[PrometheusServer]:
    """One that has scraped the process before anything was called."""
    with PrometheusServer() as server:
        server.set_targets("app", [metered.address])
        until(lambda: answer(server, FAILURES) == 0, "a first scrape")
        yield server


def answer(prometheus: PrometheusServer, promql: str) -> float:
    """The one number, NaN where there is none."""
    found = prometheus.query(promql)
    return float(found[0]["value"][1]) if found else math.nan


def test_the_first_error_of_a_process_is_seen(metered: Metered, prometheus: PrometheusServer) -> None:
    metered.call("treatment", "failure")

    until(lambda: answer(prometheus, f"increase({FAILURES}[{WINDOW:g}s])") > 0, "an increase")
    assert answer(prometheus, f"rate({FAILURES}[{WINDOW:g}s])") > 0


def test_the_guardrails_of_the_example_answer(metered: Metered, prometheus: PrometheusServer) -> None:
    guardrails = Spec.model_validate(yaml.safe_load(ROLLOUT.read_text())["spec"]).guardrails
    thresholds = [guardrail for guardrail in guardrails if isinstance(guardrail, ThresholdGuardrail)]
    assert len(thresholds) == len(guardrails)
    queries = {guardrail.name: Query.parse(guardrail.query).render(WINDOW) for guardrail in thresholds}
    assert all(math.isnan(answer(prometheus, query)) for query in queries.values()), "nothing was called yet"

    for number in range(40):
        metered.call("treatment", "failure" if number % 4 == 0 else "success")
        metered.call("control", "failure")
    until(
        lambda: answer(prometheus, "ml_dispatch_response_time_seconds_count") >= 40, "a scrape of all that was called"
    )
    found = {name: answer(prometheus, query) for name, query in queries.items()}

    assert found["error-rate"] == pytest.approx(0.25)
    assert found["success-rate"] == pytest.approx(0.75)
    assert found["average-score"] == pytest.approx(0.75)
    assert 0 < found["response-time-p95"] <= 5
    assert answer(prometheus, 'ml_dispatch_error_rate{group="treatment"}') == 0.25
