"""Counters are counted as they are: resets, new series and gaps, on whatever side of a block's edge they lie."""

import math
import random
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlrollout.evidence.statistics.counting.increments import Span, increase, seen
from mlrollout.evidence.statistics.counting.series import Series
from mlrollout.evidence.statistics.counting.targets import fell_alone
from mlrollout.evidence.statistics.counting.uncountable import UncountableError, UncountableReason


def series(*values: float, begin: float = 0, step: float = 15, **labels: str) -> Series:
    """A series with a sample every `step` seconds."""
    samples = tuple((begin + at * step, value) for at, value in enumerate(values))
    return Series({"__name__": "requests_total", **labels}, samples)


def grown(*found: Series, begin: float, end: float, whole: bool = True) -> float:
    return increase(found, Span.of(found, begin, end), whole=whole)


# --- as Prometheus' own tests have it --------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "grew"),
    [
        ([0, 1, 2, 3, 2, 3, 4], 7),
        ([*range(0, 91, 18), *range(0, 91, 18)], 180),
        ([0, 0, 0], 0),
        ([5, 5, 9], 4),
        ([7, 0, 0], 0),
    ],
)
def test_a_reset_counts_from_zero(values: list[float], grew: float) -> None:
    assert grown(series(*values), begin=0, end=1000) == grew


def test_a_block_leaves_its_begin_out_and_has_its_end() -> None:
    # Prometheus: 1+1x4 9+1x4 every 15 s; `increase` makes 1.8333 of the first minute that has 20 s in it.
    samples = series(1, 2, 3, 4, 5, 9, 10, 11, 12, 13)

    assert grown(samples, begin=0, end=20) == 1
    assert grown(samples, begin=15, end=30) == 1
    assert grown(samples, begin=20, end=80) == 7
    assert [grown(samples, begin=at, end=at + 15) for at in range(0, 135, 15)] == [1, 1, 1, 1, 4, 1, 1, 1, 1]


# --- new series ------------------------------------------------------------------------------


def test_a_new_series_counts_from_zero_where_others_were_scraped_before() -> None:
    old, new = series(0, 4, 8, 12, pod="a"), series(5, 6, begin=30, pod="b")

    assert grown(old, new, begin=15, end=45) == 8 + 6


def test_the_first_of_all_samples_is_only_counted_from() -> None:
    assert grown(series(40, 41), begin=-15, end=15) == 1


def test_a_series_that_was_out_of_reach_is_not_new() -> None:
    old, back = series(0, 4, 8, 12, pod="a"), series(1_000_000, 1_000_003, begin=30, pod="b")

    assert grown(old, back, begin=15, end=45) == 8 + 3


def test_a_series_without_samples_in_the_block_has_not_grown() -> None:
    old, later = series(0, 4, 8, pod="a"), series(9, 12, 15, begin=60, pod="b")
    gone = series(2, 3, begin=-30, pod="d")

    assert grown(old, later, gone, series(pod="c"), begin=15, end=30) == 4


@pytest.mark.parametrize("values", [(0, 40, 44, 45), (50, 9, 13, 14)])
def test_growth_that_may_be_of_the_time_before_is_left_out(values: tuple[float, ...]) -> None:
    counter, new = series(*values, pod="a"), series(7, 8, begin=15, pod="b")

    assert increase([counter], Span.of([counter], 0, 45)) in (45, 14)
    assert increase([counter], Span.of([counter], 0, 45, since=0.5)) == 5
    assert increase([new], Span.of([counter, new], 10, 45, since=5)) == 1  # nothing shows that it was not there before
    assert increase([new], Span.of([counter, new], 10, 45, since=0)) == 8


# --- properties ------------------------------------------------------------------------------

COURSES = st.lists(
    st.lists(st.tuples(st.integers(0, 10), st.sampled_from([*[False] * 9, True])), min_size=2, max_size=12),
    min_size=1,
    max_size=4,
)


def course(steps: list[tuple[int, bool]], pod: str) -> tuple[Series, int]:
    """A counter that grows so and restarts there, and how many events it has counted from the first sample on."""
    value, values, events = 3, [3], 0
    for growth, restarts in steps:
        # One that is above where it was before can't be told to have restarted.
        value = growth if restarts and growth < value else value + growth
        values, events = [*values, value], events + growth
    return series(*values, job="app", instance=pod), events


