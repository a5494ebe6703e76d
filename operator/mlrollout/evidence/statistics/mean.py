"""The treatment's mean against the control's: a score, seconds, whatever is summed up beside its count.

Prometheus keeps no squares, so how far values lie apart is learnt from block to block. Each is a stratum, in which the
treatment is worse by a *gap*, and counts for as much as both groups had values. A bet on an effect multiplies its stake
by exp(x - x²/6 - v/3), where x is the gap in units of the spread, times the effect, and v the variance of x. Without
an effect that is at most 1 in the mean for values of any distribution, since exp(x - x²/6) <= 1 + x + x²/3. So the
longest tail wins no more than exp(1.5) in a block: it makes the test slow, and not wrong.

What is not exact: the spread is that of the blocks before. So the first of them only teach, and values whose spread
grows all of a sudden may alarm. Users who come back all the time are not seen either (see cohorts).
"""

import math
from dataclasses import dataclass, replace

from .bets import Bets
from .blocks import Block, Pair, Sums
from .intervals import Interval
from .strata import Numbers, Unpaired, complete

EFFECTS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
"""By how many spreads of one value the treatment may be worse than tolerated: one bet for each, with equal stakes."""
LEARNING = 20
"""Blocks with values in both groups that only teach how far values lie apart."""
TUNED = 2500.0
"""For how many values (in each of two groups of twice that) an interval is at its narrowest."""


@dataclass(frozen=True, slots=True)
class Gaps:
    """By how much the treatment was worse than tolerated, over some blocks.

    Attributes:
        blocks: How many there were.
        weight: For how many values of each group they count.
        mean: The gap, weighted.
        apart: The weighted sum of its squared deviations.
    """

    blocks: float = 0.0
    weight: float = 0.0
    mean: float = 0.0
    apart: float = 0.0

    def add(self, gap: float, weight: float) -> "Gaps":
        """The gaps with that of one more block, which counts for so much."""
        together = self.weight + weight
        mean = self.mean + (gap - self.mean) * weight / together
        apart = self.apart + weight * (gap - self.mean) * (gap - mean)
        return Gaps(self.blocks + 1, together, mean, apart)

    @property
    def spread(self) -> float:
        """How far single values lie apart (as a standard deviation); 0 while that is not known."""
        return math.sqrt(self.apart / (self.blocks - 1)) if self.blocks > LEARNING else 0.0


@dataclass(frozen=True, slots=True)
class MeanState:
    """What is kept between blocks: the bets, the gaps of the attempt and of this stage, and this stage's sums.

    `waiting` is what one group had in blocks in which the other had nothing; the sums have it already.
    """

    bets: Bets
    attempt: Gaps
    stage: Gaps
    treatment: Sums
    control: Sums
    waiting: Unpaired

    def next_stage(self) -> "MeanState":
        """This state at the beginning of another stage."""
        return MeanState(self.bets.next_stage(), self.attempt, Gaps(), Sums(), Sums(), Unpaired())


@dataclass(frozen=True, slots=True)
class MeanTest:
    """Whether the treatment's mean is worse than tolerated (a breach), or better than that (proven safe).

    Attributes:
        ratio: How many times the control's mean is tolerated, above 0.
        difference: How much worse than that is tolerated too, 0 or more.
        lower: Whether a lower mean is the worse one: a score, and not seconds.
    """

    ratio: float = 1.0
    difference: float = 0.0
    lower: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.ratio < math.inf:
            raise ValueError(f"a tolerated ratio is above 0, not {self.ratio:.15g}")
        if not 0 <= self.difference < math.inf:
            raise ValueError(f"a tolerated difference of means is 0 or more, not {self.difference:.15g}")

    def begin(self, at: float) -> MeanState:
        """The state before the first block of an attempt, whose first users came at `at`."""
        return MeanState(Bets.new(at, len(EFFECTS), len(EFFECTS)), Gaps(), Gaps(), Sums(), Sums(), Unpaired())

    def update(self, state: MeanState, block: Block[Pair[Sums]]) -> MeanState:
        """The state with one more block; one in which a group had no values waits for the next."""
        treatment, control = block.content.treatment, block.content.control
        told = replace(state, treatment=state.treatment + treatment, control=state.control + control)
        joined = state.waiting.join(Block(block.begin, block.end, Pair(_flat(treatment), _flat(control))))
        if not complete(joined):
            return replace(told, waiting=Unpaired.of(joined))
        gap, weight = self._gap(Sums(*joined.content.treatment), Sums(*joined.content.control))
        worse, safe = (_factors(sign * gap, weight, state.attempt.spread) for sign in (1, -1))
        return replace(
            told,
            bets=state.bets.read(joined.begin, joined.end, worse, safe),
            attempt=state.attempt.add(gap, weight),
            stage=state.stage.add(gap, weight),
            waiting=Unpaired(),
        )

    def _gap(self, treatment: Sums, control: Sums) -> tuple[float, float]:
        """By how much the treatment is worse than tolerated, and for how many values of each group that counts."""
        above = treatment.total / treatment.count - self.ratio * control.total / control.count
        weight = 1 / (1 / treatment.count + self.ratio**2 / control.count)
        return (-above if self.lower else above) - self.difference, weight


def _flat(sums: Sums) -> Numbers:
    return (sums.count, sums.total)


def of_gap(gaps: Gaps, alpha: float, tuned: float = TUNED) -> Interval:
    """By how much the treatment is worse than tolerated, with bounds for every look, once there are many values.

    The normal mixture of Robbins, in the asymptotic form of Waudby-Smith and others.
    """
    if not gaps.spread:
        return Interval(-math.inf, gaps.mean if gaps.blocks else None, math.inf)
    time = gaps.weight / tuned * (math.log1p(-2 * math.log(alpha)) - 2 * math.log(alpha))
    bound = math.sqrt((1 + time) / time * (math.log1p(time) - 2 * math.log(alpha)))
    half = bound * gaps.spread / math.sqrt(gaps.weight)
    return Interval(gaps.mean - half, gaps.mean, gaps.mean + half)


def _factors(gap: float, weight: float, spread: float) -> list[float]:
    """The logarithm of what each bet is multiplied by."""
    if not spread:
        return [0.0] * len(EFFECTS)
    per_effect = weight * gap / spread
    return [effect * per_effect - (effect * per_effect) ** 2 / 6 - effect**2 * weight / 3 for effect in EFFECTS]
