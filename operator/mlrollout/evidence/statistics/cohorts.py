"""The comparison where a user's requests share their fate: what counts is users, not requests.

One user who tries ten times is ten bad events and one piece of evidence. Who is who, counters don't tell. But where a
label `cohort` says, by a second hash, to which of some twenty parts a user belongs, the parts lie further apart than
independent requests would, by the *design effect*. Evidence grows only as with that many fewer requests.
"""

import math
from dataclasses import dataclass, replace

from .bets import Bets
from .blocks import Block, Counts, Pair
from .compare import CompareState, CompareTest

Cohorts = Pair[tuple[Counts, ...]]


@dataclass(frozen=True, slots=True)
class CohortState:
    """What is kept between blocks.

    Attributes:
        compared: The bets, and what was counted in this stage.
        scores: For each cohort, how many more of the bad events were the treatment's than is tolerated.
        spread: How far these would lie apart (as a variance), did each request go its own way.
    """

    compared: CompareState
    scores: tuple[float, ...]
    spread: float

    @property
    def bets(self) -> Bets:
        """The evidence."""
        return self.compared.bets

    def next_stage(self) -> "CohortState":
        """This state at the beginning of another stage."""
        return CohortState(self.compared.next_stage(), self.scores, self.spread)

    @property
    def design_effect(self) -> float:
        """How many requests are worth one that goes its own way; at least 1."""
        mean = math.fsum(self.scores) / len(self.scores)
        apart = math.fsum((score - mean) ** 2 for score in self.scores) * len(self.scores) / (len(self.scores) - 1)
        return max(1.0, apart / self.spread) if self.spread else 1.0


@dataclass(frozen=True, slots=True)
class CohortTest:
    """The comparison of two groups, by cohorts of their users.

    Attributes:
        compare: What is tolerated.
        cohorts: How many cohorts there are, at least 2.
    """

    compare: CompareTest
    cohorts: int

    def __post_init__(self) -> None:
        if self.cohorts < 2:  # noqa: PLR2004  # one cohort tells nothing of how far cohorts lie apart
            raise ValueError(f"{self.cohorts} cohorts do not tell how far cohorts lie apart")

    def begin(self, at: float) -> CohortState:
        """The state before the first block of an attempt, whose first users came at `at`."""
        return CohortState(self.compare.begin(at), (0.0,) * self.cohorts, 0.0)

    def update(self, state: CohortState, block: Block[Cohorts]) -> CohortState:
        """The state with one more block, in which both groups tell each cohort's counts in the same order."""
        together = Pair(*(sum(side, Counts()) for side in (block.content.treatment, block.content.control)))
        seen = self._seen(state, block.content, together)
        effect = seen.design_effect
        # A user who is unlucky all along shows only with time, when earlier blocks have counted for too much.
        doubted = replace(state.compared, bets=state.compared.bets.doubted(min(1.0, state.design_effect / effect)))
        compared = self.compare.update(doubted, Block(block.begin, block.end, together), 1 / effect)
        return replace(seen, compared=compared)

    def _seen(self, state: CohortState, cohorts: Cohorts, together: Pair[Counts]) -> CohortState:
        """How far apart the cohorts lie with this block, before its evidence is counted."""
        share = self.compare.share(together)
        scores = zip(state.scores, self._scores(cohorts, together, share), strict=True)
        spread = (1 - share) ** 2 * together.treatment.bad + share**2 * together.control.bad
        return CohortState(state.compared, tuple([old + new for old, new in scores]), state.spread + spread)

    def _scores(self, cohorts: Cohorts, together: Pair[Counts], share: float) -> list[float]:
        """For each cohort the treatment's bad events beyond what is tolerated, less the control's beyond its own."""
        a, b = together.treatment, together.control
        expected = self.compare.ratio * a.events + b.events
        base = max(0.0, a.bad + b.bad - self.compare.difference * a.events) / expected if expected else 0.0
        limit = self.compare.ratio * base + self.compare.difference
        return [
            (1 - share) * (one.bad - limit * one.events) - share * (other.bad - base * other.events)
            for one, other in zip(cohorts.treatment, cohorts.control, strict=True)
        ]
