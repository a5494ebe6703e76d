"""The comparison of two shares of bad events: counters of bad and of all events, or a histogram and an edge."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from mlrollout.api.compare import Compare
from mlrollout.api.moment import to_second
from mlrollout.evidence import wording
from mlrollout.evidence.measurement import Counted, Evidence
from mlrollout.evidence.statistics import checkpoint, intervals
from mlrollout.evidence.statistics.blocks import Counts, Pair
from mlrollout.evidence.statistics.cohorts import Cohorts
from mlrollout.evidence.statistics.compare import CompareTest
from mlrollout.evidence.statistics.counting.contents import CounterPair, above, counts, of_cohorts, of_group
from mlrollout.evidence.statistics.counting.increments import Span
from mlrollout.evidence.statistics.counting.series import Series
from mlrollout.evidence.statistics.shares import SharesState, SharesTest

from .memory import BlockSamples, ChangePoint
from .sequential import SHORTEST_BLOCK

BAD, ALL, HISTOGRAM = "compare.bad", "compare.all", "compare.histogram"
TREATMENT, CONTROL = "treatment", "control"
COHORT = "cohort"
"""The label by which the SDK divides the users once more, for all that guardrails ask about."""
NOBODY = "none"
"""Its value for calls without a user, who are all in control and no part of the experiment."""
COHORTS = 20
"""Into how many parts the users are divided at most; what is divided further is thrown together again."""
MOST = 0.8
"""Of which share of a stage is told by itself what was seen since the rise of a breach began."""
STRONG = 1.5
"""The design effect above which people are told of it."""


@dataclass(frozen=True, slots=True)
class Shares:
    """Bad events out of all, of both groups."""

    compare: Compare
    shortest: ClassVar[float] = SHORTEST_BLOCK

    @property
    def test(self) -> SharesTest:
        """By what is tolerated beside the control, and by the limit without one."""
        return SharesTest(CompareTest(self.compare.ratio or 1.0, self.compare.difference or 0.0), self.compare.max)

    @property
    def kept(self) -> type[SharesState]:
        """What the test keeps."""
        return SharesState

    @property
    def selectors(self) -> Mapping[str, str]:
        """Of bad and of all events, or of buckets."""
        fields = {BAD: self.compare.bad, ALL: self.compare.all, HISTOGRAM: self.compare.histogram}
        return {where: text for where, text in fields.items() if text is not None}

    # --- what is counted ---------------------------------------------------------------------

    def count(self, samples: BlockSamples) -> Cohorts:
        """Each group's counts, by cohort where all series tell it."""
        counters = CounterPair.read(
            samples.series.get(BAD, ()), samples.series[ALL if self.compare.histogram is None else HISTOGRAM]
        )
        span = counters.span(samples.begin, samples.end, samples.began, samples.changes)
        names = _cohorts([*counters.part, *counters.all])
        treatment = self._of_group(counters, TREATMENT, names, span)
        if samples.share == 1:
            return Pair((sum(treatment, Counts()),), ())
        return Pair(treatment, self._of_group(counters, CONTROL, names, span))

    def _of_group(self, counters: CounterPair, name: str, cohorts: Sequence[str], span: Span) -> tuple[Counts, ...]:
        return of_group(counters, self.compare.group, name, lambda group: self._by_cohort(group, cohorts, span))

    def _by_cohort(self, group: CounterPair, cohorts: Sequence[str], span: Span) -> tuple[Counts, ...]:
        def counted(one: CounterPair) -> Counts:
            return counts(one, span) if self.compare.above is None else above(one.all, float(self.compare.above), span)

        if not cohorts:
            return (counted(group),)
        parts = min(COHORTS, max(map(int, cohorts)) + 1)
        found = [Counts()] * parts
        for name, one in zip(cohorts, of_cohorts(group, COHORT, cohorts, span, counted), strict=True):
            found[int(name) % parts] += one
        return tuple(found)

    def written(self, content: Cohorts) -> dict[str, Any]:
        """Each group's events and bad ones, by cohort where they are known; of the control none where there is none."""
        sides = {TREATMENT: content.treatment, CONTROL: content.control}
        return {name: [[one.events, one.bad] for one in side] for name, side in sides.items()}

    def read(self, plain: Mapping[str, Any]) -> Cohorts:
        """Of such JSON."""
        treatment, control = (_listed(plain.get(name)) for name in (TREATMENT, CONTROL))
        if not treatment or len(control) not in (0, len(treatment)):
            raise ValueError(f"{len(treatment)} cohorts in treatment and {len(control)} in control are no comparison")
        return Pair(treatment, control)

    # --- what is told ------------------------------------------------------------------------

    def events(self, state: SharesState) -> Pair[float]:
        """How many events of each group there were in this stage."""
        return Pair(state.pair.treatment.events, state.pair.control.events)

    def learning(self, state: SharesState) -> str:  # noqa: ARG002 - the protocol's
        """Nothing: shares are compared from the first event on."""
        return ""

    def evidence(self, state: SharesState, level: float) -> Evidence:
        """The ratio or the difference of the shares; without a control, the share."""
        effect = state.design_effect or 1.0
        if state.alone.events:
            found = intervals.of_rate(_worth(state.alone, effect), level)
            control, treatment, limit = None, state.alone, self.compare.max
        else:
            pair, limit = state.pair, None
            of = intervals.of_difference if self.compare.ratio is None else intervals.of_ratio
            found = of(_worth(pair.treatment, effect), _worth(pair.control, effect), level)
            control, treatment = Counted(pair.control.events, pair.control.bad), pair.treatment
        return Evidence(
            treatment=Counted(treatment.events, treatment.bad),
            control=control,
            estimate=found.estimate,
            low=found.low,
            high=found.high,
            e_value=math.nan,
            false_alarm=level,
            limit=limit,
            design_effect=state.design_effect,
        )

    def told(
        self, state: SharesState, evidence: Evidence, change_point: ChangePoint[SharesState] | None
    ) -> tuple[float | None, str]:
        """Both groups' shares, how much worse the treatment is, and how sure that is."""
        stage = f"{self._shares(_Seen.of(state))}{self._sure(state, evidence)}"
        if change_point is None:
            return evidence.estimate, f"{stage}{wording.proven(evidence)}{_clustered(evidence)}"
        lately, ending = (
            _Seen.of(state) - _Seen.of(change_point.state),
            f"{wording.false_alarm(evidence)}{_clustered(evidence)}",
        )
        if evidence.design_effect is None:
            ending += _UNCLUSTERED
        words = stage
        if lately.events < MOST * _Seen.of(state).events:
            words = f"{self._shares(lately, f' since {to_second(change_point.at)}')}; in all of this stage {stage}"
        return self._worse(lately), f"{words}; {ending}"

    def _worse(self, seen: "_Seen") -> float | None:
        """How much worse the treatment is: the ratio or the difference; without a control, its share."""
        treatment, control = _rate(seen.pair.treatment), _rate(seen.pair.control)
        if seen.alone.events:
            return _rate(seen.alone)
        if treatment is None or control is None:
            return None
        if self.compare.ratio is None:
            return treatment - control
        return treatment / control if control else None

    def _shares(self, seen: "_Seen", since: str = "") -> str:
        worse = self._worse(seen)
        if seen.alone.events:
            return f"treatment {self._bad(seen.alone)}{since} without a control"
        legacy = _rate(seen.pair.control)
        both = f"treatment {self._bad(seen.pair.treatment)}{since}, legacy " + (
            "has no events yet" if legacy is None else wording.percent(legacy)
        )
        return both if worse is None else f"{both}; {self._times(worse)}"

    def _bad(self, counted: Counts) -> str:
        share = _rate(counted)
        if share is None:
            return "has no events yet"
        what = "fails" if self.compare.above is None else f"is above {self.compare.above} in"
        return f"{what} {wording.percent(share)} ({counted.bad:.15g} of {counted.events:.15g})"

    def _times(self, worse: float) -> str:
        if self.compare.ratio is None:
            return f"{wording.points(worse)} more" if worse > 0 else "no more"
        return "no worse" if (number := wording.times(max(1.0, worse))) == "1" else f"{number} times worse"

    def _sure(self, state: SharesState, evidence: Evidence) -> str:
        """The bound that says most, and what is allowed."""
        number = wording.times if self.compare.ratio is not None and not state.alone.events else wording.percent
        allowed = f"max {wording.percent(self.compare.max)}" if state.alone.events and self.compare.max else ""
        if not state.alone.events:
            allowed = f"tolerated is {number(self.compare.ratio or self.compare.difference or 0.0)}"
        more = evidence.low > (1.0 if number is wording.times else 0.0)
        sure = f", surely more than {number(evidence.low)}" if more else ""
        if not more and evidence.estimate is not None:
            sure = f", surely less than {number(evidence.high)}" if math.isfinite(evidence.high) else ""
        return sure + (f"; {allowed}" if allowed else "")


