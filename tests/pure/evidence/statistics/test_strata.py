"""Blocks of one group alone wait for the other, so that short blocks tell as much as long ones."""

import itertools
import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlrollout.evidence.statistics import checkpoint
from mlrollout.evidence.statistics.blocks import Block, Counts, Pair, Sums
from mlrollout.evidence.statistics.cohorts import Cohorts
from mlrollout.evidence.statistics.compare import CompareTest
from mlrollout.evidence.statistics.mean import MeanState, MeanTest
from mlrollout.evidence.statistics.shares import SharesState, SharesTest
from mlrollout.evidence.statistics.strata import Unpaired

from tests.pure.evidence.statistics.courses import BEGIN, chance, every, states

TEST = SharesTest(CompareTest(), 0.05)
NOTHING = Counts()


def shares(*blocks: Cohorts, test: SharesTest = TEST) -> list[SharesState]:
    return states(test.begin(BEGIN), test.update, blocks)


def of(treatment: Counts, control: Counts) -> Cohorts:
    return Pair((treatment,), (control,))


@given(st.integers(1, 9), st.integers(1, 9), st.data())
def test_blocks_of_one_group_alone_are_one_larger_block(treated: int, controlled: int, data: st.DataObject) -> None:
    treatment = Counts(treated, data.draw(st.integers(0, treated)))
    control = Counts(controlled, data.draw(st.integers(0, controlled)))
    apart = shares(of(treatment, NOTHING), of(NOTHING, NOTHING), of(NOTHING, control))
    whole = TEST.update(TEST.begin(BEGIN), Block(BEGIN, BEGIN + 45, of(treatment, control)))

    assert apart[1].bets == apart[2].bets == apart[0].bets
    assert apart[3].bets.log_worse == pytest.approx(whole.bets.log_worse, abs=1e-12)
    assert apart[3].bets.log_safe == pytest.approx(whole.bets.log_safe, abs=1e-12)
    assert apart[1].pair == Pair(treatment, NOTHING), "what waits is told all the same"
    assert apart[3].pair == whole.pair
    assert apart[3].waiting == Unpaired()


@given(st.lists(st.sampled_from([(0, 1), (1, 0), (0, 2), (1, 1), (0, 0)]), min_size=1, max_size=5), st.floats(0, 1))
def test_a_stake_does_not_grow_in_the_mean_although_blocks_wait(sizes: list[tuple[int, int]], share: float) -> None:
    outcomes = every([size for pair in sizes for size in pair])
    mean = 0.0
    for outcome in outcomes:
        likely = math.prod(chance(counts, share) for counts in outcome)
        blocks = [of(one, other) for one, other in zip(outcome[::2], outcome[1::2], strict=True)]
        mean += likely * math.exp(shares(*blocks)[-1].bets.log_worse) if likely else 0.0

    assert mean <= 1 + 1e-9


def test_a_stage_does_not_begin_with_what_waited_in_the_one_before() -> None:
    state = shares(of(Counts(5, 5), NOTHING))[-1].next_stage()
    after = TEST.update(state, Block(BEGIN + 60, BEGIN + 75, of(NOTHING, Counts(50, 0))))

    assert after.pair == Pair(NOTHING, Counts(50, 0))
    assert after.bets == state.bets


def test_nothing_waits_where_there_is_no_control() -> None:
    state = shares(of(NOTHING, Counts(5, 1)), Pair((Counts(9, 1),), ()))[-1]

    assert (state.waiting, state.alone) == (Unpaired(), Counts(9, 1))


def test_cohorts_wait_too_and_one_that_divides_its_users_further_meanwhile() -> None:
    one: Cohorts = Pair((Counts(3, 1), Counts(2, 0)), (NOTHING, NOTHING))
    other: Cohorts = Pair((NOTHING,) * 3, (Counts(8, 1),) * 3)
    apart = shares(one, other)[-1]
    whole = shares(Pair((Counts(3, 1), Counts(2, 0), NOTHING), (Counts(8, 1),) * 3))[-1]

    assert apart.cohorts.scores == whole.cohorts.scores
    assert apart.pair == whole.pair
    assert apart.bets.worse[0] == pytest.approx(whole.bets.worse[0], abs=1e-2)  # it began to bet 15 s later


def test_what_waits_survives_being_written() -> None:
    waiting = shares(Pair((Counts(3, 1), Counts(2, 0)), (NOTHING, NOTHING)))[-1]
    of_means = states(MeanTest().begin(BEGIN), MeanTest().update, [Pair(Sums(3, 1.5), Sums())])[-1]

    assert waiting.waiting.treatment == (3.0, 1.0, 2.0, 0.0)
    assert checkpoint.load(SharesState, checkpoint.dump(waiting)) == waiting
    assert checkpoint.load(MeanState, checkpoint.dump(of_means)) == of_means


def test_means_of_one_group_alone_are_one_larger_block() -> None:
    drawn = random.Random(1)  # noqa: S311 - from a fixed seed
    pairs = [
        Pair(Sums(4, sum(drawn.gauss(1.2, 0.3) for _ in range(4))), Sums(9, sum(drawn.gauss(1, 0.3) for _ in range(9))))
        for _ in range(60)
    ]
    halves = [(Pair(pair.treatment, Sums()), Pair(Sums(), pair.control)) for pair in pairs]
    test = MeanTest()
    whole = states(test.begin(BEGIN), test.update, pairs, seconds=30.0)[-1]
    apart = states(test.begin(BEGIN), test.update, list(itertools.chain(*halves)))[-1]

    assert (apart.attempt, apart.stage) == (whole.attempt, whole.stage)
    assert (apart.treatment, apart.control) == (whole.treatment, whole.control)
    assert apart.bets.log_worse == pytest.approx(whole.bets.log_worse, abs=1e-9)
    assert whole.bets.log_worse > 3


@pytest.mark.parametrize("seconds", [1.0, 15.0, 60.0])
def test_how_long_a_block_lasts_hardly_changes_how_soon_few_requests_tell(seconds: float) -> None:
    """Two requests a minute in treatment and eighteen in control; of the former five times as many fail."""
    drawn, state, test = random.Random(3), TEST.begin(BEGIN), TEST  # noqa: S311 - from a fixed seed
    for minute in range(6 * 60):
        events = sorted([(drawn.random() * 60, place < 2) for place in range(20)])
        for begin in range(0, 60, int(seconds)):
            here = [treated for at, treated in events if begin <= at < begin + seconds]
            counts = [
                Counts(number, sum(drawn.random() < share for _ in range(number)))
                for number, share in ((sum(here), 0.05), (len(here) - sum(here), 0.01))
            ]
            at = BEGIN + minute * 60 + begin
            state = test.update(state, Block(at, at + seconds, of(*counts)))

    assert state.bets.log_worse > math.log(100)
