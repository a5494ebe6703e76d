"""One group's share of bad events against a limit.

A bet that the odds of a bad event are `m` times those of the limit multiplies its stake by `m` for each bad event, and
divides it by `1 + limit (m - 1)`, its mean at the limit, for each event of all. At any lower share the mean is below 1,
so the bet is fair whatever the true share is, also one that changes.
"""

from dataclasses import dataclass

from .bets import MULTIPLES, SHARES, Bets, factors, prices
from .blocks import Block, Counts


@dataclass(frozen=True, slots=True)
class RateState:
    """What is kept between blocks: the bets, and what was counted in this stage."""

    bets: Bets
    counts: Counts

    def next_stage(self) -> "RateState":
        """This state at the beginning of another stage."""
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
        """The state before the first block of an attempt, whose first users came at `at`."""
        return RateState(Bets.new(at, len(MULTIPLES), len(SHARES)), Counts())

    def update(self, state: RateState, block: Block[Counts]) -> RateState:
        """The state with one more block."""
        counts = block.content
        worse = factors(counts.events, counts.bad, prices(self.limit, MULTIPLES))
        safe = factors(counts.events, counts.bad, prices(self.limit, SHARES))
        return RateState(state.bets.read(block.begin, block.end, worse, safe), state.counts + counts)