@given(COURSES, st.data())
def test_no_event_is_lost_or_counted_twice_however_time_is_cut(
    courses: list[list[tuple[int, bool]]], data: st.DataObject
) -> None:
    made = [course(steps, str(pod)) for pod, steps in enumerate(courses)]
    cuts = sorted({0.0, 1000.0, *data.draw(st.lists(st.floats(0, 200), max_size=5))})
    found = [one for one, _ in made]
    falls = sum(new < old for one in found for (_, old), (_, new) in pairwise(one.samples))

    if falls < 3:
        blocks = [grown(*found, begin=begin, end=end) for begin, end in pairwise(cuts)]
        assert sum(blocks) == sum(events for _, events in made)


@given(COURSES, st.randoms(use_true_random=False))
def test_the_order_of_series_and_samples_does_not_matter(
    courses: list[list[tuple[int, bool]]], chance: random.Random
) -> None:
    found = [course(steps, str(pod))[0] for pod, steps in enumerate(courses)]
    mixed = [Series(one.labels, tuple(chance.sample(one.samples, len(one.samples)))) for one in found]
    chance.shuffle(mixed)

    def answer(of: list[Series]) -> float | UncountableReason:
        try:
            return grown(*of, begin=0, end=60, whole=False)
        except UncountableError as refusal:
            return refusal.reason

    assert answer(mixed) == answer(found)


def test_fractions_add_up_to_the_same_in_any_order() -> None:
    found = [series(0, value, pod=str(pod)) for pod, value in enumerate((0.1, 1e16, 0.2, 3.3, 0.7))]

    assert grown(*found, begin=0, end=15, whole=False) == grown(*found[::-1], begin=0, end=15, whole=False)


# --- what can't be counted -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "reason", "words"),
    [
        ([0, math.nan], UncountableReason.NOT_A_NUMBER, 'requests_total{pod="a"} has a sample that is nan'),
        ([0, math.inf], UncountableReason.NOT_A_NUMBER, "that is inf"),
        ([0, -1], UncountableReason.NEGATIVE, "below zero, -1: it is no counter"),
        ([0, 0.5], UncountableReason.FRACTION, "0.5: events are counted in whole numbers"),
        ([1000, 990], UncountableReason.FELL, "fell from 1000 to 990"),
        ([100, 101, 103, 100], UncountableReason.FELL, "is it a gauge?"),
        ([3, 2, 4, 1, 2, 0, 3], UncountableReason.GAUGE, "fell 3 times in 6 changes"),
    ],
)
def test_what_is_no_counter_of_events_is_refused(values: list[float], reason: UncountableReason, words: str) -> None:
    with pytest.raises(UncountableError) as refusal:
        grown(series(*values, pod="a"), begin=0, end=100)

    assert refusal.value.reason is reason
    assert words in refusal.value.words
    assert not reason.waits


_LOOPING = [0, 1, 0, 1, 0, 1, 0, 1]
"""What a counter of failures shows in a crash loop; or a gauge of what is under way."""


def test_a_crash_loop_is_no_gauge() -> None:
    bad = series(*_LOOPING, job="app", instance="a")
    all_ = series(0, 9, 2, 7, 1, 5, 2, 4, job="app", instance="a", status="success")

    span = Span.of((bad, all_), 0, 1000)

    assert increase([bad], span) == 4
    assert increase([all_], span) == 9 + 2 + 5 + 1 + 4 + 2 + 2


def test_neither_is_a_counter_that_each_life_of_a_target_begins_with_its_first_event() -> None:
    successes = series(1, 5, 0, 5, 0, 5, 0, 5, job="app", instance="a", status="success")
    others = series(2, 9, 1, 9, 1, 9, 1, 9, job="app", instance="a", status="other")
    samples = ((0.0, 3.0), (45.0, 2.0), (75.0, 1.0), (105.0, 0.0))
    failures = Series({"job": "app", "instance": "a", "status": "failure"}, samples)

    assert increase([failures], Span.of((failures, successes, others), 0, 1000)) == 3


