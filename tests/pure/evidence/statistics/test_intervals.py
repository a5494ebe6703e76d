"""The intervals hold the true value at every look at once, by counting every course; and are no wider than others'."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlrollout.evidence.statistics.blocks import Counts
from mlrollout.evidence.statistics.intervals import Interval, of_difference, of_rate, of_ratio

COUNTS = st.integers(0, 1000).flatmap(lambda events: st.builds(Counts, st.just(events), st.integers(0, events)))


@pytest.mark.parametrize("share", [0.02, 0.3, 0.5, 0.9])
def test_the_chance_that_a_share_is_ever_left_out_is_at_most_alpha(share: float) -> None:
    looks = {(n, bad): of_rate(Counts(n, bad), 0.2) for n in range(1, 13) for bad in range(n + 1)}
    out = {look for look, interval in looks.items() if not interval.low <= share <= interval.high}
    missed = 0.0
    for course in itertools.product((0, 1), repeat=12):
        if out.intersection(enumerate(itertools.accumulate(course), 1)):
            missed += math.prod(share if bad else 1 - share for bad in course)

    assert missed <= 0.2


@given(COUNTS, COUNTS)
def test_an_estimate_lies_within_its_bounds(treatment: Counts, control: Counts) -> None:
    for interval in (
        of_rate(treatment, 0.05),
        of_ratio(treatment, control, 0.05),
        of_difference(treatment, control, 0.05),
    ):
        assert interval.low <= interval.high
        assert interval.estimate is None or interval.low - 1e-9 <= interval.estimate <= interval.high + 1e-9


def test_without_events_nothing_is_known() -> None:
    none, some = Counts(), Counts(10, 1)

    assert of_rate(none, 0.05) == Interval(0, None, 1)
    assert of_ratio(none, some, 0.05) == Interval(0, None, math.inf)
    assert of_ratio(some, none, 0.05) == Interval(0, None, math.inf)
    assert of_difference(none, some, 0.05).estimate is None
    assert of_difference(some, none, 0.05).estimate is None


def test_the_bounds_of_nothing_bad_and_of_all_bad() -> None:
    nothing, everything = of_rate(Counts(1000, 0), 0.05), of_rate(Counts(1000, 1000), 0.05)

    assert (nothing.low, nothing.estimate) == (0, 0)
    assert 0.005 < nothing.high < 0.01
    assert (everything.estimate, everything.high) == (1, 1)
    assert everything.low == pytest.approx(1 - nothing.high)
    assert of_ratio(Counts(1000, 9), Counts(1000, 0), 0.05).high == math.inf
    assert of_ratio(Counts(1000, 9), Counts(1000, 0), 0.05).estimate is None
    assert of_ratio(Counts(1000, 0), Counts(1000, 9), 0.05).low == 0


def test_a_ratio_goes_by_the_events_of_each_group() -> None:
    interval = of_ratio(Counts(1000, 61), Counts(9000, 171), 0.05)

    assert interval.estimate == pytest.approx(3.2105, abs=1e-4)
    assert 1.4 < interval.low < 2.5
    assert 4 < interval.high < 6


@pytest.mark.parametrize("events", [10**6, 10**9])
def test_bounds_stay_exact_for_many_events(events: int) -> None:
    interval = of_rate(Counts(events, events // 100), 0.05)
    expected = math.sqrt(0.01 * 0.99 / events)

    assert 2.5 < (interval.high - 0.01) / expected < 6
    assert 2.5 < (0.01 - interval.low) / expected < 6


@given(st.integers(1, 10**6))
def test_a_bound_of_no_bad_events_has_a_closed_form(events: int) -> None:
    least = math.lgamma(0.5) + math.lgamma(events + 0.5) - math.lgamma(events + 1) - math.log(math.pi) + math.log(0.05)

    assert of_rate(Counts(events, 0), 0.05).high == pytest.approx(-math.expm1(least / events), rel=1e-6)
