"""What of a rate's counters can be counted, and what becomes of what can't be."""

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

import pytest
from mlrollout.evidence.measurement import Verdict
from mlrollout.evidence.statistics.counting.series import Series

from tests.pure.evidence.checks.counters import EPOCH, GUARDRAIL, Counters, Looks, traffic
from tests.pure.evidence.checks.rates import HOUR, constant, counters, healthy, steps


@pytest.mark.parametrize(
    ("failed", "every", "verdict", "message"),
    [
        (steps(7), steps(5), Verdict.ERROR, "bad events of"),
        (steps(0, 0, 0, -5, 5, -5), steps(9), Verdict.ERROR, "a sample below zero"),
        (steps(math.nan), steps(5), Verdict.ERROR, "has a sample that is nan"),
        (steps(1), steps(math.inf), Verdict.ERROR, "has a sample that is"),
        (steps(0.5), steps(5), Verdict.ERROR, "events are counted in whole numbers"),
        (steps(1000, *[-100, 100] * 120), steps(5000), Verdict.ERROR, "counters only grow"),
        (steps(0), steps(1000, *[-100, 100] * 120), Verdict.ERROR, "counters only grow"),
    ],
)
def test_what_is_no_count_is_an_error_that_names_it_and_never_a_breach(
    failed: Iterator[float], every: Iterator[float], verdict: Verdict, message: str
) -> None:
    looks = Looks.at(counters(failed, every))
    found = looks.every(15, 900)
    assert (found.verdict, found.reach) == (verdict, 0.0)
    assert message in found.message
    assert Verdict.BREACH not in {one.verdict for one in looks.made}


def test_bad_events_wait_for_theirs_no_longer_than_counters_that_belong_together_may_differ() -> None:
    """Else six of anything would be bad as soon as seven events have come: a rollback for nothing."""
    late = Looks.at(counters(steps(0, 0, 2, 0), steps(0, 0, 0, 0, 2, 1)))  # exported two scrapes apart
    found = late.every(15, 300)
    assert found.evidence is not None
    assert found.evidence.treatment.bad == 2
    strange = Looks.at(counters(steps(0, 0, 6, 0), steps(1)))
    found = strange.every(15, 600)
    assert (found.verdict, Verdict.BREACH in {one.verdict for one in strange.made}) == (Verdict.PASS, False)
    assert found.evidence is not None
    assert found.evidence.treatment.bad == 0


def test_a_counter_that_falls_like_a_gauge_is_no_evidence() -> None:
    found = Looks.at(counters(steps(0), steps(*[1000.0] * 20, -100.0))).every(15, 330)
    assert found.verdict is Verdict.ERROR
    assert "is it a gauge?" in found.message


def counters_of(late: str, bad: float, every: float, seconds: float = 50.0) -> Counters:
    """So many failures and requests in each scrape of one target, of which one selector's arrive late."""
    found = Counters(late={late: seconds})
    for name, each in (("failed_total", bad), ("all_total", every)):
        found.scraped(name, islice(steps(each), 80), job="app", instance="p")
    return found


def test_failures_that_always_arrive_late_are_counted_all_the_same() -> None:
    found = counters_of(late="failed_total", bad=3, every=10)
    looks = Looks.at(found)
    assert looks.every(15, 600).verdict is Verdict.BREACH


def test_requests_that_arrive_late_do_not_leave_the_failures_alone() -> None:
    looks = Looks.at(counters_of(late="all_total", bad=1, every=100))
    looks.every(15, 900)
    assert {one.verdict for one in looks.made[8:]} == {Verdict.PASS}


def test_what_comes_too_late_is_not_waited_for() -> None:
    looks = Looks.at(counters_of(late="failed_total", bad=1, every=100, seconds=600.0))
    assert looks.every(15, 900).verdict is Verdict.PASS


def test_what_is_scraped_more_seldom_than_a_block_is_long_makes_longer_blocks() -> None:
    found = Counters()
    for name, value in (("failed_total", 1.0), ("all_total", 100.0)):
        found.series[name] = [
            Series({"__name__": name}, tuple((EPOCH + 60.0 * place - 7, value * place) for place in range(1, 61)))
        ]
    looks = Looks.at(found)
    assert looks.every(15, HOUR).verdict is Verdict.PASS
    assert {one.verdict for one in looks.made[20:]} == {Verdict.PASS}
    assert looks.made[-1].samples == pytest.approx(5700, abs=200)


def test_silence_is_no_data_and_what_came_before_it_is_not_lost() -> None:
    found = traffic(5, healthy, 3 * HOUR)
    for name, (one,) in found.series.items():
        kept = tuple(sample for sample in one.samples if not HOUR < sample[0] - EPOCH < 1.5 * HOUR)
        found.series[name] = [replace(one, samples=kept)]
    looks = Looks.at(found)
    before = looks.every(15, HOUR)
    silent = looks.every(15, 1.4 * HOUR, begin=HOUR)
    assert (before.verdict, silent.verdict) == (Verdict.PASS, Verdict.NO_DATA)
    assert "no sample of all_total" in silent.message
    after = looks.every(15, 1.6 * HOUR, begin=1.4 * HOUR)
    assert after.verdict is Verdict.PASS
    assert after.samples == pytest.approx(1.6 * HOUR / 3, abs=20)  # what was counted meanwhile is one larger block


