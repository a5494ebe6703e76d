"""Chance: how many events there are in a span of time, and how likely a number is."""

import math
from bisect import bisect_right
from collections.abc import Callable
from functools import lru_cache
from itertools import accumulate
from random import Random

Draw = Callable[[Random], int]

_TABLE = 500.0
"""Up to this mean a number is looked up in its distribution; above, the normal one tells no difference."""
_SINGLY = 16
NEVER = 1e-12
"""What is less likely than this at one look is left out: it does not happen in 1000 tries of a million looks."""


@lru_cache(maxsize=4096)
def poisson(mean: float) -> Draw:
    """Draws the number of independent events of which there are so many in the mean."""
    if mean <= 0:
        return lambda _: 0
    if mean > _TABLE:
        spread = math.sqrt(mean)
        return lambda chance: max(0, round(chance.gauss(mean, spread)))
    low, high = likely(mean)
    upto = list(accumulate(_density(number, mean) for number in range(low, high + 1)))
    last = len(upto) - 1
    return lambda chance: low + min(bisect_right(upto, chance.random()), last)


def binomial(number: int, share: float, chance: Random) -> int:
    """How many of so many independent events are of a kind that has this share of them."""
    if share > 0.5:  # noqa: PLR2004 - the rarer kind is drawn
        return number - binomial(number, 1 - share, chance)
    if number <= _SINGLY:
        return sum(chance.random() < share for _ in range(number))
    variance = number * share * (1 - share)
    if variance > _TABLE:
        return round(chance.gauss(number * share, math.sqrt(variance)))  # 22 deviations from both ends
    return _outwards(number, share, chance.random()) if share > 0 else 0


def _outwards(number: int, share: float, left: float) -> int:
    """The number of events at which a chance is used up, by the likeliest first and on to both sides of it."""
    odds, mode = share / (1 - share), math.floor((number + 1) * share)
    ways = math.lgamma(number + 1) - math.lgamma(mode + 1) - math.lgamma(number - mode + 1)
    above = below = math.exp(ways + mode * math.log(share) + (number - mode) * math.log1p(-share))
    left -= above
    for step in range(1, number + 1):
        if left <= 0:
            break
        high, low = mode + step, mode - step
        above *= (number - high + 1) / high * odds
        if left <= above:
            return high
        below *= (low + 1) / (number - low) / odds
        if left <= above + below:
            return low
        left -= above + below
    return mode


def likely(mean: float) -> tuple[int, int]:
    """The least and the greatest number that is ever seen."""
    spread = 10 * math.sqrt(mean) + 30
    return max(0, math.floor(mean - spread)), math.ceil(mean + spread)


def at_most(number: float, mean: float) -> float:
    """The chance of so many events or fewer."""
    low, high = likely(mean)
    if number >= high:
        return 1.0
    return math.fsum(_density(one, mean) for one in range(low, math.floor(number) + 1))


def _density(number: int, mean: float) -> float:
    if mean <= 0:
        return float(number == 0)
    return math.exp(number * math.log(mean) - mean - math.lgamma(number + 1))
