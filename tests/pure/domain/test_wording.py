"""When two messages are one piece of news."""

import pytest
from mlrollout.domain.wording import without_numbers


@pytest.mark.parametrize(
    ("one", "other"),
    [("5.2% of 3m10s", "6% of 3m25s"), ("at -1.5, limit 2", "at 7, limit 2"), ("value 0.052", "value 5.2e-2")],
)
def test_other_measurements_are_the_same_news(one: str, other: str) -> None:
    assert without_numbers(one) == without_numbers(other)


@pytest.mark.parametrize(("one", "other"), [("p99 is high", "p95 is high"), ("stage-2", "stage-3")])
def test_the_digits_of_a_name_are_not(one: str, other: str) -> None:
    assert without_numbers(one) != without_numbers(other)
