"""Blocks end on one grid of wall time, and only when their last sample has surely arrived."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlrollout.evidence.statistics.counting.grid import ends, latest

NOW = 1_800_000_007.5


def test_the_newest_block_ends_two_scrapes_ago_on_the_grid() -> None:
    assert latest(NOW, step=15, scrape=15) == 1_799_999_970
    assert latest(NOW, step=60, scrape=15) == 1_799_999_940
    assert latest(NOW, step=15, scrape=1, delay=60) == 1_799_999_940


@given(st.floats(0, 2e9), st.floats(0, 1e4), st.sampled_from([1, 10, 15, 60]))
def test_replicas_that_look_at_different_times_have_the_same_blocks(after: float, seconds: float, step: int) -> None:
    found = list(ends(after, after + seconds, step))
    again = [*ends(after, after + seconds / 2, step), *ends(after + seconds / 2, after + seconds, step)]

    assert found == again
    assert all(end % step == 0 and after < end <= after + seconds for end in found)
    assert len(found) == (after + seconds) // step - after // step


@pytest.mark.parametrize("step", [0, -1, math.nan, math.inf])
def test_a_block_lasts_longer_than_nothing(step: float) -> None:
    with pytest.raises(ValueError, match="longer than nothing"):
        latest(NOW, step, 15)
    with pytest.raises(ValueError, match="longer than nothing"):
        next(ends(0, NOW, step))
