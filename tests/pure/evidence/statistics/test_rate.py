"""A rate's test: no false alarm beyond what was asked for, by counting every case; and what it finds."""

import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlrollout.evidence.statistics.bets import MULTIPLES, enough
from mlrollout.evidence.statistics.blocks import Block, Counts
from mlrollout.evidence.statistics.rate import RateState, RateTest

from tests.pure.evidence.statistics.courses import BEGIN, chance, every, states

LIMITS = st.floats(0.001, 0.999)
COUNTS = st.integers(0, 50).flatmap(lambda events: st.builds(Counts, st.just(events), st.integers(0, events)))


def course(test: RateTest, blocks: Sequence[Counts], seconds: float = 15.0) -> list[RateState]:
    return states(test.begin(BEGIN), test.update, blocks, seconds)


# --- no false alarm beyond what was asked for ------------------------------------------------


@given(LIMITS, st.lists(st.integers(0, 3), min_size=1, max_size=4), st.sampled_from([1.0, 60.0, 7200.0]), st.data())
def test_a_stake_does_not_grow_in_the_mean_while_no_share_is_above_the_limit(
    limit: float, sizes: list[int], seconds: float, data: st.DataObject
) -> None:
    shares = [data.draw(st.floats(0, limit)) for _ in sizes]
    mean = 0.0
    for case in every(sizes):
        weight = math.prod(chance(counts, share) for counts, share in zip(case, shares, strict=True))
        mean += weight * math.exp(course(RateTest(limit), case, seconds)[-1].bets.log_worse)

    assert mean <= 1 + 1e-9


@given(LIMITS, st.lists(st.integers(0, 3), min_size=1, max_size=4))
def test_at_the_limit_a_stake_stays_what_it_is_in_the_mean(limit: float, sizes: list[int]) -> None:
    ends = [(math.prod(chance(c, limit) for c in case), course(RateTest(limit), case)[-1]) for case in every(sizes)]

    assert math.fsum(weight * math.exp(end.bets.log_worse) for weight, end in ends) == pytest.approx(1)
    assert math.fsum(weight * math.exp(end.bets.log_safe) for weight, end in ends) == pytest.approx(1)


@given(LIMITS, st.lists(st.integers(0, 3), min_size=1, max_size=4), st.data())
def test_safe_is_not_proven_in_the_mean_while_no_share_is_below_the_limit(
    limit: float, sizes: list[int], data: st.DataObject
) -> None:
    shares = [data.draw(st.floats(limit, 1)) for _ in sizes]
    mean = sum(
        math.prod(chance(counts, share) for counts, share in zip(case, shares, strict=True))
        * math.exp(course(RateTest(limit), case)[-1].bets.log_safe)
        for case in every(sizes)
    )

    assert mean <= 1 + 1e-9


@pytest.mark.parametrize("alpha", [0.3, 0.1])
def test_the_chance_that_it_ever_alarms_at_the_limit_is_at_most_alpha(alpha: float) -> None:
    """Every course of twelve blocks of one event, looked at after each."""
    test, limit = RateTest(0.3), 0.3
    ever = 0.0
    for case in every([1] * 12):
        if any(enough(state.bets.log_worse, alpha) for state in course(test, case)):
            ever += math.prod(chance(counts, limit) for counts in case)

    assert 0 < ever <= alpha


# --- what it does with its blocks ------------------------------------------------------------


@given(LIMITS, st.lists(COUNTS, min_size=1, max_size=6), st.data())
def test_more_bad_events_are_more_evidence(limit: float, blocks: list[Counts], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(blocks) - 1))
    worse = [*blocks]
    worse[at] = Counts(blocks[at].events, data.draw(st.integers(int(blocks[at].bad), int(blocks[at].events))))
    one, other = course(RateTest(limit), blocks)[-1].bets, course(RateTest(limit), worse)[-1].bets

    assert other.log_worse >= one.log_worse - 1e-9
    assert other.log_safe <= one.log_safe + 1e-9


@given(LIMITS, st.lists(COUNTS, min_size=1, max_size=6))
def test_a_bet_without_restarts_is_the_same_however_its_events_are_split(limit: float, blocks: list[Counts]) -> None:
    whole = course(RateTest(limit), [sum(blocks, Counts())])[-1].bets
    split = course(RateTest(limit), blocks)[-1].bets

    assert split.safe == pytest.approx(whole.safe, abs=1e-9)


@pytest.mark.parametrize("limit", [0.001, 0.05, 0.5, 0.97])
def test_a_bet_is_the_ratio_of_the_chances_under_both_shares(limit: float) -> None:
    safe = course(RateTest(limit), [Counts(20, 4)])[-1].bets.safe

    for at, multiple in enumerate(MULTIPLES):
        share = limit / multiple / (1 + limit * (1 / multiple - 1))
        assert math.exp(safe[at]) == pytest.approx(chance(Counts(20, 4), share) / chance(Counts(20, 4), limit))


def test_a_thousand_million_events_do_not_overflow() -> None:
    test = RateTest(0.01)
    bad = course(test, [Counts(10**9, 10**8)])[-1].bets
    good = course(test, [Counts(10**9, 10**6)])[-1].bets

    assert bad.log_worse > 1e8
    assert bad.log_safe < -1e6
    assert good.log_safe > 1e6
    assert -3 < good.log_worse < 0


def test_a_stage_counts_its_own_events() -> None:
    test = RateTest(0.05)
    state = course(test, [Counts(100, 2), Counts(50, 1)])[-1]

    assert state.counts == Counts(150, 3)
    assert state.next_stage().counts == Counts()
    assert state.next_stage().bets.log_worse == state.bets.log_worse
    assert state.next_stage().bets.log_safe == 0


# --- bad input -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        (5, "a share between 0 and 1, not 5; 5 % is 0.05"),
        (1, "not 1; 1 % is 0.01"),
        (0, "not 0$"),
        (-0.1, "not -0.1$"),
        (math.nan, "not nan$"),
        (math.inf, "not inf$"),
    ],
)
def test_a_limit_is_a_share(limit: float, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        RateTest(limit)


@pytest.mark.parametrize(
    ("events", "bad"), [(1, 2), (-1, 0), (3, -1), (math.nan, 0), (3, math.nan), (math.inf, 0), (math.inf, math.inf)]
)
def test_counts_that_cannot_be_are_refused(events: float, bad: float) -> None:
    with pytest.raises(ValueError, match="cannot be"):
        Counts(events, bad)


@pytest.mark.parametrize(("begin", "end"), [(1.0, 1.0), (2.0, 1.0), (math.nan, 1.0), (0.0, math.inf)])
def test_a_block_without_a_span_is_refused(begin: float, end: float) -> None:
    with pytest.raises(ValueError, match="a block ends after it begins"):
        Block(begin, end, Counts())