@pytest.mark.parametrize(
    ("others", "labels"),
    [
        ([1, 2, 3, 4, 5, 6, 7, 8], {"job": "app", "instance": "a"}),  # went on meanwhile
        ([0, 9, 2, 7, 1, 5, 2, 4], {"job": "app", "instance": "b"}),  # of another target
        ([0, 9, 2, 7, 1, 5, 2, 4], {}),  # of nobody knows whom
        ([0, 0, 0, 0, 0, 0, 0, 0], {"job": "app", "instance": "a"}),  # tells nothing
    ],
)
def test_what_falls_alone_again_and_again_is_a_gauge(others: list[float], labels: dict[str, str]) -> None:
    own = {"job": "app", "instance": "a"} if labels else {}
    gauge, all_ = (replace(series(*values), labels=one) for values, one in ((_LOOPING, own), (others, labels)))

    with pytest.raises(
        UncountableError, match=r"fell (3 times in 7 changes|while other counters of its target went on)"
    ) as refused:
        increase([gauge], Span.of((gauge, all_), 0, 1000))

    assert refused.value.reason is UncountableReason.GAUGE


@pytest.mark.parametrize(
    ("values", "others", "instance", "alone"),
    [
        ([5, 4], [[900, 901]], "a", True),  # one fall is enough where all else goes on
        ([5, 4], [[900, 900]], "a", True),  # or stands
        ([5, 4], [[900, 901], [900, 3]], "a", False),  # two of a target fell: a part of it restarted
        ([5, 4], [[2, 12]], "a", False),  # it may have come there since a restart
        ([5, 4], [[0, 0]], "a", False),  # nothing tells
        ([5, 4], [[900, 901]], "b", False),  # of another target
        ([5, 6], [[900, 901]], "a", False),
    ],
)
def test_a_fall_while_the_rest_of_the_target_goes_on_is_a_gauges(
    values: list[float], others: list[list[float]], instance: str, *, alone: bool
) -> None:
    one = series(*values, job="app", instance="a", status="failure")
    rest = [series(*found, job="app", instance=instance, place=str(place)) for place, found in enumerate(others)]

    assert fell_alone([one, *rest]) == ((one,) if alone else ())
    if alone:
        with pytest.raises(UncountableError, match=r'status="failure"} fell while .* is it a gauge\?'):
            increase([one], Span.of([one, *rest], 0, 100))
        assert increase(rest, Span.of([one, *rest], 0, 100)) == others[0][1] - others[0][0]


def test_a_counter_that_was_away_at_either_scrape_tells_nothing_of_a_restart() -> None:
    one = series(5, 4, 4, job="app", instance="a")
    late = series(900, 900, begin=15, job="app", instance="a", status="late")
    early = series(900, begin=0, job="app", instance="a", status="early")
    born_anew = Series({"job": "app", "instance": "a"}, ((0.0, 900.0), (30.0, 901.0)))

    assert fell_alone([one, late, early, born_anew]) == ()


def test_counters_whose_sum_is_no_number_any_more_are_counters() -> None:
    assert grown(series(1e308, 1e308, 1e308), begin=0, end=1000) == 0


def test_a_counter_of_failures_that_is_gone_for_a_while_after_each_restart_is_no_gauge() -> None:
    target = {"job": "app", "instance": "p"}
    lives = 4
    good = series(*[value for _ in range(lives) for value in (10, 40, 70, 100)], job="app", instance="p")
    failed = tuple(
        (60.0 * life + at, value) for life in range(lives) for at, value in ((15, 1.0), (30, 3.0), (45, 3.0))
    )
    bad = Series({"__name__": "requests_total", "status": "failure", **target}, failed)

    assert increase([bad], Span.of([good, bad], 0, 60.0 * lives)) == 1 + 2 + (lives - 1) * 3


@pytest.mark.parametrize("failed", [(1, 1, 1, 1), (20, 20, 25, 26)])
def test_a_target_that_begins_anew_with_failures_is_no_gauge(failed: tuple[float, ...]) -> None:
    good = series(900, 1000, 40, 140, job="app", instance="p")
    bad = series(*failed, job="app", instance="p", status="failure")
    span = Span.of([good, bad], 15, 30)

    assert increase([good, bad], span) == 40 + failed[2] - failed[1]


