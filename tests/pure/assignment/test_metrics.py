"""The metrics are those of the design document, for any prefix."""

import math
import threading
from collections import Counter
from itertools import product

import pytest
from mlrollout import Group, Metrics
from mlrollout.assignment.bucket import group
from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.parser import text_string_to_metric_families

GROUPS = ("control", "treatment")
STATUSES = ("success", "failure")
EDGES = {
    "score": ("0.3", "0.5", "0.6", "0.7", "0.8", "0.9", "1.0", "+Inf"),
    "response_time_seconds": ("0.1", "0.5", "1.0", "2.0", "5.0", "+Inf"),
}


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


def families(metrics: Metrics) -> dict[str, Metric]:
    """What a scrape shows."""
    text = generate_latest(metrics.registry).decode()
    return {family.name: family for family in text_string_to_metric_families(text)}


def series(metric: Metric, name: str, *labels: str) -> dict[tuple[str, ...], float]:
    """The values of the samples of that name by their labels, which must be just these."""
    samples = [sample for sample in metric.samples if sample.name == name]
    assert all(set(sample.labels) == set(labels) for sample in samples)
    return {tuple(sample.labels[label] for label in labels): sample.value for sample in samples}


@pytest.mark.parametrize("prefix", ["ml_dispatch", "search", "_a:b2"])
def test_there_are_these_four_and_nothing_else(registry: CollectorRegistry, prefix: str) -> None:
    found = families(Metrics(prefix, registry))

    assert {(name, metric.type) for name, metric in found.items()} == {
        (prefix, "counter"),
        (f"{prefix}_score", "histogram"),
        (f"{prefix}_response_time_seconds", "histogram"),
        (f"{prefix}_error_rate", "gauge"),
    }
    assert {sample.name for sample in found[prefix].samples} == {f"{prefix}_total"}


def test_every_combination_is_there_from_the_start(registry: CollectorRegistry) -> None:
    found = families(Metrics(registry=registry))

    counted = series(found["ml_dispatch"], "ml_dispatch_total", "status", "group")
    assert counted == dict.fromkeys(product(STATUSES, GROUPS), 0.0)
    rates = series(found["ml_dispatch_error_rate"], "ml_dispatch_error_rate", "group")
    assert set(rates) == {("control",), ("treatment",)}
    assert all(math.isnan(rate) for rate in rates.values()), "no calls are not a good error rate"


@pytest.mark.parametrize("name", EDGES)
def test_the_histograms_have_the_edges_of_the_design(registry: CollectorRegistry, name: str) -> None:
    found = families(Metrics(registry=registry))[f"ml_dispatch_{name}"]

    buckets = series(found, f"ml_dispatch_{name}_bucket", "group", "le")
    assert buckets == dict.fromkeys(product(GROUPS, EDGES[name]), 0.0)
    for sum_or_count in ("sum", "count"):
        assert series(found, f"ml_dispatch_{name}_{sum_or_count}", "group") == {(of,): 0.0 for of in GROUPS}


def test_a_call_is_counted_for_its_group(registry: CollectorRegistry) -> None:
    metrics = Metrics(registry=registry)
    metrics.record("kim", Group.TREATMENT, failed=False, seconds=0.3, score=0.8)
    metrics.record("lee", Group.TREATMENT, failed=True, seconds=3)
    metrics.record("park", Group.CONTROL, failed=False, seconds=0.1)
    found = families(metrics)

    counted = series(found["ml_dispatch"], "ml_dispatch_total", "status", "group")
    assert counted == {
        ("success", "treatment"): 1,
        ("failure", "treatment"): 1,
        ("success", "control"): 1,
        ("failure", "control"): 0,
    }
    seconds = found["ml_dispatch_response_time_seconds"]
    assert series(seconds, "ml_dispatch_response_time_seconds_sum", "group") == {("treatment",): 3.3, ("control",): 0.1}
    score = found["ml_dispatch_score"]
    assert series(score, "ml_dispatch_score_count", "group") == {("treatment",): 1, ("control",): 0}
    assert series(score, "ml_dispatch_score_sum", "group")["treatment",] == 0.8
    rates = series(found["ml_dispatch_error_rate"], "ml_dispatch_error_rate", "group")
    assert rates == {("treatment",): 0.5, ("control",): 0}


@pytest.mark.parametrize("prefix", ["", "1st", "ml-dispatch", "ml dispatch", "배차", "a\n", 'a{b="c"}'])
def test_a_prefix_that_is_no_name_is_refused(registry: CollectorRegistry, prefix: str) -> None:
    with pytest.raises(ValueError, match=r"no metric's name can begin with .* for example ml_dispatch"):
        Metrics(prefix, registry)


