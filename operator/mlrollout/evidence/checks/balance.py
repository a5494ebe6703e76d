"""Whether the split that was asked for arrives, by users counted once."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from mlrollout.api.balance import BalanceGuardrail
from mlrollout.api.moment import to_second
from mlrollout.evidence import wording
from mlrollout.evidence.measurement import Counted, Evidence
from mlrollout.evidence.statistics import checkpoint, intervals
from mlrollout.evidence.statistics.balance import MULTIPLES, BalanceState, BalanceTest, Split
from mlrollout.evidence.statistics.blocks import Block, Counts
from mlrollout.evidence.statistics.counting.contents import CounterPair, counts, of_group

from .compare_shares import CONTROL, MOST, TREATMENT
from .memory import BlockSamples, ChangePoint
from .sequential import SequentialCheck

USERS = "balance.users"
_BROKEN = (
    "the experiment is broken, not the model: look for a client that has another percentage, a cache before it, or "
    "users that are counted more than once"
)


@dataclass(frozen=True, slots=True)
class NewUsers:
    """Users who came for the first time, by the group that they got.

    Attributes:
        treatment: How many got the treatment.
        control: How many did not.
        share: The share that was asked for; `None` where it may have changed meanwhile.
    """

    treatment: float
    control: float
    share: float | None


class SplitTest:
    """The test of the split, where there is one: nobody is divided at 0 and at 100 %."""

    def begin(self, at: float) -> BalanceState:
        """Before the first block of an attempt."""
        return BalanceTest().begin(at)

    def update(self, state: BalanceState, block: Block[NewUsers]) -> BalanceState:
        """With one more block."""
        users = block.content
        if users.share is not None and 0 < users.share < 1:
            split = Split(users.treatment, users.control, users.share)
            return BalanceTest().update(state, Block(block.begin, block.end, split))
        state = replace(state, bets=state.bets.read(block.begin, block.end, [0.0] * len(MULTIPLES), ()))
        if users.share is None:
            return state
        return replace(
            state,
            treatment=state.treatment + users.treatment,
            control=state.control + users.control,
            expected=state.expected + users.share * (users.treatment + users.control),
        )


class BalanceCheck(SequentialCheck[BalanceGuardrail, BalanceState, NewUsers]):
    """A guardrail on how users are divided."""

    by_share = True

    def __init__(self, guardrail: BalanceGuardrail) -> None:
        super().__init__(guardrail, SplitTest(), BalanceState, {USERS: guardrail.balance.users})

    def count(self, samples: BlockSamples) -> NewUsers:
        """The new users of both groups; with everybody in treatment, nobody has to be in control."""
        counters = CounterPair.read((), samples.series[USERS])
        # Users of a time with another share would make a split that is right look broken.
        span = counters.span(samples.begin, samples.end, max(samples.began, samples.steady))
        treatment, control = (
            0.0
            if name == CONTROL and samples.share == 1
            else of_group(counters, self.guardrail.balance.group, name, lambda group: counts(group, span).events)
            for name in (TREATMENT, CONTROL)
        )
        return NewUsers(treatment, control, samples.share)

    def evidence(self, state: BalanceState, level: float) -> Evidence:
        """The share of this stage's new users that are in treatment, beside the one that was asked for."""
        users = state.treatment + state.control
        found = intervals.of_rate(Counts(users, state.treatment), level)
        return Evidence(
            treatment=Counted(state.treatment),
            control=Counted(state.control),
            estimate=found.estimate,
            low=found.low,
            high=found.high,
            e_value=math.nan,
            false_alarm=level,
            limit=state.expected / users if users else None,
        )

    def told(
        self, state: BalanceState, evidence: Evidence, change_point: ChangePoint[BalanceState] | None
    ) -> tuple[float | None, str]:
        """The share, what was asked for, and what a breach means."""
        between = f"surely between {wording.percent(evidence.low)} and {wording.percent(evidence.high)}"
        stage = f"{_shares(state)}, {between}" if evidence.estimate is not None else _shares(state)
        if change_point is None:
            return evidence.estimate, stage
        before, words = change_point.state, stage
        if before.treatment + before.control > (1 - MOST) * (state.treatment + state.control):
            lately = replace(
                state,
                treatment=state.treatment - before.treatment,
                control=state.control - before.control,
                expected=state.expected - before.expected,
            )
            words = f"since {to_second(change_point.at)} {_shares(lately)}; in all of this stage {stage}"
        return evidence.estimate, f"{words}: {_BROKEN}; {wording.false_alarm(evidence)}"

    def written(self, content: NewUsers) -> dict[str, Any]:
        """The users of each group, and the share that was asked for."""
        return {TREATMENT: content.treatment, CONTROL: content.control, "share": content.share}

    def read(self, plain: Mapping[str, Any]) -> NewUsers:
        """Of such JSON."""
        treatment, control = checkpoint.numbers([plain.get(TREATMENT), plain.get(CONTROL)], 2)
        share = None if plain.get("share") is None else checkpoint.numbers([plain["share"]], 1)[0]
        if min(treatment, control) < 0 or not (share is None or 0 <= share <= 1):
            raise ValueError(f"{treatment} users in treatment, {control} in control, and a share of {share} cannot be")
        return NewUsers(treatment, control, share)


def _shares(state: BalanceState) -> str:
    users = state.treatment + state.control
    if not users:
        return "no new users yet"
    found = wording.share(state.treatment, users, "of new users are in treatment")
    return f"{found}, {wording.percent(state.expected / users)} were asked for"
