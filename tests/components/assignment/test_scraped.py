"""What Prometheus makes of the metrics of a process that has just started."""

import math
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from mlrollout.api.compare import CompareGuardrail
from mlrollout.api.rate import RateGuardrail
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
    guardrails = {one.name: one for one in Spec.model_validate(yaml.safe_load(ROLLOUT.read_text())["spec"]).guardrails}
    errors, slow, score = (guardrails.pop(name) for name in ("errors", "slow", "average-score"))
    assert isinstance(errors, CompareGuardrail)
    assert isinstance(slow, RateGuardrail)
    assert isinstance(score, ThresholdGuardrail)
    assert not guardrails
    average = Query.parse(score.query).render(WINDOW)
    assert math.isnan(answer(prometheus, average)), "nothing was called yet"
    counters = (errors.compare.bad, errors.compare.all, slow.rate.histogram)
    assert [answer(prometheus, f"sum({one})") for one in counters] == [0, 0, 0], "every series is there from the start"

    for number in range(40):
        metered.call("treatment", "failure" if number % 4 == 0 else "success")
        metered.call("control", "failure")
    until(
        lambda: answer(prometheus, "ml_dispatch_response_time_seconds_count") >= 40, "a scrape of all that was called"
    )

    assert by(prometheus, "group", errors.compare.bad) == {"treatment": 10, "control": 0}
    assert by(prometheus, "group", errors.compare.all) == {"treatment": 40, "control": 40}
    assert by(prometheus, "le", slow.rate.histogram)["+Inf"] == 40
    assert slow.rate.above in {edge.removesuffix(".0") for edge in by(prometheus, "le", slow.rate.histogram)}
    assert answer(prometheus, average) == pytest.approx(0.75)
    assert answer(prometheus, 'ml_dispatch_error_rate{group="treatment"}') == 0.25


def by(prometheus: PrometheusServer, label: str, counter: str | None) -> dict[str, float]:
    """What a selector's counters stand at, by a label."""
    found = prometheus.query(f"sum by ({label}) ({counter})")
    return {one["metric"][label]: float(one["value"][1]) for one in found}