def test_a_prefix_that_is_taken_is_refused_and_the_first_goes_on(registry: CollectorRegistry) -> None:
    first = Metrics(registry=registry)
    with pytest.raises(ValueError, match="there are metrics with the prefix ml_dispatch in this registry already"):
        Metrics(registry=registry)

    first.record("kim", Group.CONTROL, failed=False, seconds=0.1)
    assert series(families(first)["ml_dispatch"], "ml_dispatch_total", "status", "group")["success", "control"] == 1


def test_features_share_a_registry(registry: CollectorRegistry) -> None:
    Metrics("search", registry)

    assert {"search", "ml_dispatch"} <= families(Metrics("ml_dispatch", registry)).keys()


# --- cohorts ---------------------------------------------------------------------------------------


def test_all_cohorts_are_there_from_the_start(registry: CollectorRegistry) -> None:
    found = families(Metrics(registry=registry, cohorts=20))
    cohorts = (*map(str, range(20)), "none")

    assert series(found["ml_dispatch"], "ml_dispatch_total", "status", "group", "cohort") == dict.fromkeys(
        product(STATUSES, GROUPS, cohorts), 0.0
    )
    for name in EDGES:
        counted = series(found[f"ml_dispatch_{name}"], f"ml_dispatch_{name}_count", "group", "cohort")
        assert counted == dict.fromkeys(product(GROUPS, cohorts), 0.0)
    assert set(series(found["ml_dispatch_error_rate"], "ml_dispatch_error_rate", "group")) == {(of,) for of in GROUPS}


def test_a_user_stays_in_a_cohort_and_cohorts_are_alike_in_both_groups(registry: CollectorRegistry) -> None:
    metrics = Metrics(registry=registry, cohorts=20)
    users = [f"user-{number}" for number in range(8000)]
    for user in users:
        metrics.record(user, group("ml_dispatch:rollout_percentage", user, 50), failed=False, seconds=0.1)
    once = _of_cohorts(metrics)
    for user in users:
        metrics.record(user, group("ml_dispatch:rollout_percentage", user, 50), failed=False, seconds=0.1)

    assert {place: 2 * count for place, count in once.items()} == _of_cohorts(metrics)
    # Six standard deviations of a twentieth of half the users.
    assert all(abs(count - 200) < 84 for (_, cohort), count in once.items() if cohort != "none")


def _of_cohorts(metrics: Metrics) -> Counter[tuple[str, ...]]:
    found = series(families(metrics)["ml_dispatch"], "ml_dispatch_total", "status", "group", "cohort")
    return Counter({labels[1:]: int(count) for labels, count in found.items() if labels[0] == "success"})


@pytest.mark.parametrize("nobody", ["", None, 7.5, True, "\ud800", "x" * 1025])
def test_who_is_nobody_is_in_no_cohort(registry: CollectorRegistry, nobody: str) -> None:
    metrics = Metrics(registry=registry, cohorts=20)
    metrics.record(nobody, Group.CONTROL, failed=False, seconds=0.1)

    assert _of_cohorts(metrics)["control", "none"] == 1


@pytest.mark.parametrize("cohorts", [-1, 101])
def test_a_number_of_cohorts_that_makes_no_sense_is_refused(registry: CollectorRegistry, cohorts: int) -> None:
    with pytest.raises(ValueError, match=r"cohorts \(.*\) must be from 0, for no such label, to 100"):
        Metrics(registry=registry, cohorts=cohorts)


def test_eight_threads_at_once_lose_no_count(registry: CollectorRegistry) -> None:
    metrics = Metrics(registry=registry, cohorts=20)

    def work(thread: int) -> None:
        for number in range(1000):
            metrics.record(f"{thread}-{number}", Group.TREATMENT, failed=number % 4 == 0, seconds=1, score=0.5)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = families(metrics)

    counted = series(found["ml_dispatch"], "ml_dispatch_total", "status", "group", "cohort")
    assert sum(counted.values()) == 8000
    assert sum(count for labels, count in counted.items() if labels[0] == "failure") == 2000
    for name in EDGES:
        counts = series(found[f"ml_dispatch_{name}"], f"ml_dispatch_{name}_count", "group", "cohort")
        assert sum(counts.values()) == 8000
    assert series(found["ml_dispatch_error_rate"], "ml_dispatch_error_rate", "group")["treatment",] == 0.25