def test_a_busy_counter_may_restart_between_two_scrapes() -> None:
    assert grown(series(0, 300, 600, 250, 550), begin=0, end=100) == 600 + 250 + 300


def test_sums_may_be_fractions_but_not_fall() -> None:
    assert grown(series(0.25, 0.5), begin=0, end=100, whole=False) == 0.25
    with pytest.raises(UncountableError):
        grown(series(500.5, 499.5), begin=0, end=100, whole=False)


# --- from before what counts began -----------------------------------------------------------


def target(status: str, *samples: tuple[float, float]) -> Series:
    return Series({"__name__": "requests_total", "job": "app", "instance": "p", "status": status}, samples)


GOOD = target("success", *((float(at), 100.0 + at) for at in range(0, 91, 15)))
"""Of a target that goes on all the time."""


def test_failures_that_were_hidden_since_before_are_refused_for_their_share_is_not_known() -> None:
    hidden = target("failure", (0, 4), (75, 41), (90, 45))

    with pytest.raises(UncountableError, match=r'status="failure".* is back at 41') as refusal:
        increase([hidden], Span.of([GOOD, hidden], 45, 75, since=20))
    assert refusal.value.reason is UncountableReason.HIDDEN
    assert not refusal.value.reason.waits
    assert increase([hidden], Span.of([GOOD, hidden], 75, 90, since=20)) == 4


def test_failures_that_were_hidden_when_the_percentage_changed_are_refused_for_others_were_there() -> None:
    hidden = target("failure", (0, 4), (75, 41), (90, 45))

    with pytest.raises(
        UncountableError, match=r'status="failure".* the percentage changed, and is back at 41'
    ) as refusal:
        increase([hidden], Span.of([GOOD, hidden], 45, 75, changes=(20,)))
    assert refusal.value.reason is UncountableReason.HIDDEN
    assert increase([hidden], Span.of([GOOD, hidden], 75, 90, changes=(20,))) == 4


def test_failures_that_were_hidden_over_two_changes_are_refused_for_the_earlier() -> None:
    hidden = target("failure", (0, 4), (75, 41))

    with pytest.raises(UncountableError, match="the percentage changed"):
        increase([hidden], Span.of([GOOD, hidden], 45, 75, changes=(20, 70)))


@pytest.mark.parametrize(
    ("bad", "change", "grew"),
    [
        (target("failure", (0, 4), (75, 41)), -1, 37),  # the percentage changed before it was hidden
        (target("failure", (0, 4), (75, 41)), 50, 37),  # one scrape without it may be cut in two
        (target("failure", (0, 4), (75, 4)), 20, 0),  # nothing came
        (target("failure", (30, 4), (75, 41)), 20, 37),  # it was seen since
        (Series({"status": "failure"}, ((0, 4), (75, 41))), 20, 37),  # nobody knows whether its target was scraped
    ],
)
def test_failures_that_were_hidden_otherwise_count_with_the_scrape_that_they_are_back_with(
    bad: Series, change: float, grew: float
) -> None:
    """Or a model whose failures are missing now and then would seem to have none."""
    assert increase([bad], Span.of([GOOD, bad], 45, 75, changes=(change,))) == grew


def test_of_a_target_that_restarted_while_failures_were_hidden_what_came_since_counts() -> None:
    good = target("success", (0, 100), (15, 110), (30, 3), (45, 9), (60, 12), (75, 15))
    slow = target("slow", (0, 50), (15, 55), (30, 1), (45, 2), (60, 3), (75, 4))
    hidden = target("failure", (0, 4), (75, 41))
    assert increase([hidden], Span.of([good, slow, hidden], 45, 75, changes=(20,))) == 41


@pytest.mark.parametrize("silent", [(0, 15), (0, 15, 30)])
def test_what_was_out_of_reach_with_its_whole_target_counts_from_its_next_sample(silent: tuple[int, ...]) -> None:
    reached = target("success", *(sample for sample in GOOD.samples if sample[0] not in silent[1:]))
    bad = target("failure", (0, 4), (silent[-1] + 15, 41), (silent[-1] + 30, 42))

    assert increase([bad], Span.of([reached, bad], 10, 90, since=10)) == 1


