"""Messages are short and stable, and never contradict the verdict they explain."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlrollout.api.spec import Requirement
from mlrollout.evidence import wording


def limits(low: float | None, high: float | None) -> Requirement:
    return Requirement(guardrail="g", min=low, max=high)


@pytest.mark.parametrize(
    ("low", "high", "value", "text"),
    [
        (None, 0.05, 0.0712345, "0.07123 is above max 0.05"),
        (None, 0.05, 0.050001, "0.050001 is above max 0.05"),
        (None, 0.99997, 0.99996, "0.99996 is within max 0.99997"),
        (0.95, None, 0.1, "0.1 is below min 0.95"),
        (0.9, 1.0, 0.97, "0.97 is within min 0.9 and max 1"),
        (None, 5000.0, 12345.6, "12350 is above max 5000"),
        (None, 1.0, 1e20, "1e+20 is above max 1"),
        (None, 1.0, -0.0, "0 is within max 1"),
        (None, 1.0, 0.0000012345, "1.234e-06 is within max 1"),
    ],
)
def test_a_value_stands_beside_its_limit(low: float | None, high: float | None, value: float, text: str) -> None:
    assert wording.line(limits(low, high), value, reach=0, count=None) == text


@pytest.mark.parametrize(
    ("reach", "count", "basis"),
    [
        (300, 1240.0, " (window 5m, 1240 samples)"),
        (90.5, None, " (window 1m30s)"),
        (0, 99.99, " (99 samples)"),
        (0.0001, None, ""),
    ],
)
def test_what_a_value_stands_on_is_told_where_it_is_known(reach: float, count: float | None, basis: str) -> None:
    assert wording.line(limits(None, 1), 0, reach, count) == "0 is within max 1" + basis


def test_an_age_stands_beside_what_is_allowed() -> None:
    assert wording.ago(180, 120) == "3m ago (maxAge is 2m)"
    assert wording.ago(math.inf, 120) == "at an unknown time (maxAge is 2m)"


@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from([0.05, 1.0, 0.0, 12345.678, 1e-9]))
def test_rounding_never_moves_a_value_across_its_limit(value: float, limit: float) -> None:
    shown, _, _ = wording.line(limits(None, limit), value, 0, None).partition(" is ")
    assert (float(shown) > limit) == (value > limit)
