"""A stake that is begun anew all the time stays a fair bet, and finds what goes bad late."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlrollout.evidence.statistics.bets import LATER, MULTIPLES, Bets, enough, log_mean

NEW = Bets.new(1_800_000_000.0, 2, 2)
FACTORS = st.lists(st.floats(-5, 5), min_size=2, max_size=2)


def read(bets: Bets, seconds: float, *factors: float) -> Bets:
    return bets.read(bets.end, bets.end + seconds, factors, factors)


def test_a_stake_of_one_is_one_before_anything_was_seen() -> None:
    assert math.exp(NEW.log_worse) == pytest.approx(1)
    assert NEW.log_safe == 0


@given(st.lists(st.floats(0.001, 1e6), min_size=1, max_size=9))
def test_blocks_that_say_nothing_leave_a_stake_as_it_is(lengths: list[float]) -> None:
    bets = NEW
    for seconds in lengths:
        bets = read(bets, seconds, 0, 0)

    assert math.exp(bets.log_worse) == pytest.approx(1)
    assert bets.log_safe == 0


@given(st.lists(st.tuples(st.floats(1, 1e5), FACTORS), max_size=6), st.floats(0, 1e4), FACTORS)
def test_a_block_without_events_may_be_left_out(
    blocks: list[tuple[float, list[float]]], seconds: float, last: list[float]
) -> None:
    bets = NEW
    for length, factors in blocks:
        bets = read(bets, length, *factors)
    end = bets.end + seconds + 1

    told = bets.read(bets.end, bets.end + seconds, [0, 0], [0, 0]) if seconds else bets
    told = told.read(told.end, end, last, last)
    left_out = bets.read(end - 1, end, last, last)

    assert told.log_worse == pytest.approx(left_out.log_worse, abs=1e-6)
    assert told.log_safe == left_out.log_safe


def test_a_stake_is_the_mean_of_what_begins_at_each_moment() -> None:
    # By hand: half from the start, and of the rest what falls to each hour.
    first, second = read(NEW, LATER, 1, 1), read(read(NEW, LATER, 1, 1), LATER, 2, 2)
    hours = [0.5, 0.5 - 0.5 / (1 + math.log(2)), 0.5 / (1 + math.log(2)) - 0.5 / (1 + math.log(3))]
    rest = 1 - sum(hours)

    assert math.exp(first.log_worse) == pytest.approx((hours[0] + hours[1]) * math.e + hours[2] + rest)
    expected = (hours[0] + hours[1]) * math.exp(3) + hours[2] * math.exp(2) + rest
    assert math.exp(second.log_worse) == pytest.approx(expected)
    assert second.log_safe == pytest.approx(3)


def test_what_goes_bad_late_is_found_long_before_its_past_is_made_up_for() -> None:
    bets = NEW
    for _ in range(12 * 240):
        bets = read(bets, 15, -1, -1)
    blocks = 0
    while not enough(bets.log_worse, 0.01):
        bets, blocks = read(bets, 15, 1, 1), blocks + 1

    assert blocks < 20
    assert bets.log_safe < -2800


def test_a_stage_has_to_prove_anew_that_it_is_safe_but_not_that_it_is_bad() -> None:
    before = read(NEW, 60, 3, 2)
    after = before.next_stage()

    assert after.log_safe == 0
    assert after.log_worse == before.log_worse


def test_blocks_that_overlap_are_refused() -> None:
    with pytest.raises(ValueError, match="overlaps what was read"):
        read(NEW, 60, 1, 1).read(NEW.begin + 59, NEW.begin + 61, [1, 1], [1, 1])


def test_a_moment_after_which_nothing_is_staked_is_none() -> None:
    late = Bets(0.0, 1e300, (0.0,), (0.0,))

    assert late.read(1e300, math.nextafter(1e300, math.inf), [0.0], [0.0]).worse == (0.0,)


def test_evidence_grows_without_bounds() -> None:
    bets = NEW
    for _ in range(10):
        bets = read(bets, 15, 1e9, -1e9)
    assert bets.log_worse == pytest.approx(1e10, rel=1e-9)
    assert read(bets, 15, -1e12, -1e12).log_worse > -3


def test_evidence_is_enough_from_one_over_alpha_on() -> None:
    assert enough(math.log(100) + 1e-12, 0.01)
    assert not enough(math.log(100) - 1e-9, 0.01)


def test_a_mean_of_logarithms_does_not_overflow() -> None:
    assert log_mean([1e9, 1e9, -1e9]) == pytest.approx(1e9 + math.log(2 / 3))
    assert log_mean([math.log(1), math.log(3)]) == pytest.approx(math.log(2))


def test_there_is_a_bet_from_a_tenth_worse_to_thirty_times() -> None:
    assert min(MULTIPLES) == 1.1
    assert max(MULTIPLES) == 30
