"""The chance of a false alarm is divided so that all parts together are no more than was asked for."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlrollout.evidence.statistics.levels import divide


@given(st.floats(1e-6, 0.5), st.sets(st.text(max_size=3), min_size=1, max_size=30))
def test_without_a_wish_each_gets_the_same(total: float, names: set[str]) -> None:
    levels = divide(total, dict.fromkeys(names))

    assert set(levels) == names
    assert len(set(levels.values())) == 1
    assert math.fsum(levels.values()) == pytest.approx(total)


def test_a_wish_is_taken_from_what_the_others_share() -> None:
    assert divide(0.01, {"errors": 0.004, "latency": None, "score": None}) == pytest.approx(
        {"errors": 0.004, "latency": 0.003, "score": 0.003}
    )
    assert divide(0.01, {"errors": 0.004, "latency": 0.006}) == {"errors": 0.004, "latency": 0.006}
    assert divide(0.01, {}) == {}


@pytest.mark.parametrize("asked", [{"a": 0.02}, {"a": 0.01, "b": None}, {"a": 0.006, "b": 0.006}])
def test_no_more_can_be_asked_for_than_there_is(asked: dict[str, float | None]) -> None:
    with pytest.raises(ValueError, match=r"together, of 0\.01 that there is"):
        divide(0.01, asked)


@pytest.mark.parametrize("level", [0.0, 1.0, -0.1, 5.0, math.nan])
def test_a_level_is_a_chance_that_is_neither_nothing_nor_certain(level: float) -> None:
    with pytest.raises(ValueError, match="falseAlarm is a chance"):
        divide(level, {})
    with pytest.raises(ValueError, match="falseAlarm of errors is a chance"):
        divide(0.01, {"errors": level})
