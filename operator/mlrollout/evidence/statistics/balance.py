"""Whether the split that was asked for arrives: the treatment's part of the users, each counted once.

Counted by request it would alarm wherever the treatment makes people ask more or less often, which is no fault of the
split. Bets are on too many and on too few in treatment, and are begun anew as those of the other tests, since a split
breaks late too: with a new client, or a cache that is switched on.
"""

import math
from dataclasses import dataclass

from .bets import Bets, factors, prices
from .blocks import Block

DEVIATIONS = (1.02, 1.05, 1.1, 1.25, 1.5, 2.0, 5.0, 30.0)
"""How many times too great the odds of the treatment may be; or too small."""
MULTIPLES = (*DEVIATIONS, *(1 / deviation for deviation in DEVIATIONS))


@dataclass(frozen=True, slots=True)
class Split:
    """Users who came for the first time, by the group that they got, and the share that was asked for then."""

    treatment: float
    control: float
    share: float

    def __post_init__(self) -> None:
        if not (0 <= self.treatment < math.inf and 0 <= self.control < math.inf):
            raise ValueError(f"{self.treatment} users in treatment and {self.control} in control cannot be")
        if not 0 < self.share < 1:
            raise ValueError(f"with a share of {self.share:.15g} in treatment there is nothing to balance")


@dataclass(frozen=True, slots=True)
class BalanceState:
    """What is kept between blocks: the bets, and this stage's users, with how many of them treatment should have."""

    bets: Bets
    treatment: float
    control: float
    expected: float

    def next_stage(self) -> "BalanceState":
        """This state at the beginning of another stage."""
        return BalanceState(self.bets.next_stage(), 0.0, 0.0, 0.0)


class BalanceTest:
    """Whether treatment's part of the users is another than was asked for (a breach)."""

    def begin(self, at: float) -> BalanceState:
        """The state before the first block of an attempt, whose first users came at `at`."""
        return BalanceState(Bets.new(at, len(MULTIPLES), 0), 0.0, 0.0, 0.0)

    def update(self, state: BalanceState, block: Block[Split]) -> BalanceState:
        """The state with one more block, in all of which the same share was asked for."""
        split = block.content
        users = split.treatment + split.control
        either = factors(users, split.treatment, prices(split.share, MULTIPLES))
        return BalanceState(
            bets=state.bets.read(block.begin, block.end, either, ()),
            treatment=state.treatment + split.treatment,
            control=state.control + split.control,
            expected=state.expected + users * split.share,
        )
