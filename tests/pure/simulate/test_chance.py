"""Draws and chances, against what is known of the Poisson distribution."""

import math
from random import Random
from statistics import fmean, pvariance

import pytest
from mlrollout.simulate.chance import at_most, binomial, likely, poisson


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


@pytest.mark.parametrize(
    ("number", "share"),
    [(3, 0.3), (16, 0.5), (17, 0.5), (40, 0.02), (40, 0.9), (1000, 0.001), (3000, 0.3), (3000, 0.7), (100_000, 0.4)],
)
def test_parts_have_the_mean_and_the_variance_of_their_distribution(number: int, share: float) -> None:
    chance, mean, variance = Random(1), number * share, number * share * (1 - share)  # noqa: S311 - from a fixed seed
    drawn = [binomial(number, share, chance) for _ in range(20_000)]
    assert 0 <= min(drawn) <= max(drawn) <= number
    assert fmean(drawn) == pytest.approx(mean, abs=4 * math.sqrt(variance / 20_000))
    assert pvariance(drawn) == pytest.approx(variance, rel=0.06 + 4 / math.sqrt(20_000 * variance))


def test_parts_are_drawn_as_often_as_they_are_likely() -> None:
    chance = Random(1)  # noqa: S311 - from a fixed seed
    drawn = [binomial(20, 0.2, chance) for _ in range(50_000)]
    for part in range(12):
        expected = math.comb(20, part) * 0.2**part * 0.8 ** (20 - part)
        assert drawn.count(part) / 50_000 == pytest.approx(expected, abs=4 * math.sqrt(expected / 50_000))


def test_of_a_part_without_a_share_nothing_is_drawn_and_of_the_whole_all() -> None:
    chance = Random(1)  # noqa: S311 - from a fixed seed
    assert [binomial(number, share, chance) for number in (0, 5, 500) for share in (0.0, 1.0)] == [0, 0, 0, 5, 0, 500]
