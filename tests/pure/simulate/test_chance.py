"""Draws and chances, against what is known of the Poisson distribution."""

import math
from random import Random
from statistics import fmean, pvariance

import pytest
from mlrollout.simulate.chance import at_most, likely, poisson


@pytest.mark.parametrize("mean", [0.01, 0.5, 3.0, 40.0, 499.0, 501.0, 20_000.0])
def test_draws_have_the_mean_and_the_variance_of_their_distribution(mean: float) -> None:
    chance, draw = Random(1), poisson(mean)  # noqa: S311 - from a fixed seed
    drawn = [draw(chance) for _ in range(20_000)]
    assert fmean(drawn) == pytest.approx(mean, abs=4 * math.sqrt(mean / 20_000))
    assert pvariance(drawn) == pytest.approx(mean, rel=0.06 + 4 / math.sqrt(20_000 * mean))


def test_of_nothing_nothing_is_drawn() -> None:
    assert {poisson(0.0)(Random(1)) for _ in range(100)} == {0}  # noqa: S311 - from a fixed seed


@pytest.mark.parametrize(
    ("number", "mean", "chance"),
    [
        (0, 2.0, math.exp(-2)),
        (1, 2.0, 3 * math.exp(-2)),
        (2, 2.0, 5 * math.exp(-2)),
        (0, 0.0, 1.0),
        (-1, 2.0, 0.0),
        (1000, 2.0, 1.0),
    ],
)
def test_chances_are_sums_of_the_distribution(number: int, mean: float, chance: float) -> None:
    assert at_most(number, mean) == pytest.approx(chance)


@pytest.mark.parametrize("mean", [0.0, 0.3, 10.0, 1000.0])
def test_what_is_not_likely_is_never_seen(mean: float) -> None:
    least, most = likely(mean)
    assert at_most(least - 1, mean) < 1e-12
    assert 1 - at_most(most - 1, mean) < 1e-12
