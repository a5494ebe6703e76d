"""The comparison of two means: what was added up, and how many values there were."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from mlrollout.api.compare import Compare, Worse
from mlrollout.api.moment import to_second
from mlrollout.evidence import wording
from mlrollout.evidence.measurement import Counted, Evidence
from mlrollout.evidence.statistics import checkpoint
from mlrollout.evidence.statistics.blocks import Pair, Sums
from mlrollout.evidence.statistics.counting.contents import CounterPair, of_group, sums
from mlrollout.evidence.statistics.mean import LEARNING, MeanState, MeanTest, of_gap

from .compare_shares import CONTROL, MOST, TREATMENT
from .memory import BlockSamples, ChangePoint

SUM, COUNT = "compare.sum", "compare.count"


@dataclass(frozen=True, slots=True)
class Means:
    """What was added up, and how many values there were, of both groups."""

    compare: Compare
    shortest: ClassVar[float] = 15.0
    """Seconds: how far values lie apart is learnt from blocks, and one of few values teaches little."""

    @property
    def lower(self) -> bool:
        """Whether a lower mean is the worse one."""
        return self.compare.worse is Worse.LOWER

    @property
    def test(self) -> MeanTest:
        """By what is tolerated beside the control."""
        return MeanTest(self._ratio, self.compare.difference or 0.0, self.lower)

    @property
    def _ratio(self) -> float:
        """How many times the control's mean the treatment's may be at the worst."""
        ratio = self.compare.ratio or 1.0
        return 1 / ratio if self.lower else ratio

    @property
    def kept(self) -> type[MeanState]:
        """What the test keeps."""
        return MeanState

    @property
    def selectors(self) -> Mapping[str, str]:
        """Of what is added up, and of how many values."""
        return {SUM: self.compare.sum or "", COUNT: self.compare.count or ""}

    def count(self, samples: BlockSamples) -> Pair[Sums]:
        """Each group's sums; without a control, which no mean can be compared with, the treatment's."""
        counters = CounterPair.read(samples.series[SUM], samples.series[COUNT])
        span = counters.span(samples.begin, samples.end, samples.began, samples.changes)
        treatment, control = (
            Sums()
            if name == CONTROL and samples.share == 1
            else of_group(counters, self.compare.group, name, lambda group: sums(group, span))
            for name in (TREATMENT, CONTROL)
        )
        return Pair(treatment, control)

    def written(self, content: Pair[Sums]) -> dict[str, Any]:
        """Each group's count and total."""
        sides = {TREATMENT: content.treatment, CONTROL: content.control}
        return {name: [one.count, one.total] for name, one in sides.items()}

    def read(self, plain: Mapping[str, Any]) -> Pair[Sums]:
        """Of such JSON."""
        return Pair(*(Sums(*checkpoint.numbers(plain.get(name), 2)) for name in (TREATMENT, CONTROL)))

    def events(self, state: MeanState) -> Pair[float]:
        """How many values of each group there were in this stage."""
        return Pair(state.treatment.count, state.control.count)

    def learning(self, state: MeanState) -> str:
        """How far values lie apart, which is learnt from the first blocks."""
        if state.attempt.spread:
            return ""
        return f"how far values lie apart is still to be learnt ({state.attempt.blocks:.15g} of {LEARNING + 1} blocks)"

    def evidence(self, state: MeanState, level: float) -> Evidence:
        """How many times or by how much the treatment's mean is worse."""
        found = of_gap(state.stage, level)
        return Evidence(
            treatment=Counted(state.treatment.count),
            control=Counted(state.control.count),
            estimate=None if found.estimate is None else self._worse(state, found.estimate),
            low=self._worse(state, found.low),
            high=self._worse(state, found.high),
            e_value=math.nan,
            false_alarm=level,
        )

    def _worse(self, state: MeanState, gap: float) -> float:
        """How much worse the treatment is, where it is by so much worse than tolerated."""
        if self.compare.ratio is None:
            return gap + (self.compare.difference or 0.0)
        control = state.control.total / state.control.count if state.control.count else 0.0
        if not control > 0 or math.isinf(gap):
            return math.copysign(math.inf, gap)
        if not self.lower:
            return self.compare.ratio + gap / control
        treatment = control * self._ratio - gap
        return control / treatment if treatment > 0 else math.inf

    def told(
        self, state: MeanState, evidence: Evidence, change_point: ChangePoint[MeanState] | None
    ) -> tuple[float | None, str]:
        """Both means, how much worse the treatment's is, and how sure that is."""
        stage = f"{_means(state.treatment, state.control)}{self._sure(evidence)}"
        if change_point is None:
            return evidence.estimate, f"{stage}{wording.proven(evidence)}"
        words = stage
        if change_point.state.treatment.count > (1 - MOST) * state.treatment.count:
            treatment, control = (
                Sums(now.count - then.count, now.total - then.total)
                for now, then in (
                    (state.treatment, change_point.state.treatment),
                    (state.control, change_point.state.control),
                )
            )
            words = f"since {to_second(change_point.at)} {_means(treatment, control)}; in all of this stage {stage}"
        return evidence.estimate, f"{words}; {wording.false_alarm(evidence)}"

    def _sure(self, evidence: Evidence) -> str:
        if evidence.estimate is None:
            return ""
        ratio = self.compare.ratio is not None
        none, how = (1.0, " times worse") if ratio else (0.0, " worse")
        worse = f"{_number(evidence.estimate)}{how}" if evidence.estimate > none else "no worse"
        more = evidence.low > none
        bound, side = (evidence.low, "more") if more else (evidence.high, "less")
        sure = f", surely {side} than {_number(bound)}" if math.isfinite(bound) else ""
        return f"; {worse}{sure}; tolerated is {_number(self.compare.ratio or self.compare.difference or 0.0)}"


def _means(treatment: Sums, control: Sums) -> str:
    return f"treatment's mean {_mean(treatment)}, legacy's {_mean(control)}"


def _mean(found: Sums) -> str:
    if not found.count:
        return "is not known yet"
    return f"is {_number(found.total / found.count)} ({found.count:.15g} values)"


def _number(value: float) -> str:
    return f"{value:.3g}"
