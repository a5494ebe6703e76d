"""Whether the split arrives: no false alarm beyond what was asked for, whatever percentages are gone through."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlrollout.evidence.statistics import checkpoint
from mlrollout.evidence.statistics.balance import BalanceState, BalanceTest, Split
from mlrollout.evidence.statistics.bets import enough

from tests.pure.evidence.statistics.courses import BEGIN, chance, every, states

TEST = BalanceTest()


def course(splits: list[Split]) -> list[BalanceState]:
    return states(TEST.begin(BEGIN), TEST.update, splits)


@given(st.lists(st.tuples(st.integers(0, 3), st.floats(0.01, 0.99)), min_size=1, max_size=4))
def test_a_stake_stays_what_it_is_in_the_mean_while_the_split_is_what_was_asked_for(
    blocks: list[tuple[int, float]],
) -> None:
    mean = 0.0
    for case in every([users for users, _ in blocks]):
        splits = [
            Split(counts.bad, counts.events - counts.bad, share)
            for counts, (_, share) in zip(case, blocks, strict=True)
        ]
        weight = math.prod(chance(counts, share) for counts, (_, share) in zip(case, blocks, strict=True))
        mean += weight * math.exp(course(splits)[-1].bets.log_worse)

    assert mean == pytest.approx(1)


def looked(treatment: int, control: int, share: float) -> int | None:
    """After how many blocks it alarms, each with so many users, within a thousand."""
    found = course([Split(treatment, control, share)] * 1000)
    return next((at for at, state in enumerate(found) if enough(state.bets.log_worse, 0.001)), None)


@pytest.mark.parametrize(("treatment", "control"), [(8, 92), (12, 88), (0, 100)])
def test_too_few_and_too_many_in_treatment_are_found(treatment: int, control: int) -> None:
    found = looked(treatment, control, 0.1)

    assert found is not None
    assert found < 60


def test_what_was_asked_for_is_not() -> None:
    assert looked(10, 90, 0.1) is None


def test_a_split_that_breaks_late_is_found_as_soon() -> None:
    found = course([Split(10, 90, 0.1)] * 1000 + [Split(5, 95, 0.1)] * 60)

    assert not enough(found[1000].bets.log_worse, 0.001)
    assert enough(found[-1].bets.log_worse, 0.001)


def test_a_stage_counts_its_own_users_and_a_state_survives_being_written() -> None:
    state = course([Split(10, 90, 0.1), Split(40, 60, 0.3)])[-1]

    assert (state.treatment, state.control, state.expected) == (50, 150, 40)
    after = state.next_stage()
    assert (after.treatment, after.control, after.expected) == (0, 0, 0)
    assert after.bets == state.bets
    assert checkpoint.load(BalanceState, checkpoint.dump(state)) == state


@pytest.mark.parametrize("share", [0.0, 1.0, 10.0, math.nan])
def test_a_share_that_is_all_or_nothing_has_nothing_to_balance(share: float) -> None:
    with pytest.raises(ValueError, match="nothing to balance"):
        Split(1, 1, share)


@pytest.mark.parametrize(("treatment", "control"), [(-1, 1), (1, -1), (math.nan, 1), (1, math.inf)])
def test_users_that_cannot_be_are_refused(treatment: float, control: float) -> None:
    with pytest.raises(ValueError, match="cannot be"):
        Split(treatment, control, 0.5)
