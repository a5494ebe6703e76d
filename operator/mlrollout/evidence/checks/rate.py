"""The share of bad events of one group, held against a limit."""

import math
from collections.abc import Mapping
from typing import Any

from mlrollout.api.moment import to_second
from mlrollout.api.rate import RateGuardrail
from mlrollout.evidence import wording
from mlrollout.evidence.measurement import Counted, Evidence
from mlrollout.evidence.statistics import checkpoint, intervals
from mlrollout.evidence.statistics.blocks import Counts
from mlrollout.evidence.statistics.counting.contents import CounterPair, above, counts
from mlrollout.evidence.statistics.rate import RateState, RateTest

from .memory import BlockSamples, ChangePoint
from .sequential import SequentialCheck

BAD, ALL, HISTOGRAM = "rate.bad", "rate.all", "rate.histogram"


class RateCheck(SequentialCheck[RateGuardrail, RateState, Counts]):
    """A guardrail on the share of bad events of one group."""

    def __init__(self, guardrail: RateGuardrail) -> None:
        rate = guardrail.rate
        fields = {BAD: rate.bad, ALL: rate.all, HISTOGRAM: rate.histogram}
        selectors = {where: text for where, text in fields.items() if text is not None}
        super().__init__(guardrail, RateTest(rate.max), RateState, selectors)
        self._edge = None if rate.above is None else float(rate.above)

    def count(self, samples: BlockSamples) -> Counts:
        """Bad events and all events; or those above the edge, and all."""
        if self._edge is None:
            counters = CounterPair.read(samples.series[BAD], samples.series[ALL])
            return counts(counters, counters.span(samples.begin, samples.end, samples.began, samples.changes))
        counters = CounterPair.read((), samples.series[HISTOGRAM])
        return above(
            counters.all, self._edge, counters.span(samples.begin, samples.end, samples.began, samples.changes)
        )

    def evidence(self, state: RateState, level: float) -> Evidence:
        """The share in this stage."""
        found = intervals.of_rate(state.counts, level)
        treatment = Counted(state.counts.events, state.counts.bad)
        return Evidence(treatment, None, found.estimate, found.low, found.high, math.nan, level)

    def told(
        self, state: RateState, evidence: Evidence, change_point: ChangePoint[RateState] | None
    ) -> tuple[float | None, str]:
        """The share, what it stands on, its limit, and how sure that is."""
        what = "are bad" if self._edge is None else f"are above {self._edge:.15g}"
        limit, stage = f"max {wording.percent(self.guardrail.rate.max)}", state.counts
        whole = wording.share(stage.bad, stage.events, what)
        sure = f"surely between {wording.percent(evidence.low)} and {wording.percent(evidence.high)}"
        if change_point is None:
            return evidence.estimate, f"{whole}, {limit}, {sure}{wording.proven(evidence)}"
        events, bad = stage.events - change_point.state.counts.events, stage.bad - change_point.state.counts.bad
        lately = f"{wording.share(bad, events, what)} since {to_second(change_point.at)}, {limit}"
        return bad / events if events else None, f"{lately}; in all of this stage {whole}; {wording.chance(evidence)}"

    def written(self, content: Counts) -> dict[str, Any]:
        """All events, and the bad ones."""
        return {"counts": [content.events, content.bad]}

    def read(self, plain: Mapping[str, Any]) -> Counts:
        """Of such JSON."""
        return Counts(*checkpoint.numbers(plain.get("counts"), 2))

    @staticmethod
    def limit(guardrail: RateGuardrail, value: float | None) -> float | None:  # noqa: ARG004 - the base's
        """The share that is allowed."""
        return guardrail.rate.max
