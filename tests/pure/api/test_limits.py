"""A limit belongs to the good side, and what is told of it never contradicts that."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlrollout.api import limits
from mlrollout.api.spec import Requirement

finite = st.floats(allow_nan=False, allow_infinity=False)


def between(low: float | None, high: float | None) -> Requirement:
    return Requirement(guardrail="g", min=low, max=high)


@pytest.mark.parametrize(
    ("low", "high", "value", "inside"),
    [
        (None, 0.05, 0.05, True),
        (None, 0.05, 0.0500001, False),
        (0.95, None, 0.95, True),
        (0.95, None, 0.9499999, False),
        (1.0, 2.0, 1.5, True),
        (None, 1.5, math.inf, False),
        (0.5, None, math.inf, True),
        (None, 1.5, math.nan, False),
        (0.5, None, math.nan, False),
    ],
)
def test_a_limit_belongs_to_the_good_side(low: float | None, high: float | None, value: float, inside: bool) -> None:  # noqa: FBT001 - a table's column
    assert limits.contains(between(low, high), value) is inside


@given(st.tuples(finite, finite).map(sorted), st.floats(allow_nan=False))
def test_a_value_is_said_to_lie_within_just_where_it_does(bounds: list[float], value: float) -> None:
    both = between(*bounds)
    assert limits.position(both, value).startswith("within ") is limits.contains(both, value)


@pytest.mark.parametrize(
    ("low", "high", "value", "shown"),
    [
        (None, 0.05, 0.7, 0.05),
        (0.9, None, 0.95, 0.9),
        (0.9, 1.0, 0.8, 0.9),
        (0.9, 1.0, 0.95, 1.0),
        (0.9, 1.0, 1.1, 1.0),
        (0.9, 1.0, None, 1.0),
        (0.9, None, None, 0.9),
    ],
)
def test_one_limit_is_shown_beside_a_value(
    low: float | None, high: float | None, value: float | None, shown: float
) -> None:
    assert limits.shown_beside(between(low, high), value) == shown


def test_limits_are_listed_for_people() -> None:
    assert limits.listed(between(0.123456, 1.0), digits=4) == "min 0.1235 and max 1"
    assert limits.listed(between(None, 0.05), digits=15) == "max 0.05"
