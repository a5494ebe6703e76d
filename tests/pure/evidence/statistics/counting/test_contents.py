"""What each kind of guardrail counts: of both groups, cohorts, and above an edge; and what it refuses."""

import math

import pytest
from mlrollout.evidence.statistics.blocks import Counts, Pair, Sums
from mlrollout.evidence.statistics.counting.contents import CounterPair, above, counts, of_cohorts, of_groups, sums
from mlrollout.evidence.statistics.counting.increments import Span
from mlrollout.evidence.statistics.counting.series import Series, bucket
from mlrollout.evidence.statistics.counting.uncountable import UncountableError, UncountableReason

NAMES = Pair("treatment", "control")


def series(*values: float, begin: float = 0, **labels: str) -> Series:
    return Series({"__name__": "x", **labels}, tuple((begin + at * 15, value) for at, value in enumerate(values)))


def counted(source: CounterPair, begin: float = 0, end: float = 30) -> Counts:
    return counts(source, source.span(begin, end))


def of_both(source: CounterPair, begin: float = 0, end: float = 30) -> Pair[Counts]:
    span = source.span(begin, end)
    return of_groups(source, "group", NAMES, lambda one: counts(one, span))


def groups(**both: tuple[float, ...]) -> list[Series]:
    return [series(*values, group=group) for group, values in both.items()]


# --- rates -----------------------------------------------------------------------------------


def test_bad_events_and_all_of_them() -> None:
    assert counted(CounterPair.read([series(0, 1, 2)], [series(0, 10, 30)])) == Counts(30, 2)
    assert counted(CounterPair.read([], [series(0, 10, 30)])) == Counts(30, 0)
    assert counted(CounterPair.read([series(0, 0, 0)], [series(4, 4, 4)])) == Counts(0, 0)


@pytest.mark.parametrize(
    ("source", "reason", "words"),
    [
        (CounterPair((), ()), UncountableReason.NO_SAMPLES, "no series of the events"),
        (
            CounterPair((), (series(1, 2, begin=-30),)),
            UncountableReason.NO_SAMPLES,
            "in the 45 s before the block's end",
        ),
        (
            CounterPair((), (series(1, 2, begin=60),)),
            UncountableReason.NO_SAMPLES,
            "no sample of x{} and its like at all",
        ),
        (CounterPair((series(0, 5, 9),), (series(0, 4, 8),)), UncountableReason.MORE_BAD_THAN_ALL, "9 bad events of 8"),
    ],
)
def test_what_may_be_counted_with_the_next_block_waits(
    source: CounterPair, reason: UncountableReason, words: str
) -> None:
    with pytest.raises(UncountableError) as refusal:
        counted(source)

    assert refusal.value.reason is reason
    assert reason.waits
    assert words in refusal.value.words


def test_a_gap_is_one_larger_block() -> None:
    source = CounterPair((), (Series({}, ((0, 5), (15, 6), (600, 300))),))

    with pytest.raises(UncountableError):
        counted(source, 15, 30)
    assert counted(source, 15, 600) == Counts(294, 0)


# --- both groups -----------------------------------------------------------------------------


def test_each_group_is_counted_by_itself_and_others_are_not() -> None:
    bad, every = groups(treatment=(0, 1, 3)), groups(treatment=(0, 5, 9), control=(0, 40, 90), shadow=(0, 99, 999))

    assert of_both(CounterPair.read(bad, every)) == Pair(Counts(9, 3), Counts(90, 0))


@pytest.mark.parametrize(
    ("every", "reason", "words"),
    [
        ([series(0, 1, 2)], UncountableReason.NO_LABEL, "x{} has no label `group`"),
        (groups(control=(0, 1, 2)), UncountableReason.GROUP_MISSING, "group treatment: no series of the events"),
        (groups(treatment=(0, 1, 2)), UncountableReason.GROUP_MISSING, "group control: no series of the events"),
        ([], UncountableReason.GROUP_MISSING, "group treatment"),
        (
            [*groups(control=(0, 1, 2)), series(7, begin=-15, group="treatment")],
            UncountableReason.GROUP_MISSING,
            "in the 45 s",
        ),
    ],
)
def test_a_group_that_is_not_there_is_no_comparison(every: list[Series], reason: UncountableReason, words: str) -> None:
    with pytest.raises(UncountableError) as refusal:
        of_both(CounterPair.read([], every))

    assert refusal.value.reason is reason
    assert words in refusal.value.words