def test_a_scrape_that_is_cut_in_two_hides_nothing() -> None:
    bad = target("failure", (0, 4), (30, 41))

    assert increase([bad], Span.of([GOOD, bad], 15, 45, since=10)) == 0


def test_of_whom_nobody_knows_where_they_were_scraped_from_nothing_is_missing() -> None:
    good, bad = replace(GOOD, labels={"status": "success"}), Series({"status": "failure"}, ((0, 4), (75, 41)))

    assert increase([bad], Span.of([good, bad], 45, 90, since=20)) == 0


def test_what_is_back_as_it_was_has_not_grown() -> None:
    bad = target("failure", (0, 4), (75, 4), (90, 6))

    assert increase([bad], Span.of([GOOD, bad], 45, 90, since=20)) == 2


@pytest.mark.parametrize("back", [3, 41])
def test_failures_that_come_after_a_restart_count_from_zero(back: float) -> None:
    began_anew = target("success", (0, 100), (15, 115), (30, 10), (45, 40), (60, 70), (75, 100), (90, 130))
    bad = target("failure", (0, 3), (15, 4), (75, back), (90, back + 1))

    assert increase([bad], Span.of([began_anew, bad], 45, 90, since=20)) == back + 1


def test_what_is_back_with_less_has_begun_anew() -> None:
    bad = target("failure", (0, 4), (75, 1), (90, 3))

    assert increase([bad], Span.of([GOOD, bad], 45, 90, since=20)) == 1 + 2


def pod(name: str, *samples: tuple[float, float, float]) -> list[Series]:
    """The failures and successes of a pod."""
    labels = {"__name__": "requests_total", "job": "app", "instance": name}
    failed, went = (tuple((at, count[which]) for at, *count in samples) for which in (0, 1))
    return [Series({**labels, "status": "failure"}, failed), Series({**labels, "status": "success"}, went)]


STEADY = pod("a", *((15.0 * at, at, 10_000 + 150 * at) for at in range(40)))


def test_a_pod_that_was_out_of_reach_for_long_counts_for_nothing_until_it_is_seen_again() -> None:
    """Its failures are as few as a new pod's may be, its successes are not: they told that it is an old one."""
    found = [*STEADY, *pod("b", (308, 387, 76_000), (323, 388, 76_150))]

    span = Span.of(found, 300, 315)
    assert [increase([one], span) for one in found] == [1, 150, 0, 0]
    assert [increase([one], Span.of(found, 315, 330)) for one in found] == [1, 150, 1, 150]


def test_a_new_pod_counts_from_its_second_scrape() -> None:
    """Which pod is new and which was out of reach, a scrape of few requests does not tell."""
    found = [*STEADY, *pod("b", (308, 3, 20), (323, 4, 60))]

    assert [increase([one], Span.of(found, 300, 330)) for one in found[2:]] == [1, 40]


def test_a_series_is_new_that_was_not_in_the_scrape_before_be_it_of_the_same_block() -> None:
    bad, good = pod("a", (5, 0, 1000), (20, 50, 1150), (35, 100, 1300), (50, 150, 1450))
    bad = replace(bad, samples=bad.samples[1:])
    found = [good, bad]

    by_quarter = sum(increase([bad], Span.of(found, at, at + 15, since=-1)) for at in range(0, 60, 15))
    assert increase([bad], Span.of(found, 0, 60, since=-1)) == by_quarter


def test_failures_that_are_born_after_each_restart_count_in_full_whatever_they_were_before() -> None:
    lives = 4
    good = target("success", *((60.0 * life + 15 * at, 10.0 + 30 * at) for life in range(lives) for at in range(4)))
    bad = target("failure", *((60.0 * life + 15 * at, 20.0) for life in range(lives) for at in range(1, 4)))

    assert increase([bad], Span.of([good, bad], 0, 60.0 * lives)) == 20 * lives


# --- what goes on under other labels, and sums -----------------------------------------------


def test_failures_that_go_on_under_another_name_are_none_of_the_block() -> None:
    """A rule of relabelling drops a label that failures alone have: all that came before would be of this block."""
    before = target("failure", (0, 40), (15, 41), (30, 41))
    after = Series({**before.labels, "reason": "timeout"}, ((45.0, 42.0), (60.0, 44.0)))
    found = [GOOD, before, after]

    assert [sum(increase([one], Span.of(found, 30, end)) for one in found[1:]) for end in (45, 60)] == [0, 2]


