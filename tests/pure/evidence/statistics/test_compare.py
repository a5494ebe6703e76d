"""The comparison of two groups: no false alarm whatever the control's share is, by counting every case."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlrollout.evidence.statistics import checkpoint
from mlrollout.evidence.statistics.blocks import Counts, Pair
from mlrollout.evidence.statistics.compare import CompareState, CompareTest

from tests.pure.evidence.statistics.courses import BEGIN, chance, every, states

SHARES = st.floats(0, 1)
SIZES = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=2)
TESTS = st.builds(CompareTest, ratio=st.floats(0.2, 4), difference=st.sampled_from([0.0, 0.01, 0.2]))
COUNTS = st.integers(0, 50).flatmap(lambda events: st.builds(Counts, st.just(events), st.integers(0, events)))
PAIRS = st.builds(Pair, COUNTS, COUNTS)


def course(test: CompareTest, blocks: list[Pair[Counts]]) -> list[CompareState]:
    return states(test.begin(BEGIN), test.update, blocks)


def pairs(sizes: list[tuple[int, int]]) -> list[list[Pair[Counts]]]:
    flat = every([size for pair in sizes for size in pair])
    return [[Pair(one, other) for one, other in zip(case[::2], case[1::2], strict=True)] for case in flat]


def means(test: CompareTest, sizes: list[tuple[int, int]], shares: list[tuple[float, float]]) -> tuple[float, float]:
    """What a stake on worse and one on safe become in the mean, over every case."""
    worse = safe = 0.0
    for case in pairs(sizes):
        weight = math.prod(
            chance(pair.treatment, treatment) * chance(pair.control, control)
            for pair, (treatment, control) in zip(case, shares, strict=True)
        )
        bets = course(test, case)[-1].bets
        worse, safe = worse + weight * math.exp(bets.log_worse), safe + weight * math.exp(bets.log_safe)
    return worse, safe


# --- no false alarm beyond what was asked for ------------------------------------------------


@given(TESTS, SIZES, st.data())
def test_a_stake_does_not_grow_in_the_mean_while_no_more_than_tolerated_is_bad(
    test: CompareTest, sizes: list[tuple[int, int]], data: st.DataObject
) -> None:
    controls = [data.draw(SHARES) for _ in sizes]
    shares = [
        (data.draw(st.floats(0, min(1.0, test.ratio * control + test.difference))), control) for control in controls
    ]

    assert means(test, sizes, shares)[0] <= 1 + 1e-9


@given(TESTS, SIZES, st.data())
def test_safe_is_not_proven_in_the_mean_while_more_than_tolerated_is_bad(
    test: CompareTest, sizes: list[tuple[int, int]], data: st.DataObject
) -> None:
    controls = [data.draw(st.floats(0, min(1.0, (1 - test.difference) / test.ratio))) for _ in sizes]
    shares = [
        (data.draw(st.floats(min(1.0, test.ratio * control + test.difference), 1)), control) for control in controls
    ]

    assert means(test, sizes, shares)[1] <= 1 + 1e-9


def test_changed_percentages_with_changed_shares_are_no_evidence() -> None:
    """Pooled, 10.9 % against 2.8 %: Simpson's paradox, as every ramp with a bad day makes it."""
    quiet, storm = Pair(Counts(1000, 10), Counts(9000, 90)), Pair(Counts(9000, 1080), Counts(1000, 120))
    bets = course(CompareTest(), [quiet, storm] * 20)[-1].bets

    assert bets.log_worse < 0


# --- what it does with its blocks ------------------------------------------------------------


