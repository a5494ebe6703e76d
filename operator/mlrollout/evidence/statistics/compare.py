"""The treatment's share of bad events against the control's, which may change, as may the percentage.

Each block is a stratum of its own. In it, a bet gains by each bad event of the treatment and pays for each of the
control, at odds set by how many events each group had: treatment's stake times `m / c`, control's times `1 / c`, with
`c = 1 + share (m - 1)` and `share` the part of the bad events that would be the treatment's at the tolerated ratio.
These two balance whatever the control's share of bad events is, so nothing has to be known or assumed of it: for events
that are bad independently with any chances p (control) and at most `ratio p + difference` (treatment),

    mean <= exp(a (ratio p + difference)(m / c - 1) + b p (1 / c - 1)) = exp(a difference (m / c - 1)),

by 1 + u <= exp(u), and that is what the bet pays in advance. So it is fair for rare and for frequent bad events alike.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from .bets import MULTIPLES, SHARES, Bets
from .blocks import Block, Counts, Pair


@dataclass(frozen=True, slots=True)
class CompareState:
    """What is kept between blocks: the bets, and what was counted in this stage."""

    bets: Bets
    treatment: Counts
    control: Counts

    def next_stage(self) -> "CompareState":
        """This state at the beginning of another stage."""
        return CompareState(self.bets.next_stage(), Counts(), Counts())


@dataclass(frozen=True, slots=True)
class CompareTest:
    """Whether the treatment's share of bad events is above what is tolerated (a breach) or below it (proven safe).

    Tolerated is `ratio` times the control's share, and `difference` more.

    Attributes:
        ratio: How many times the control's share is tolerated, above 0; 1 for no more than the control's.
        difference: What share is tolerated above that, from 0 to below 1.
    """

    ratio: float = 1.0
    difference: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.ratio < math.inf:
            raise ValueError(f"a tolerated ratio is above 0, not {self.ratio:.15g}")
        if not 0 <= self.difference < 1:
            raise ValueError(f"a tolerated difference is a share from 0 to below 1, not {self.difference:.15g}")

    def begin(self, at: float) -> CompareState:
        """The state before the first block of an attempt, whose first users came at `at`."""
        return CompareState(Bets.new(at, len(MULTIPLES), len(SHARES)), Counts(), Counts())

    def update(self, state: CompareState, block: Block[Pair[Counts]], weight: float = 1.0) -> CompareState:
        """The state with one more block; `weight` is below 1 where events share their fate, and count for less."""
        pair = block.content
        worse, safe = ([weight * one for one in self._factors(pair, bets)] for bets in (MULTIPLES, SHARES))
        bets = state.bets.read(block.begin, block.end, worse, safe)
        return CompareState(bets, state.treatment + pair.treatment, state.control + pair.control)

    def share(self, pair: Pair[Counts]) -> float:
        """The part of the bad events that would be the treatment's at the tolerated ratio."""
        expected = self.ratio * pair.treatment.events
        return expected / (expected + pair.control.events) if expected else 0.0

    def _factors(self, pair: Pair[Counts], multiples: tuple[float, ...]) -> Iterator[float]:
        """The logarithm of what each bet is multiplied by; 0 where one of the groups had no events."""
        share, bad = self.share(pair), pair.treatment.bad + pair.control.bad
        allowed = self.difference * pair.treatment.events * (1 - share)
        for multiple in multiples:
            gain = share * (multiple - 1)
            paid = allowed * (multiple - 1) / (1 + gain)
            yield pair.treatment.bad * math.log(multiple) - bad * math.log1p(gain) - paid