def test_failures_that_join_under_one_name_are_none_either() -> None:
    parts = [target(reason, (15, 20.0), (30, 21.0)) for reason in ("slow", "lost")]
    joined = target("failure", (45, 43), (60, 45))
    found = [GOOD, *parts, joined]

    assert increase([joined], Span.of(found, 30, 60)) == 2


@pytest.mark.parametrize("samples", [((0, 40), (15, 41)), ((0, 40), (15, 43), (30, 43)), ()])
def test_what_stands_lower_than_what_ended_then_is_new(samples: tuple[tuple[float, float], ...]) -> None:
    """So is what begins when nothing ended."""
    assert (
        increase([target("new", (45, 8))], Span.of([GOOD, target("other", *samples), target("new", (45, 8))], 30, 45))
        == 8
    )


def test_what_begins_in_the_first_scrape_has_none_before_it() -> None:
    new = target("new", (45, 8), (60, 9))

    assert increase([new], Span.of([target("success", (45, 3), (60, 9)), new], 30, 60)) == 1


def test_failures_that_a_restart_ended_begin_anew_however_many_they_are() -> None:
    good = target("success", (0, 100), (15, 115), (30, 130), (45, 9), (60, 30))
    one, other = target("failure", (15, 3), (30, 4)), target("failure2", (45, 6), (60, 7))

    assert increase([other], Span.of([good, one, other], 30, 60)) == 7


def test_what_was_missing_in_a_restart_tells_of_no_second_one_when_it_is_back() -> None:
    good = target("success", (0, 100), (15, 115), (30, 5), (45, 20), (60, 35), (75, 50))
    gone = target("gone", (0, 4), (15, 4))
    missing = target("missing", (0, 30), (15, 31), (75, 3))
    bad = target("failure", (0, 2), (15, 3), (30, 0), (45, 1), (75, 9))
    found = [good, gone, missing, bad]

    assert [increase([one], Span.of(found, 45, 75)) for one in (missing, bad)] == [3, 9 - 1]


def test_a_pod_that_missed_a_scrape_while_another_restarted_counts_on() -> None:
    """Of targets with times of their own, federated under one name, one that restarts seems to be all of them."""
    restarted = [target(f"{status} of 1", (30, 500), (45, low)) for status, low in (("failure", 0.0), ("success", 9.0))]
    missed = target("failure", (25, 20_000), (55, 20_004))
    other = target("success", *((at, 100_000.0 + at) for at in (10, 25, 40, 55)))

    assert increase([missed], Span.of([*restarted, missed, other], 30, 60)) == 4


SUM = [
    replace(one, labels={"status": status})
    for status, one in (("failure", series(10, 9, 8)), ("success", series(300, 310, 320)))
]
"""Recorded, over pods of which one after another ends."""


def test_what_is_left_of_a_sum_is_nothing_that_came() -> None:
    with pytest.raises(
        UncountableError, match=r"fell from 10 to 9 while others like it went on: a sum over pods"
    ) as refusal:
        increase(SUM[:1], Span.of(SUM, 0, 30))
    assert refusal.value.reason is UncountableReason.FELL


@pytest.mark.parametrize(
    ("failed", "went", "came"),
    [((10, 3), (300, 20), 3), ((10, 0), (300, 310), 0), ((10, 3), (), 3), ((10, 3), (0, 0), 3)],
)
def test_counters_of_who_knows_where_may_all_restart(
    failed: tuple[float, ...], went: tuple[float, ...], came: float
) -> None:
    bad, good = (Series({"status": str(place)}, series(*values).samples) for place, values in enumerate((failed, went)))

    span = Span.of([bad, good], 0, 30)
    assert (increase([bad], span), increase([bad], span)) == (came, came)


def test_a_sample_is_seen_from_after_the_begin_to_the_end() -> None:
    found = [series(1, begin=15)]

    assert [seen(found, Span.of(found, begin, end)) for begin, end in ((0, 15), (15, 30), (0, 14))] == [
        True,
        False,
        False,
    ]