def test_what_else_is_wrong_in_a_group_stays_what_it_is() -> None:
    with pytest.raises(UncountableError) as refusal:
        of_both(CounterPair.read(groups(treatment=(0, 5, 9)), groups(treatment=(0, 1, 2), control=(0, 1, 2))))

    assert refusal.value.reason is UncountableReason.MORE_BAD_THAN_ALL


def test_a_new_series_of_one_group_is_known_by_the_other_that_was_there() -> None:
    every = [series(0, 40, 90, 140, begin=-15, group="control"), series(30, begin=30, group="treatment")]

    assert of_both(CounterPair.read([], every), 15, 30).treatment == Counts(30, 0)


# --- cohorts ---------------------------------------------------------------------------------


def test_each_cohort_is_counted_in_the_order_asked_for_and_may_be_empty() -> None:
    every = [series(0, 5, 9, cohort="a"), series(0, 1, 2, cohort="b"), series(7, begin=-15, cohort="c")]
    source = CounterPair.read([series(0, 1, 1, cohort="b")], every)
    span = source.span(0, 30)

    assert of_cohorts(source, "cohort", ("d", "b", "a", "c"), span, lambda one: counts(one, span)) == (
        Counts(),
        Counts(2, 1),
        Counts(9),
        Counts(),
    )
    with pytest.raises(UncountableError) as refusal:
        of_cohorts(CounterPair((), ()), "cohort", ("a",), span, lambda one: counts(one, span))
    assert refusal.value.reason is UncountableReason.NO_SAMPLES


# --- histograms and means --------------------------------------------------------------------

BUCKETS = [series(0, 4, 8, le="0.5"), series(0, 5, 10, le="1.0"), series(0, 6, 20, le="+Inf")]


@pytest.mark.parametrize(("edge", "bad"), [(0.5, 12), (1, 10)])
def test_events_above_an_edge(edge: float, bad: int) -> None:
    assert above(BUCKETS, edge, Span.of(BUCKETS, 0, 30)) == Counts(20, bad)


@pytest.mark.parametrize(
    ("buckets", "edge", "reason", "words"),
    [
        (BUCKETS, 2, UncountableReason.NO_EDGE, "no bucket has the edge 2: the nearest are 0.5, 1"),
        (BUCKETS[2:], 2, UncountableReason.NO_EDGE, "there are none"),
        ([series(0, 1)], 2, UncountableReason.NO_EDGE, "it has no edge `le`"),
        ([series(0, 1, le="wide")], 2, UncountableReason.NO_EDGE, "it has no edge `le`"),
        ([Series({"__name__": "x"}, (), native=True)], 2, UncountableReason.NATIVE, "always_scrape_classic_histograms"),
        ([], 2, UncountableReason.NO_SAMPLES, "no series"),
        (
            [*BUCKETS, series(0, 9, 30, le="+Inf", pod="other")],
            1,
            UncountableReason.NO_EDGE,
            'x{le="+Inf", pod="other"} was scraped without a bucket that has the edge 1',
        ),
        ([series(0, 5, le="1"), BUCKETS[2]], 1, UncountableReason.NO_EDGE, "without a bucket that has the edge 1"),
        (
            [series(0, 9, 30, le="2"), BUCKETS[2]],
            2,
            UncountableReason.MORE_BAD_THAN_ALL,
            "30 events below the edge of 20",
        ),
    ],
)
def test_a_histogram_that_cannot_tell_is_refused(
    buckets: list[Series], edge: float, reason: UncountableReason, words: str
) -> None:
    with pytest.raises(UncountableError) as refusal:
        above(buckets, edge, Span.of(buckets, 0, 30))

    assert refusal.value.reason is reason
    assert words in refusal.value.words


def test_an_edge_is_told_apart_by_its_value() -> None:
    assert len(bucket([series(1, le="1"), series(2, le="1.0"), series(3, le="+Inf")], 1.0)) == 2
    assert len(bucket([series(1, le="1"), series(3, le="+Inf")], math.inf)) == 1


def test_values_and_what_they_add_up_to() -> None:
    source = CounterPair.read([series(0.5, 1.25, 2.5)], [series(0, 3, 8)])

    assert sums(source, source.span(0, 30)) == Sums(8, 2.0)