@given(TESTS, st.lists(PAIRS, min_size=1, max_size=5), st.data())
def test_more_bad_events_of_the_treatment_are_more_evidence_and_of_the_control_less(
    test: CompareTest, blocks: list[Pair[Counts]], data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(blocks) - 1))
    pair = blocks[at]

    def more(counts: Counts) -> Counts:
        return Counts(counts.events, data.draw(st.integers(int(counts.bad), int(counts.events))))

    treatment, control = [*blocks], [*blocks]
    treatment[at], control[at] = Pair(more(pair.treatment), pair.control), Pair(pair.treatment, more(pair.control))
    before, bad, good = (course(test, case)[-1].bets for case in (blocks, treatment, control))

    assert bad.log_worse >= before.log_worse - 1e-9
    assert bad.log_safe <= before.log_safe + 1e-9
    assert good.log_worse <= before.log_worse + 1e-9
    assert good.log_safe >= before.log_safe - 1e-9


@given(TESTS, COUNTS)
def test_a_block_in_which_one_group_had_no_events_says_nothing(test: CompareTest, counts: Counts) -> None:
    for pair in (Pair(counts, Counts()), Pair(Counts(), counts)):
        bets = course(test, [pair])[-1].bets
        assert bets.log_worse == pytest.approx(0, abs=1e-9)
        assert bets.log_safe == pytest.approx(0, abs=1e-9)


@given(TESTS, st.integers(1, 20), st.integers(1, 20), st.data())
def test_without_restarts_a_block_may_be_split_where_both_groups_are_split_alike(
    test: CompareTest, treated: int, controlled: int, data: st.DataObject
) -> None:
    parts = [
        Pair(
            Counts(treated, data.draw(st.integers(0, treated))),
            Counts(controlled, data.draw(st.integers(0, controlled))),
        )
        for _ in range(3)
    ]
    treatment, control = (sum(side, Counts()) for side in zip(*((p.treatment, p.control) for p in parts), strict=True))
    whole, split = (course(test, case)[-1].bets.safe for case in ([Pair(treatment, control)], parts))

    assert split == pytest.approx(whole, abs=1e-9)


def test_with_nothing_tolerated_a_bet_is_the_ratio_of_two_binomial_chances() -> None:
    safe = course(CompareTest(ratio=2.0), [Pair(Counts(100, 4), Counts(300, 6))])[-1].bets.safe
    share = 200 / 500

    halved = share / 2 / (1 + share * (1 / 2 - 1))
    assert math.exp(safe[3]) == pytest.approx(chance(Counts(10, 4), halved) / chance(Counts(10, 4), share))


def test_a_thousand_million_events_do_not_overflow() -> None:
    bets = course(CompareTest(difference=0.01), [Pair(Counts(10**9, 10**8), Counts(10**9, 10**6))])[-1].bets

    assert 1e6 < bets.log_worse < math.inf
    assert -math.inf < bets.log_safe < -1e6


def test_a_stage_counts_its_own_events_and_a_state_survives_being_written() -> None:
    state = course(CompareTest(), [Pair(Counts(10, 2), Counts(90, 1)), Pair(Counts(5, 0), Counts(40, 3))])[-1]

    assert (state.treatment, state.control) == (Counts(15, 2), Counts(130, 4))
    assert (state.next_stage().treatment, state.next_stage().control) == (Counts(), Counts())
    assert checkpoint.load(CompareState, checkpoint.dump(state)) == state


# --- what it finds ---------------------------------------------------------------------------


@pytest.mark.parametrize("test", [CompareTest(), CompareTest(ratio=1.5), CompareTest(difference=0.02)])
def test_what_is_worse_is_found_and_what_is_better_is_proven_safe(test: CompareTest) -> None:
    worse = course(test, [Pair(Counts(10, 2), Counts(90, 1))] * 40)[-1].bets
    better = course(test, [Pair(Counts(100, 1), Counts(100, 4))] * 60)[-1].bets

    assert worse.log_worse > 20
    assert better.log_safe > 20


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"ratio": 0.0}, "above 0, not 0"),
        ({"ratio": math.inf}, "not inf"),
        ({"ratio": math.nan}, "not nan"),
        ({"difference": -0.01}, "not -0.01"),
        ({"difference": 1.0}, "below 1, not 1"),
        ({"difference": math.nan}, "not nan"),
    ],
)
def test_what_cannot_be_tolerated_is_refused(wrong: dict[str, float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        CompareTest(**wrong)
