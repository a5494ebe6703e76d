"""A state survives being written as JSON, to the last bit; anything else is refused."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlrollout.evidence.statistics import checkpoint
from mlrollout.evidence.statistics.blocks import Block, Counts
from mlrollout.evidence.statistics.rate import RateState, RateTest

TEST = RateTest(0.05)
SHARES = st.lists(st.tuples(st.integers(0, 10**6), st.floats(0, 1)), max_size=8)


def after(shares: list[tuple[int, float]], state: RateState, at: float) -> RateState:
    for events, share in shares:
        state = TEST.update(state, Block(at, at + 15, Counts(events, int(events * share))))
        at += 15
    return state


@given(SHARES, SHARES)
def test_a_replay_from_a_checkpoint_is_the_same_to_the_last_bit(
    before: list[tuple[int, float]], later: list[tuple[int, float]]
) -> None:
    state = after(before, TEST.begin(0.0), 0.0)
    kept = checkpoint.load(RateState, json.loads(json.dumps(checkpoint.dump(state))))

    assert kept == state
    assert after(later, kept, state.bets.end) == after(later, state, state.bets.end)


def test_whole_numbers_may_come_back_without_their_point() -> None:
    plain = checkpoint.dump(TEST.begin(0.0))
    plain["counts"] = {"events": 3, "bad": 0}

    assert checkpoint.load(RateState, plain).counts == Counts(3.0, 0.0)


def changed(**fields: object) -> dict[str, Any]:
    plain = checkpoint.dump(TEST.begin(0.0))
    return {**plain, "bets": {**plain["bets"], **fields}}


@pytest.mark.parametrize(
    "plain",
    [
        None,
        [],
        {},
        {**changed(), "more": 1},
        {**changed(), "counts": {"events": 1, "bad": 2}},
        {**changed(), "counts": 7},
        changed(begin="0"),
        changed(begin=True),
        changed(begin=math.nan),
        changed(end=math.inf),
        changed(worse=0.0),
        changed(worse=[None]),
    ],
)
def test_what_is_no_checkpoint_is_refused(plain: object) -> None:
    with pytest.raises(ValueError, match=r"checkpoint|number|cannot be"):
        checkpoint.load(RateState, plain)
