"""Synthetic counters: however seldom somebody looks, what is seen is what traffic at that pace shows."""

import math
from random import Random
from statistics import fmean

import pytest
from mlrollout.simulate.counters import CounterRole, Counters

SCRAPE, BEGIN = 15.0, 1000


def counters(seed: int = 1, *, ahead: bool = False, bad: float = 0.01, good: float = 0.5) -> Counters:
    made = Counters(Random(seed), SCRAPE, BEGIN)  # noqa: S311 - from a fixed seed
    made.set_pace(bad, good, ahead=ahead)
    return made


@pytest.mark.parametrize("ahead", [False, True])
@pytest.mark.parametrize("looked_at", [(1200,), (1150, 1200), (1200, 1150), tuple(range(1001, 1201))])
def test_counts_have_the_mean_of_their_pace(ahead: bool, looked_at: tuple[int, ...]) -> None:  # noqa: FBT001 - a case
    bad, good = [], []
    for seed in range(400):
        seen = counters(seed, ahead=ahead)
        seen.scrape_to(1200)
        for number in looked_at:
            seen.at(CounterRole.ALL, number)
        bad.append(seen.at(CounterRole.BAD, 1200))
        good.append(seen.at(CounterRole.GOOD, 1100))
    for drawn, mean in ((bad, 0.01 * 200 * SCRAPE), (good, 0.5 * 100 * SCRAPE)):
        assert fmean(drawn) == pytest.approx(mean, abs=4 * math.sqrt(mean / 400))


def test_events_of_spans_that_were_settled_late_are_independent() -> None:
    # Of two halves that are divided after their sum is known, neither tells of the other.
    halves = []
    for seed in range(2000):
        seen = counters(seed, good=1.0)
        seen.scrape_to(1020)
        whole, half = seen.at(CounterRole.GOOD, 1020), seen.at(CounterRole.GOOD, 1010)
        halves.append((half - 150.0, whole - half - 150.0))
    assert fmean(one * other for one, other in halves) == pytest.approx(0.0, abs=4 * 150 / math.sqrt(2000))


def test_bad_events_that_are_known_ahead_are_those_that_are_shown() -> None:
    seen = counters(ahead=True)
    while seen.know(1500):
        pass
    known = list(seen.events)
    seen.scrape_to(1500)
    assert known
    assert seen.at(CounterRole.BAD, 1300) == sum(one <= 1300 for one in known)
    for number in range(1001, 1501):
        shown = seen.at(CounterRole.BAD, number) - seen.at(CounterRole.BAD, number - 1)
        assert shown == known.count(number)


def test_all_are_the_bad_and_the_good() -> None:
    seen = counters()
    seen.scrape_to(1100)
    assert seen.at(CounterRole.ALL, 1100) == seen.at(CounterRole.BAD, 1100) + seen.at(CounterRole.GOOD, 1100)


@pytest.mark.parametrize("ahead", [False, True])
def test_counters_begin_at_zero_and_never_fall_in_whatever_order_they_are_looked_at(ahead: bool) -> None:  # noqa: FBT001 - a case
    seen = counters(bad=0.2, ahead=ahead)
    seen.scrape_to(1050)
    order = list(range(995, 1051))
    Random(1).shuffle(order)  # noqa: S311 - from a fixed seed
    found = {number: seen.at(CounterRole.ALL, number) for number in order}
    values = [found[number] for number in range(995, 1051)]
    assert values[:6] == [0] * 6
    assert values == sorted(values)
    assert values == [seen.at(CounterRole.ALL, number) for number in range(995, 1051)], "what was seen stays"


def test_another_pace_counts_from_the_newest_scrape_on() -> None:
    seen = counters()
    seen.scrape_to(1100)
    earlier = seen.at(CounterRole.ALL, 1050)
    seen.set_pace(0.0, 0.0, ahead=True)
    stood = seen.at(CounterRole.ALL, 1100)
    seen.scrape_to(1400)
    assert stood > earlier == seen.at(CounterRole.ALL, 1050)
    assert seen.at(CounterRole.ALL, 1200) == seen.at(CounterRole.ALL, 1400) == stood
    assert seen.at(CounterRole.BAD, 1060) - seen.at(CounterRole.BAD, 1050) >= 0
