"""The comparison of means: no distribution makes it alarm without an effect, however long its tail."""

import math
import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlrollout.evidence.statistics import checkpoint
from mlrollout.evidence.statistics.bets import enough
from mlrollout.evidence.statistics.blocks import Pair, Sums
from mlrollout.evidence.statistics.intervals import Interval
from mlrollout.evidence.statistics.mean import LEARNING, Gaps, MeanState, MeanTest, _factors, of_gap

from tests.pure.evidence.statistics.courses import BEGIN, states

Draw = Callable[[random.Random], float]


def course(test: MeanTest, blocks: list[Pair[Sums]]) -> list[MeanState]:
    return states(test.begin(BEGIN), test.update, blocks)


def blocks(seed: int, draw: Draw, *, times: float = 1.0, many: int = 60, size: int = 40) -> list[Pair[Sums]]:
    """Blocks of the same distribution in both groups, the treatment's values so many times as great."""
    chance = random.Random(seed)  # noqa: S311  # from a fixed seed

    def sums(count: int, factor: float) -> Sums:
        return Sums(count, math.fsum(factor * draw(chance) for _ in range(count)))

    return [Pair(sums(size // 4, times), sums(size, 1.0)) for _ in range(many)]


def normal(chance: random.Random) -> float:
    return chance.gauss(1.0, 0.3)


def tailed(chance: random.Random) -> float:
    """Without a finite variance."""
    return chance.paretovariate(1.5)


# --- no false alarm beyond what was asked for ------------------------------------------------


@given(
    st.lists(st.tuples(st.floats(0.01, 1), st.floats(-50, 50)), min_size=2, max_size=5),
    st.floats(0.1, 1e6),
    st.floats(0, 5),
)
def test_without_an_effect_a_bet_does_not_grow_in_the_mean_for_any_distribution(
    points: list[tuple[float, float]], weight: float, better: float
) -> None:
    total = math.fsum(chance for chance, _ in points)
    mean = math.fsum(chance / total * value for chance, value in points)
    gaps = [(chance / total, value - mean - better) for chance, value in points]
    variance = math.fsum(chance * (gap + better) ** 2 for chance, gap in gaps)
    spread = math.sqrt(variance * weight)

    if spread > 1e-6:
        means = [
            math.fsum(chance * math.exp(factors[at]) for (chance, _), factors in zip(gaps, drawn, strict=True))
            for drawn in [[_factors(gap, weight, spread) for _, gap in gaps]]
            for at in range(len(drawn[0]))
        ]
        assert max(means) <= 1 + 1e-6


@pytest.mark.parametrize("draw", [normal, tailed])
def test_the_same_distribution_in_both_groups_is_no_breach(draw: Draw) -> None:
    alarms = [
        any(enough(state.bets.log_worse, 0.05) for state in course(MeanTest(), blocks(seed, draw)))
        for seed in range(40)
    ]

    assert sum(alarms) <= 3


def test_one_value_from_far_out_wins_little() -> None:
    quiet = blocks(1, normal)
    storm = Pair(Sums(10, 1e9), Sums(40, 40.0))
    before, after = course(MeanTest(), [*quiet, storm])[-2:]

    assert after.bets.log_worse - before.bets.log_worse <= 1.5


def test_an_infinite_gap_would_be_refused_before() -> None:
    with pytest.raises(ValueError, match="cannot be"):
        Sums(1, math.inf)
    with pytest.raises(ValueError, match="cannot be"):
        Sums(-1, 0)


# --- what it finds ---------------------------------------------------------------------------


@pytest.mark.parametrize(("lower", "times"), [(False, 1.3), (True, 0.7)])
def test_a_worse_mean_is_found_and_a_better_one_proven_safe(lower: bool, times: float) -> None:  # noqa: FBT001
    worse = course(MeanTest(lower=lower), blocks(1, normal, times=times))[-1].bets
    better = course(MeanTest(lower=not lower), blocks(1, normal, times=times))[-1].bets

    assert enough(worse.log_worse, 0.01)
    assert enough(better.log_safe, 0.01)
    assert not enough(worse.log_safe, 0.01)
    assert not enough(better.log_worse, 0.01)


@pytest.mark.parametrize("test", [MeanTest(ratio=1.4), MeanTest(difference=0.4)])
def test_what_is_tolerated_is_no_breach(test: MeanTest) -> None:
    assert not enough(course(test, blocks(1, normal, times=1.3))[-1].bets.log_worse, 0.01)
    assert enough(course(test, blocks(1, normal, times=2.0))[-1].bets.log_worse, 0.01)


def test_what_gets_worse_late_is_found() -> None:
    made = [*blocks(1, normal, many=400), *blocks(2, normal, times=1.5, many=20)]
    found = course(MeanTest(), made)

    assert not enough(found[400].bets.log_worse, 0.01)
    assert enough(found[-1].bets.log_worse, 0.01)


# --- what it does with its blocks ------------------------------------------------------------


def test_the_first_blocks_only_teach() -> None:
    found = course(MeanTest(), blocks(1, normal, times=9.0, many=LEARNING + 2))

    assert all(state.bets.worse == found[0].bets.worse[:1] * len(state.bets.worse) for state in found[:1])
    assert found[LEARNING].bets.log_safe == 0
    assert found[LEARNING].attempt.spread == 0
    assert found[LEARNING + 2].bets.log_worse > 0


@pytest.mark.parametrize("pair", [Pair(Sums(), Sums(3, 1.0)), Pair(Sums(3, 1.0), Sums()), Pair(Sums(), Sums())])
def test_a_block_in_which_a_group_has_no_values_says_nothing(pair: Pair[Sums]) -> None:
    before, after = course(MeanTest(), [*blocks(1, normal), pair])[-2:]

    assert after.bets.log_worse == pytest.approx(before.bets.log_worse)
    assert after.attempt == before.attempt


def test_values_that_are_all_the_same_teach_nothing_and_break_nothing() -> None:
    same = Pair(Sums(10, 10.0), Sums(40, 40.0))
    found = course(MeanTest(), [same] * 40)

    assert found[-1].bets.log_safe == 0


@given(st.lists(st.tuples(st.floats(-100, 100), st.floats(0.1, 1e6)), min_size=LEARNING + 1, max_size=40))
def test_how_far_gaps_lie_apart_is_learnt_as_if_all_were_known_at_once(gaps: list[tuple[float, float]]) -> None:
    learnt = Gaps()
    for gap, weight in gaps:
        learnt = learnt.add(gap, weight)
    total = math.fsum(weight for _, weight in gaps)
    mean = math.fsum(gap * weight for gap, weight in gaps) / total
    apart = math.fsum(weight * (gap - mean) ** 2 for gap, weight in gaps)

    assert learnt.mean == pytest.approx(mean, abs=1e-6)
    assert learnt.apart == pytest.approx(apart, rel=1e-6, abs=1e-6)
    assert learnt.spread == pytest.approx(math.sqrt(learnt.apart / (len(gaps) - 1)))


def test_a_stage_counts_its_own_values_and_a_state_survives_being_written() -> None:
    state = course(MeanTest(), blocks(1, normal, many=30))[-1]
    after = state.next_stage()

    assert state.treatment.count == 300
    assert (after.treatment, after.control, after.stage) == (Sums(), Sums(), Gaps())
    assert after.attempt == state.attempt
    assert checkpoint.load(MeanState, checkpoint.dump(state)) == state


# --- bounds ----------------------------------------------------------------------------------


def test_bounds_hold_the_gap_and_narrow() -> None:
    few, many = (course(MeanTest(), blocks(5, normal, times=1.3, many=size))[-1].stage for size in (30, 300))
    wide, narrow = of_gap(few, 0.05), of_gap(many, 0.05)

    assert wide.low < 0.3 < wide.high
    assert narrow.low < 0.3 < narrow.high
    assert narrow.high - narrow.low < (wide.high - wide.low) / 2


def test_before_anything_is_learnt_there_are_no_bounds() -> None:
    assert of_gap(Gaps(), 0.05) == Interval(-math.inf, None, math.inf)
    assert of_gap(Gaps().add(0.5, 3.0), 0.05) == Interval(-math.inf, 0.5, math.inf)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"ratio": 0.0}, "above 0, not 0"),
        ({"ratio": math.nan}, "not nan"),
        ({"difference": -1.0}, "0 or more, not -1"),
        ({"difference": math.inf}, "not inf"),
    ],
)
def test_what_cannot_be_tolerated_is_refused(wrong: dict[str, float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        MeanTest(**wrong)  # type: ignore[arg-type]
