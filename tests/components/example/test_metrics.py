"""The application's metrics say how both of its paths do."""

import math
import re

from devstack.demo.application import DispatchApp
from tests.components.example.place import BAD, Place

REQUESTS = 40


def series(app: DispatchApp) -> dict[str, float]:
    """Every series of the feature, and its value."""
    return {name: float(value) for name, value in re.findall(r"^(ml_dispatch\S+) (\S+)$", app.metrics(), re.MULTILINE)}


def test_a_failed_dispatch_counts_for_treatment_and_has_a_time_but_no_score(fresh: Place) -> None:
    fresh.begin(BAD)
    fresh.put(100)
    for number in range(REQUESTS):
        fresh.app.dispatch(f"user-{number}")
    found, failures = series(fresh.app), fresh.app.requests().failures

    assert failures
    assert found['ml_dispatch_error_rate{group="treatment"}'] == failures / REQUESTS
    assert found['ml_dispatch_score_count{group="treatment"}'] == REQUESTS - failures
    assert found['ml_dispatch_response_time_seconds_count{group="treatment"}'] == REQUESTS
    assert math.isnan(found['ml_dispatch_error_rate{group="control"}'])


def test_control_is_scored_as_well(fresh: Place) -> None:
    for number in range(REQUESTS):
        fresh.app.dispatch(f"user-{number}")
    found = series(fresh.app)

    assert found['ml_dispatch_score_count{group="control"}'] == REQUESTS
    assert 0 < found['ml_dispatch_score_sum{group="control"}'] < REQUESTS
