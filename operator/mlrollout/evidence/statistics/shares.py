"""The comparison of bad events as a guardrail makes it: by cohorts where they are known, and alone without a control.

Where nobody is left in control, the same stake is bet on against a limit of the treatment's share. Each of the bets is
fair for what it is made on, so that their product is fair for a model that keeps both.
"""

from dataclasses import dataclass, replace

from .bets import MULTIPLES, SHARES, Bets, factors, prices
from .blocks import Block, Counts, Pair
from .cohorts import Cohorts, CohortState, CohortTest
from .compare import CompareTest
from .strata import Numbers, Unpaired, complete, flat, pairs


@dataclass(frozen=True, slots=True)
class SharesState:
    """What is kept between blocks.

    Attributes:
        cohorts: The comparison, which also has the bets; no scores as long as no cohorts are known.
        waiting: What was counted of one group in this stage, in blocks in which the other had no events.
        alone: What was counted of the treatment in this stage without any control.
    """

    cohorts: CohortState
    waiting: Unpaired
    alone: Counts

    @property
    def bets(self) -> Bets:
        """The evidence."""
        return self.cohorts.bets

    @property
    def pair(self) -> Pair[Counts]:
        """What was counted of both groups in this stage."""
        compared, waiting = self.cohorts.compared, self.waiting
        treatment, control = (sum(_counts(side), Counts()) for side in (waiting.treatment, waiting.control))
        return Pair(compared.treatment + treatment, compared.control + control)

    @property
    def design_effect(self) -> float | None:
        """How many requests are worth one that goes its own way; `None` where no cohorts are known."""
        return self.cohorts.design_effect if self.cohorts.scores else None

    def next_stage(self) -> "SharesState":
        """The same at the beginning of another stage."""
        return SharesState(self.cohorts.next_stage(), Unpaired(), Counts())


@dataclass(frozen=True, slots=True)
class SharesTest:
    """Whether the treatment's share of bad events is above what is tolerated.

    Attributes:
        compare: What is tolerated beside the control.
        limit: The share that is allowed without a control; `None` where that is not known, so that nothing is tested.
    """

    compare: CompareTest
    limit: float | None = None

    def begin(self, at: float) -> SharesState:
        """Before the first block of an attempt, whose first users came at that time."""
        return SharesState(CohortState(self.compare.begin(at), (), 0.0), Unpaired(), Counts())

    def update(self, state: SharesState, block: Block[Cohorts]) -> SharesState:
        """With one more block: each group's counts by cohort, or as one; of the control nothing where there is none."""
        treatment, control = block.content.treatment, block.content.control
        if not control:
            return self._alone(state, Block(block.begin, block.end, sum(treatment, Counts())))
        joined = state.waiting.join(Block(block.begin, block.end, Pair(_flat(treatment), _flat(control))))
        if not complete(joined):
            return replace(state, waiting=Unpaired.of(joined))
        content = Pair(_counts(joined.content.treatment), _counts(joined.content.control))
        return self._both(replace(state, waiting=Unpaired()), Block(joined.begin, joined.end, content))

    def _both(self, state: SharesState, block: Block[Cohorts]) -> SharesState:
        """With one more block, in which both groups had events."""
        treatment, control = block.content.treatment, block.content.control
        if len(treatment) > 1:
            return replace(state, cohorts=self._by_cohorts(state.cohorts, block))
        pair = Block(block.begin, block.end, Pair(treatment[0], control[0]))
        compared = self.compare.update(state.cohorts.compared, pair, 1 / (state.design_effect or 1.0))
        return replace(state, cohorts=replace(state.cohorts, compared=compared))

    def _by_cohorts(self, state: CohortState, block: Block[Cohorts]) -> CohortState:
        # An application that divides its users otherwise from now on begins no new attempt.
        most = max(len(state.scores), len(block.content.treatment))
        scores = (*state.scores, *(0.0,) * (most - len(state.scores)))
        content = Pair(*(_filled(side, most) for side in (block.content.treatment, block.content.control)))
        known = replace(state, scores=scores)
        return CohortTest(self.compare, most).update(known, Block(block.begin, block.end, content))

    def _alone(self, state: SharesState, block: Block[Counts]) -> SharesState:
        worse, safe, counts = [0.0] * len(MULTIPLES), [0.0] * len(SHARES), block.content
        if self.limit is not None:
            weight = 1 / (state.design_effect or 1.0)
            worse, safe = (
                [weight * one for one in factors(counts.events, counts.bad, prices(self.limit, multiples))]
                for multiples in (MULTIPLES, SHARES)
            )
        compared = replace(state.cohorts.compared, bets=state.bets.read(block.begin, block.end, worse, safe))
        return SharesState(replace(state.cohorts, compared=compared), Unpaired(), state.alone + counts)


def _filled(counts: tuple[Counts, ...], most: int) -> tuple[Counts, ...]:
    return (*counts, *(Counts(),) * (most - len(counts)))


def _flat(counts: tuple[Counts, ...]) -> Numbers:
    return flat((one.events, one.bad) for one in counts)


def _counts(numbers: Numbers) -> tuple[Counts, ...]:
    return tuple(Counts(events, bad) for events, bad in pairs(numbers))
