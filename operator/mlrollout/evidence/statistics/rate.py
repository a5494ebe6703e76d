"""One group's share of bad events against a limit.

A bet that the odds of a bad event are `m` times those of the limit multiplies its stake by `m` for each bad event, and
divides it by `1 + limit (m - 1)`, its mean at the limit, for each event of all. At any lower share the mean is below 1,
so the bet is fair whatever the true share is, also one that changes.
"""

import functools
import math
from dataclasses import dataclass
from typing import TypeAlias

from .bets import MULTIPLES, SHARES, Bets
from .blocks import Block, Counts

Prices: TypeAlias = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class RateState:
    """What is kept between blocks: the bets, and what was counted in this stage."""

    bets: Bets
    counts: Counts

    def next_stage(self) -> "RateState":
        """The same at the beginning of another stage."""
        return RateState(self.bets.next_stage(), Counts())


@dataclass(frozen=True, slots=True)
class RateTest:
    """Whether the share of bad events is above `limit` (a breach) or below it (proven safe).

    Attributes:
        limit: The share that is still allowed, between 0 and 1.
    """

    limit: float

    def __post_init__(self) -> None:
        if not 0 < self.limit < 1:
            percent = f"; {self.limit:.15g} % is {self.limit / 100:.15g}" if 1 <= self.limit <= 100 else ""  # noqa: PLR2004
            raise ValueError(f"a limit for a rate is a share between 0 and 1, not {self.limit:.15g}{percent}")

    def begin(self, at: float) -> RateState:
        """Before the first block of an attempt, whose first users came at that time."""
        return RateState(Bets.new(at, len(MULTIPLES), len(SHARES)), Counts())

    def update(self, state: RateState, block: Block[Counts]) -> RateState:
        """With one more block."""
        worse, safe = _prices(self.limit, MULTIPLES), _prices(self.limit, SHARES)
        bets = state.bets.read(block.begin, block.end, _factors(block.content, worse), _factors(block.content, safe))
        return RateState(bets, state.counts + block.content)


def _factors(counts: Counts, prices: Prices) -> list[float]:
    """The logarithm of what each bet is multiplied by."""
    return [counts.bad * bad - counts.events * event for bad, event in prices]


@functools.cache
def _prices(limit: float, multiples: tuple[float, ...]) -> Prices:
    """The logarithms of what a bet gains by a bad event, and of what it pays for an event of any kind."""
    return tuple((math.log(multiple), math.log1p(limit * (multiple - 1))) for multiple in multiples)