def test_after_a_long_silence_only_what_comes_then_is_counted() -> None:
    found = traffic(5, healthy, 4 * HOUR)
    for name, (one,) in found.series.items():
        kept = tuple(sample for sample in one.samples if not HOUR < sample[0] - EPOCH < 3 * HOUR)
        found.series[name] = [replace(one, samples=kept)]
    looks = Looks.at(found)
    looks.every(15, 3 * HOUR)
    assert {one.verdict for one in looks.made if one.at > EPOCH + HOUR + 300} == {Verdict.NO_DATA}
    after = looks.every(15, 4 * HOUR, begin=3 * HOUR)
    assert after.verdict is Verdict.PASS
    assert after.samples == pytest.approx(2 * HOUR / 3, abs=50)


def test_a_series_that_never_was_is_no_data_and_not_no_errors() -> None:
    looks = Looks.at(Counters())
    assert looks.every(15, 900).verdict is Verdict.NO_DATA
    assert "no series of the events" in looks.made[-1].message


def test_a_new_series_counts_from_nothing_and_a_restart_takes_nothing_away() -> None:
    found = traffic(5, constant(0.0), HOUR)
    (old,) = found.series["all_total"]
    restarted = tuple((at, value % 300) for at, value in old.samples)
    found.series["all_total"] = [replace(old, samples=restarted)]
    found.scraped("failed_total", steps(1, 0), begin=EPOCH + 1800, pod="new")
    found.series["failed_total"][-1] = replace(
        found.series["failed_total"][-1],
        samples=tuple((at, 1.0) for at, _ in found.series["failed_total"][-1].samples if at > EPOCH + 1800),
    )
    last = Looks.at(found).every(15, HOUR)
    assert last.evidence is not None
    assert last.evidence.treatment.bad == 1
    assert last.samples == pytest.approx(HOUR / 3, abs=45)  # what was counted after the last scrape is lost
    assert Looks.at(found).every(15, HOUR, begin=0.7 * HOUR) == last  # also where looks were missed


BUCKETS = GUARDRAIL | {"rate": {"histogram": "seconds_bucket", "above": "2", "max": 0.05}}


def test_a_histogram_counts_what_lies_above_an_edge() -> None:
    found = Counters()
    for edge, each in (("0.5", 5.0), ("2.0", 9.0), ("+Inf", 10.0)):
        found.scraped("seconds_bucket", steps(each), le=edge)
    last = Looks.at(found, BUCKETS).every(15, 900)
    assert last.value == pytest.approx(0.1)
    assert "10 % are above 2 (" in last.message
    unknown = Looks.at(found, BUCKETS | {"rate": BUCKETS["rate"] | {"above": "1"}}).every(15, 900)
    assert unknown.verdict is Verdict.ERROR
    assert "no bucket has the edge 1: the nearest are 0.5, 2" in unknown.message


def test_so_does_no_native_histogram() -> None:
    found = Counters({"seconds_bucket": [Series({"__name__": "seconds_bucket"}, (), native=True)]})
    last = Looks.at(found, BUCKETS).every(15, 900)
    assert last.verdict is Verdict.ERROR
    assert "a native histogram" in last.message


def test_more_series_than_can_be_read_are_refused() -> None:
    found = traffic(5, healthy, HOUR)
    (one,) = found.series["all_total"]
    found.series["all_total"] = [replace(one, labels={"n": str(n)}, samples=one.samples[:3]) for n in range(10_001)]
    last = Looks.at(found).look(60)
    assert last.verdict is Verdict.ERROR
    assert "10001 series are more than the 10000 that can be read at every look" in last.message


def test_what_lies_too_far_back_is_not_counted() -> None:
    looks = Looks.at(traffic(1, healthy, 30 * HOUR), GUARDRAIL | {"interval": "5m", "maxAge": "15m"})
    found = looks.every(15, 29 * HOUR, begin=28.7 * HOUR)
    assert found.samples == pytest.approx(24 * 240, rel=0.03)
    (gap,) = json.loads(found.checkpoint)["gaps"]
    assert gap == [EPOCH + 300, EPOCH + 16_800]


def test_what_is_left_out_again_and_again_while_nothing_is_scraped_is_one_gap() -> None:
    looks = Looks.at(Counters(), GUARDRAIL | {"interval": "5m", "maxAge": "15m"})
    found = looks.every(1800, 30 * HOUR, begin=26 * HOUR)
    (gap,) = json.loads(found.checkpoint)["gaps"]
    assert gap == [EPOCH + 300, EPOCH + 3.5 * HOUR]  # by several looks, until one got on
    looks.counters = traffic(1, healthy, 70 * HOUR)
    looks.every(300, 32 * HOUR, begin=30 * HOUR)
    again = looks.look(70 * HOUR)
    first, second = json.loads(again.checkpoint)["gaps"]
    assert (first, second[1]) == (gap, EPOCH + 46 * HOUR)
