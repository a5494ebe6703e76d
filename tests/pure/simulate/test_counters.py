"""Synthetic counters: whatever is skipped, what is seen is what traffic at that pace shows."""

import math
from random import Random
from statistics import fmean

import pytest
from mlrollout.simulate.counters import CounterRole, Counters

SCRAPE = 15.0


def counters(seed: int = 1, *, ahead: bool = False, bad: float = 0.01, good: float = 0.5) -> Counters:
    made = Counters(Random(seed), SCRAPE, 1000, 5)  # noqa: S311 - from a fixed seed
    made.set_pace(bad, good, ahead=ahead)
    return made


@pytest.mark.parametrize("ahead", [False, True])
@pytest.mark.parametrize("skipping", [False, True])
def test_counts_have_the_mean_of_their_pace(ahead: bool, skipping: bool) -> None:  # noqa: FBT001 - cases
    bad, good = [], []
    for seed in range(400):
        seen = counters(seed, ahead=ahead)
        if skipping:
            seen.skip_to(1150)
        seen.scrape_to(1200)
        bad.append(seen.at(CounterRole.BAD, 1200))
        good.append(seen.at(CounterRole.GOOD, 1200))
    for drawn, mean in ((bad, 0.01 * 200 * SCRAPE), (good, 0.5 * 200 * SCRAPE)):
        assert fmean(drawn) == pytest.approx(mean, abs=4 * math.sqrt(mean / 400))


def test_bad_events_that_are_known_ahead_are_those_that_are_shown() -> None:
    seen = counters(ahead=True)
    while seen.know(1500):
        pass
    known = list(seen.events)
    seen.scrape_to(1100)
    seen.skip_to(1300)
    seen.scrape_to(1500)
    assert known
    assert seen.at(CounterRole.BAD, 1100 if seen.first <= 1100 else 1300) == sum(one <= 1300 for one in known)
    for number in range(1301, 1501):
        shown = seen.at(CounterRole.BAD, number) - seen.at(CounterRole.BAD, number - 1)
        assert shown == known.count(number)


def test_all_are_the_bad_and_the_good() -> None:
    seen = counters()
    seen.scrape_to(1100)
    assert seen.at(CounterRole.ALL, 1100) == seen.at(CounterRole.BAD, 1100) + seen.at(CounterRole.GOOD, 1100)


def test_counters_begin_at_zero_and_never_fall() -> None:
    seen = counters(bad=0.2)
    seen.scrape_to(1050)
    values = [seen.at(CounterRole.ALL, number) for number in range(995, 1051)]
    assert values[:6] == [0] * 6
    assert values == sorted(values)


def test_what_was_left_out_can_be_recalled() -> None:
    seen = counters(ahead=True, bad=0.05)
    seen.skip_to(2000)
    before = seen.at(CounterRole.GOOD, 2000)
    with pytest.raises(IndexError):
        seen.at(CounterRole.GOOD, 1999)
    seen.recall(1900)
    assert seen.at(CounterRole.GOOD, 2000) == before
    assert before - seen.at(CounterRole.GOOD, 1900) == pytest.approx(0.5 * 100 * SCRAPE, rel=0.2)
    for number in range(1901, 2001):
        assert seen.at(CounterRole.BAD, number) - seen.at(CounterRole.BAD, number - 1) == seen.events.count(number)


def test_another_pace_counts_from_the_newest_scrape_on() -> None:
    seen = counters()
    seen.scrape_to(1100)
    stood = seen.at(CounterRole.ALL, 1100)
    seen.set_pace(0.0, 0.0, ahead=True)
    seen.scrape_to(1200)
    seen.skip_to(1400)
    assert seen.at(CounterRole.ALL, 1400) == stood
