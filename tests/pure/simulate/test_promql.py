"""Queries on synthetic counters, against what Prometheus answers: its own test vectors, and its rules for no data."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pytest
from mlrollout.simulate.counters import CounterRole
from mlrollout.simulate.promql import CounterRoles, UnknownError, compile_

ROLES: CounterRoles = {'bad{g="t"}': CounterRole.BAD, "good{}": CounterRole.GOOD, "all{}": CounterRole.ALL}


@dataclass(frozen=True)
class Samples:
    """Counters that stood like this at the scrapes 0, 1, 2, …"""

    bad: Sequence[int]
    good: Sequence[int]
    scrape: float = 15.0

    def at(self, role: CounterRole, number: int) -> int:
        found: Mapping[CounterRole, Sequence[int]] = {CounterRole.BAD: self.bad, CounterRole.GOOD: self.good}
        if role is CounterRole.ALL:
            return self.bad[number] + self.good[number]
        return found[role][number]


STEADY = Samples(bad=list(range(41)), good=list(range(1000, 1410, 10)))


def values(text: str, at: float, samples: Samples = STEADY) -> list[float]:
    return [one.value for one in compile_(text, ROLES).answer(samples, at).samples]


def test_prometheus_own_vectors_of_extrapolation() -> None:
    # promql/promqltest/testdata/functions.test: counters that grow by 10 in five minutes, and by 1 in fifteen seconds.
    every_five = Samples(bad=range(0, 110, 10), good=[0] * 11, scrape=300.0)
    assert values('increase(bad{g="t"}[50m])', 3000.0, every_five) == pytest.approx([100.0])
    assert values('rate(bad{g="t"}[50m])', 3000.0, every_five) == pytest.approx([100 / 3000])


def test_a_counter_is_not_extrapolated_to_below_zero() -> None:
    # Samples at 15 … 60 s, of which the first is 1 and the last 4: 45 s are covered, and the counter was 0 at 0 s.
    assert values('increase(bad{g="t"}[67s])', 67.0) == pytest.approx([3 * (45 + 15 + 7) / 45])
    # One second more reaches no further back, for it would have been below 0.
    assert values('increase(bad{g="t"}[1m])', 62.0) == pytest.approx([3 * (45 + 13 + 2) / 45])
    assert values("increase(good[62s])", 62.0) == pytest.approx([30 * (45 + 15 - 2 + 2 + 2) / 45], rel=0.05)


def test_a_range_is_open_to_the_left() -> None:
    assert values("count_over_time(good[1m])", 60.0) == [4.0]
    assert values("count_over_time(good[1m])", 61.0) == [4.0]


def test_a_rate_needs_two_samples() -> None:
    assert values("rate(good[15s])", 60.0) == []
    assert values("sum(rate(good[15s]))", 60.0) == []
    assert values("sum(rate(good[30s]))", 60.0) == pytest.approx([10 / 15])


def test_a_ratio_of_rates_is_one_of_counts() -> None:
    assert values('sum(rate(bad{g="t"}[5m])) / sum(rate(all[5m]))', 600.0) == pytest.approx([1 / 11])
    assert values('1 - sum(rate(bad{g="t"}[5m])) / sum(rate(all[5m]))', 600.0) == pytest.approx([10 / 11])
    assert values('100 * (sum(rate(bad{g="t"}[5m])) / sum(rate(all[5m])))', 600.0) == pytest.approx([100 / 11])


def test_what_is_divided_by_nothing() -> None:
    silent = Samples(bad=[0] * 41, good=[0] * 41)
    assert math.isnan(*values('rate(bad{g="t"}[5m]) / rate(all[5m])', 600.0, silent))
    assert values("1 / rate(all[5m])", 600.0, silent) == [math.inf]
    assert values("vector(1) / rate(all[1s])", 600.0, silent) == []


def test_a_fallback_speaks_where_there_is_nothing() -> None:
    assert values("rate(good[1s]) or vector(0)", 600.0) == [0.0]
    assert values("sum(rate(good[30s])) or vector(0)", 600.0) == pytest.approx([10 / 15])


def test_the_question_about_presence_is_answered_by_name() -> None:
    asked = (
        'label_replace(max(timestamp(good)), "selector", "0", "", "") or '
        'label_replace(max(present_over_time(all[10m])), "selector", "1", "", "")'
    )
    answer = compile_(asked, ROLES).answer(STEADY, 607.0)
    assert {one.labels["selector"]: one.value for one in answer.samples} == {"0": 600.0, "1": 1.0}
    assert answer.evaluated == 607.0


@pytest.mark.parametrize(
    "text",
    [
        "histogram_quantile(0.95, sum by (le) (rate(all[5m])))",
        "rate(other[5m])",
        'rate(bad{g="c"}[5m])',
        "rate(all[5m] offset 1m)",
        "rate(all[5m]) > 1",
        "topk(1, rate(all[5m]))",
        "quantile(0.5, rate(all[5m]))",
        "all",
        '"text"',
        "avg_over_time(all[5m])",
        'label_replace(all, "a", "b", "c", "d")',
    ],
)
def test_what_is_not_about_counts_is_not_simulated(text: str) -> None:
    with pytest.raises(UnknownError):
        compile_(text, ROLES)