_UNCLUSTERED = (
    "; counted by request: without a label `cohort` on all series, users who try again and again weigh as much as many"
)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What was counted, of both groups or of the treatment alone."""

    pair: Pair[Counts]
    alone: Counts

    @property
    def events(self) -> float:
        """How many events of the treatment."""
        return self.pair.treatment.events + self.alone.events

    @classmethod
    def of(cls, state: SharesState) -> "_Seen":
        return cls(state.pair, state.alone)

    def __sub__(self, other: "_Seen") -> "_Seen":
        pair = Pair(
            _less(self.pair.treatment, other.pair.treatment),
            _less(self.pair.control, other.pair.control),
        )
        return _Seen(pair, _less(self.alone, other.alone))


def _less(counted: Counts, before: Counts) -> Counts:
    # Less than before is left where events waited for the other group, and then there was no control any more.
    events = max(0.0, counted.events - before.events)
    return Counts(events, min(events, max(0.0, counted.bad - before.bad)))


def _listed(plain: object) -> tuple[Counts, ...]:
    if not isinstance(plain, list) or len(plain) > COHORTS:
        raise ValueError(f"a group is a list of at most {COHORTS} cohorts, each with its events and its bad ones")
    return tuple(Counts(*checkpoint.numbers(one, 2)) for one in plain)


def _rate(counted: Counts) -> float | None:
    return counted.bad / counted.events if counted.events else None


def _worth(counted: Counts, effect: float) -> Counts:
    """What counts, where so many requests are worth one."""
    return Counts(counted.events / effect, counted.bad / effect)


def _clustered(evidence: Evidence) -> str:
    effect = evidence.design_effect
    if effect is None or effect <= STRONG:
        return ""
    return f"; {wording.times(effect)} requests count as one (design effect), as single users make many"


def _cohorts(series: Iterable[Series]) -> Sequence[str]:
    """The cohorts that the series are of; none where one does not tell, so that nobody is left out."""
    names = {one.labels.get(COHORT, "") for one in series} - {NOBODY}
    known = all(name.isascii() and name.isdecimal() for name in names)
    return sorted(names, key=lambda name: (int(name), name)) if known and len(names) > 1 else ()
