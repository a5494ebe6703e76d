"""Each series once: a pair of Prometheus is one source, whoever of it was away, and however it writes an edge."""

from dataclasses import replace

import pytest
from mlrollout.evidence.statistics.blocks import Counts
from mlrollout.evidence.statistics.counting.contents import CounterPair, above, counts
from mlrollout.evidence.statistics.counting.copies import MOST, once
from mlrollout.evidence.statistics.counting.increments import Span, increase
from mlrollout.evidence.statistics.counting.series import Series
from mlrollout.evidence.statistics.counting.uncountable import UncountableError, UncountableReason


def series(*values: float, begin: float = 0, **labels: str) -> Series:
    samples = tuple((begin + at * 15, value) for at, value in enumerate(values))
    return Series({"__name__": "requests_total", **labels}, samples)


def grown(*found: Series, begin: float, end: float) -> float:
    return increase(found, Span.of(found, begin, end))


def test_a_pair_that_scrapes_the_same_counts_once() -> None:
    one = series(0, 1, 2, 3, prometheus_replica="a")
    other = series(0, 1, 2, begin=1, prometheus_replica="b")
    [found] = once([other, one])

    assert (found,) == once([one, other])
    assert grown(*found, begin=0, end=100) == 3
    assert found[0].labels == {"__name__": "requests_total"}
    assert len(once([one, other], replica=())[0]) == 2


@pytest.mark.parametrize(("step", "scrape"), [(15, 15), (15, 30), (15, 60), (5, 15), (10, 15), (15, 20)])
def test_a_pair_counts_each_event_once_over_many_blocks(step: int, scrape: int) -> None:
    """Each window of five minutes holds one sample more of either, by turns."""
    copies = [
        Series({"prometheus_replica": name}, tuple((at, 10.0 * at) for at in range(offset, 3000, scrape)))
        for name, offset in (("a", 3), ("b", 3 + scrape // 2))
    ]

    def block(begin: int) -> float:
        seen = [
            replace(one, samples=tuple(sample for sample in one.samples if begin - 300 < sample[0] <= begin + step))
            for one in copies
        ]
        return grown(*once(seen)[0], begin=begin, end=begin + step)

    counted = sum(block(begin) for begin in range(600, 2400, step))
    assert counted == pytest.approx(10 * 1800, abs=10 * scrape)


def test_a_copy_that_stops_gives_way_to_the_other() -> None:
    steady = series(*range(10), prometheus_replica="b")
    for lacking, chosen in ((1, 9), (2, 10)):
        stopped = series(*range(10 - lacking), prometheus_replica="a")
        assert len(once([steady, stopped])[0][0].samples) == chosen


def test_ten_thousand_series_can_be_read_and_more_are_refused() -> None:
    many = [series(0, 1, pod=str(pod)) for pod in range(MOST)]

    assert grown(*once(many)[0], begin=0, end=15) == MOST
    with pytest.raises(UncountableError, match=r"narrow the selector") as refusal:
        once([*many, series(0, 1)])
    assert refusal.value.reason is UncountableReason.TOO_MANY


def scraped(name: str, status: str, times: range, **away: float) -> Series:
    """What one of a pair saw of a target that counts one a second, but for a time when it was away."""
    there = (at for at in times if not away or not away["since"] <= at < away["until"])
    labels = {"job": "app", "instance": "p", "status": status, "prometheus_replica": name}
    return Series(labels, tuple((float(at), float(at)) for at in there))


def test_all_series_of_a_target_are_taken_from_one_copy_that_was_there() -> None:
    """Both were away, one after the other, and failures were born meanwhile: a block would have them alone."""
    times = range(0, 301, 15)
    good = [scraped("a", "success", times, since=240, until=400), scraped("b", "success", times, since=120, until=210)]
    bad = [Series(scraped("b", "failure", times).labels, ((270.0, 1.0), (285.0, 3.0), (300.0, 3.0)))]
    pair = CounterPair.read(bad, [*good, *bad])

    assert counts(pair, pair.span(270, 300)) == Counts(30 + 2, 2)
    assert pair.part == tuple(one for one in pair.all if one.labels["status"] == "failure")


def test_what_a_copy_missed_while_the_other_counted_is_not_counted_again() -> None:
    """Both have lacked as many scrapes by then; the one that is back last would count what grew while it was away."""
    times = range(0, 301, 15)
    pair = [scraped("a", "success", times, since=195, until=285), scraped("b", "success", times, since=90, until=180)]

    assert grown(*once(pair)[0], begin=270, end=300) == 30


def test_two_clusters_with_a_target_of_one_name_are_no_copies_of_one_another() -> None:
    """Of the other one nothing would be seen, whatever fails there."""
    times = range(0, 61, 15)
    pairs = [(cluster, name) for cluster in ("a", "b") for name in ("0", "1")]
    found = [scraped(f"prom-{cluster}-{name}", "success", times) for cluster, name in pairs]
    found = [
        replace(one, labels={**one.labels, "cluster": cluster}) for one, (cluster, _) in zip(found, pairs, strict=True)
    ]

    assert [one.labels["cluster"] for one in once(found)[0]] == ["a", "b"]


def test_what_a_ruler_recorded_is_no_copy_of_what_was_scraped() -> None:
    times = range(0, 61, 15)
    every = [scraped(name, "success", times) for name in ("a", "b")]
    bad = Series({"__name__": "recorded", "job": "app", "instance": "p"}, every[0].samples)
    pair = CounterPair.read([bad], every)

    assert (len(pair.part), len(pair.all)) == (1, 1)


def test_copies_are_one_with_whom_they_have_a_series_in_common_by_others_as_well() -> None:
    parts = [("a", "x"), ("b", "x"), ("c", "y"), ("b", "y"), ("d", "z")]
    found = [scraped(name, status, range(0, 61, 15)) for name, status in parts]

    assert [one.labels["status"] for one in once(found)[0]] == ["x", "z"]


def test_a_target_that_another_prometheus_took_over_is_the_same() -> None:
    before, after = scraped("a", "success", range(0, 150, 15)), scraped("b", "success", range(150, 301, 15))

    assert once([before, after])[0][0].samples == after.samples


def test_series_that_no_target_is_known_of_are_chosen_one_by_one() -> None:
    pair = [series(0, 1, 2, status=status, prometheus_replica="b") for status in "xy"]
    pair += [series(0, 1, 2, status="x", prometheus_replica="a")]

    assert [len(one.samples) for one in once(pair)[0]] == [3, 3]


def test_a_copy_without_samples_is_none() -> None:
    nothing = Series(scraped("a", "success", range(0)).labels, (), native=True)

    assert once([nothing, scraped("b", "success", range(0, 60, 15))])[0][0].samples[-1] == (45.0, 45.0)


def test_an_edge_that_is_written_otherwise_from_now_on_is_the_same_bucket() -> None:
    """As Prometheus 3 writes it: events of the scrape would all lie above it."""
    below = [series(90, 99, le="2", job="app"), series(108, 117, begin=30, le="2.0", job="app")]
    [buckets] = once([*below, series(100, 110, 120, 130, le="+Inf", job="app"), series(1, 1, le="wide", job="app")])

    assert above(buckets[:2], 2, Span.of(buckets, 15, 30)) == Counts(10, 1)
    assert [one.labels["le"] for one in buckets] == ["+Inf", "2.0", "wide"]


def test_what_is_one_series_already_stays_as_it_is() -> None:
    one = series(0, 1, le="2.0")

    assert once([one])[0][0] is one
