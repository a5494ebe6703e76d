"""The metrics are those of the design document."""

import math
from itertools import product

import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from devstack.demo.application import DispatchApp
from tests.components.example.place import BAD, Place

GROUPS = ("control", "treatment")
REQUESTS = 40


def families(app: DispatchApp) -> dict[str, Metric]:
    return {family.name: family for family in text_string_to_metric_families(app.metrics())}


def series(metric: Metric, name: str, *labels: str) -> dict[tuple[str, ...], float]:
    """The values of the samples of that name by their labels, which must be just these."""
    samples = [sample for sample in metric.samples if sample.name == name]
    assert all(set(sample.labels) == set(labels) for sample in samples)
    return {tuple(sample.labels[label] for label in labels): sample.value for sample in samples}


def test_nothing_else_is_exported(quiet: Place) -> None:
    assert {(name, metric.type) for name, metric in families(quiet.app).items()} == {
        ("ml_dispatch", "counter"),
        ("ml_dispatch_score", "histogram"),
        ("ml_dispatch_response_time_seconds", "histogram"),
        ("ml_dispatch_error_rate", "gauge"),
    }


def test_every_combination_is_there_from_the_start(fresh: Place) -> None:
    found = families(fresh.app)

    counter = series(found["ml_dispatch"], "ml_dispatch_total", "status", "group")
    assert counter == dict.fromkeys(product(("success", "failure"), GROUPS), 0.0)
    error_rate = series(found["ml_dispatch_error_rate"], "ml_dispatch_error_rate", "group")
    assert set(error_rate) == {("control",), ("treatment",)}
    assert all(math.isnan(value) for value in error_rate.values()), "no requests are not a good error rate"


@pytest.mark.parametrize(
    ("name", "edges"),
    [
        ("ml_dispatch_score", ("0.3", "0.5", "0.6", "0.7", "0.8", "0.9", "1.0", "+Inf")),
        ("ml_dispatch_response_time_seconds", ("0.1", "0.5", "1.0", "2.0", "5.0", "+Inf")),
    ],
)
def test_the_histograms_have_the_edges_of_the_design(quiet: Place, name: str, edges: tuple[str, ...]) -> None:
    found = series(families(quiet.app)[name], f"{name}_bucket", "group", "le")

    assert set(found) == set(product(GROUPS, edges))


def test_the_error_rate_is_that_of_the_counters(fresh: Place) -> None:
    fresh.begin(BAD)
    fresh.put(100)
    for number in range(REQUESTS):
        fresh.app.dispatch(f"user-{number}")

    found = series(families(fresh.app)["ml_dispatch_error_rate"], "ml_dispatch_error_rate", "group")
    assert found["treatment",] == pytest.approx(fresh.app.requests().failures / REQUESTS)
    assert math.isnan(found["control",])


def test_a_failed_dispatch_has_a_response_time_and_no_score(fresh: Place) -> None:
    fresh.begin(BAD)
    fresh.put(100)
    for number in range(REQUESTS):
        fresh.app.dispatch(f"user-{number}")
    found = families(fresh.app)
    failures = fresh.app.requests().failures

    assert failures
    scored = series(found["ml_dispatch_score"], "ml_dispatch_score_count", "group")
    timed = series(found["ml_dispatch_response_time_seconds"], "ml_dispatch_response_time_seconds_count", "group")
    assert scored["treatment",] == REQUESTS - failures
    assert timed["treatment",] == REQUESTS
