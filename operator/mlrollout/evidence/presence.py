"""Whether the series that a question asks about live: asked of every selector in it, not of those that answered.

A sum adds up what there is, and a fallback (`or vector(0)`) speaks where there is nothing, so an answer by itself
never tells that a target died, or that its metric was never exported. Two questions do: whether each selector has
a sample that is young enough; and, only where one has none or the query no answer, whether it ever had.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from mlrollout.api import duration

from .answer import Answer
from .promql.query import Query

LOOKBACK = 300.0
"""Seconds after which an instant selector no longer finds a sample, unless Prometheus is set otherwise."""
COUNT = "minSamples.query"
"""Where a need comes from that is not the guardrail's own query's."""
MEMORY = 86_400.0
"""Seconds for which it is remembered what a job exported that is down now."""
TWO = 2.0
"""Samples that a rate needs."""


class Life(Enum):
    """How it stands with the series of one selector."""

    FRESH = "its newest sample is young enough"
    OLD = "its newest sample is too old, though Prometheus still finds it"
    SILENT = "it had samples, and has none that are young enough"
    SPARSE = "it lives, but the range that reads it is too short to hold a sample"
    NEVER = "it never had a sample, as far back as was looked"


@dataclass(frozen=True, slots=True, order=True)
class Need:
    """What one place of a question needs of its series.

    Attributes:
        where: `COUNT`, or empty for the guardrail's own query.
        selector: The series, as PromQL.
        within: How young the newest sample must be, in seconds.
        now: Whether it must also be there for an instant selector, which Prometheus lets end with its target.
        function: What needs two samples in the range; empty for none.
        width: Seconds of that range.
        optional: Whether the user wrote what holds where there is no series.
        passing: Whether the series come and go by their nature.
    """

    where: str
    selector: str
    within: float
    now: bool
    function: str
    width: float
    optional: bool
    passing: bool

    @property
    def replaceable(self) -> bool:
        """Whether its absence has a meaning in the query, as long as something else in it lives."""
        return self.optional or self.passing


def needs(query: Query, window: float, max_age: float, where: str = "") -> tuple[Need, ...]:
    """What a query needs, with `$window` as so many seconds; in a stable order."""
    return tuple(sorted(set(_needs(query, window, max_age, where))))


def _needs(query: Query, window: float, max_age: float, where: str) -> Iterator[Need]:
    for one in query.selections:
        selection, begins = one.selection, one.begins.seconds(window)
        width = one.width.seconds(window) if selection.width else 0.0
        # A sample that the query itself no longer reads is none, however patient `maxAge` is: else a fallback would
        # speak for a series that counts as fresh. An instant selector reads `LOOKBACK` further than its moment.
        within = min(max_age, begins + (0.0 if width else LOOKBACK))
        now = begins <= 0 or (not selection.keeps and max_age <= LOOKBACK)
        yield Need(
            where=where,
            selector=selection.selector,
            within=max_age if now else within,
            now=now,
            function=selection.function,
            width=width if selection.function else 0.0,
            optional=selection.optional,
            passing=selection.passing,
        )


def ask(needed: Sequence[Need]) -> str | None:
    """PromQL for how it stands with each need now; `None` where there is none.

    The newest sample's own time is to be had for an instant selector alone, which is blind after `LOOKBACK`. Over
    a longer time `present_over_time` says the one thing that matters at the cost of a rate; a subquery over
    `timestamp` would say it to the step, at the cost of one evaluation for each.
    """
    parts = []
    for at, (need, first) in enumerate(zip(needed, _firsts(needed), strict=True)):
        if at == first:
            parts.append(_part(f"{at}", _newest(need)))
        if need.function and need.replaceable:
            parts.append(_part(f"{at} counted", _counted(need)))
    return " or ".join(parts) or None


def _newest(need: Need) -> str:
    return f"timestamp({need.selector})" if need.now else _present(need, need.within)


def _firsts(needed: Sequence[Need]) -> Sequence[int]:
    """For each need the place of the first that the same is asked for: a ratio and its count share their requests."""
    seen: dict[str, int] = {}
    return [seen.setdefault(_newest(need), at) for at, need in enumerate(needed)]


def _part(name: str, series: str) -> str:
    return f'label_replace(max({series}), "selector", "{name}", "", "")'


def _present(need: Need, seconds: float) -> str:
    return f"present_over_time({need.selector}[{duration.render(seconds)}])"


def _down(need: Need, seconds: float) -> str:
    """Whether no target that it had samples from is up: no fallback speaks for what nobody can reach.

    Asked of the job, whose targets may have been replaced since, and of the targets themselves, for other applications
    may be scraped by the same job. A target that is listed no more was replaced, and says nothing.
    """
    lived = _present(need, seconds)
    return " or ".join(
        f"max by (job) (max by ({target}) ({lived}) * on ({target}) max by ({target}) (up)) == 0"
        for target in ("job", "job, instance")
    )


def _counted(need: Need) -> str:
    return f"count_over_time({need.selector}[{duration.render(need.width)}])"


@dataclass(frozen=True, slots=True)
class NeedStatus:
    """How it stands with one need.

    Attributes:
        need: What is needed.
        life: How it stands.
        age: Seconds since its newest sample; 0 where it is only known to be young enough, infinity where there is none.
        count: How many samples the range holds; `None` where that was not asked.
    """

    need: Need
    life: Life
    age: float
    count: float | None

    @property
    def too_short(self) -> bool:
        """Whether the range holds too few samples for its function, though the series live."""
        return self.life is Life.FRESH and self.count is not None and self.count < TWO


@dataclass(frozen=True, slots=True)
class Presence:
    """How it stands with everything that a look needs.

    Attributes:
        needs: What is needed.
        max_age: How old a sample may be, in seconds.
        now: What `ask` was answered.
        before: What `history` was answered; `None` where it was not asked, or is not known.
    """

    needs: tuple[Need, ...]
    max_age: float
    now: Answer
    before: Answer | None = None

    @property
    def missing(self) -> bool:
        """Whether one has no sample that is young enough, where that is not in its nature."""
        return any(_missing(need, age) for need, age in zip(self.needs, self._ages(), strict=True))

    def history(self, reach: float) -> str | None:
        """PromQL for what was, and how many samples each range holds.

        Cheap where it is asked again and again, of a counter that was never born: there is nothing to read.

        Args:
            reach: How many seconds back the query looks.
        """
        seen, parts = reach + self.max_age, []
        for at, (need, age) in enumerate(zip(self.needs, self._ages(), strict=True)):
            if _missing(need, age):
                parts.append(_part(f"{at} lived", _present(need, seen)))
                if need.replaceable:
                    parts.append(_part(f"{at} down", _down(need, max(seen, MEMORY))))
                if need.within < self.max_age:
                    parts.append(_part(f"{at} recent", _present(need, self.max_age)))
            elif need.function and not need.replaceable:
                parts.append(_part(f"{at} counted", _counted(need)))
        return " or ".join(parts) or None

    @property
    def age(self) -> float:
        """Seconds since the newest sample of the selector that has waited longest, as far as that is known."""
        ages = (age for need, age in zip(self.needs, self._ages(), strict=True) if not need.where)
        return max((age for age in ages if math.isfinite(age)), default=0.0)

    @property
    def found(self) -> tuple[NeedStatus, ...]:
        """How it stands with each need."""
        now, before = _named(self.now), None if self.before is None else _named(self.before)
        return tuple(
            NeedStatus(need, _life(f"{at}", need, age, before), age, _count(f"{at} counted", need, now, before))
            for at, (need, age) in enumerate(zip(self.needs, self._ages(), strict=True))
        )

    def _ages(self) -> Sequence[float]:
        """For each need the seconds since its newest sample, as in `NeedStatus`."""
        said = _named(self.now)
        return [
            self._age(said.get(f"{first}"), need) for need, first in zip(self.needs, _firsts(self.needs), strict=True)
        ]

    def _age(self, said: float | None, need: Need) -> float:
        if said is None or not need.now:
            return math.inf if said is None else 0.0
        age = math.inf if self.now.evaluated is None else self.now.evaluated - said + self.now.lag
        return age if math.isfinite(age) else math.inf


def _life(name: str, need: Need, age: float, before: Mapping[str, float] | None) -> Life:
    if age <= need.within:
        return Life.FRESH
    if need.passing:
        return Life.NEVER
    if math.isfinite(age):
        return Life.OLD
    if before is None:
        return Life.SILENT  # what was not to be learnt is taken for the worse
    if f"{name} recent" in before:
        return Life.SPARSE
    return Life.SILENT if f"{name} lived" in before or f"{name} down" in before else Life.NEVER


def _count(name: str, need: Need, now: Mapping[str, float], before: Mapping[str, float] | None) -> float | None:
    asked = now if need.replaceable else before
    return None if asked is None or not need.function else asked.get(name, 0.0)


def _missing(need: Need, age: float) -> bool:
    return age > need.within and not need.passing


def _named(answer: Answer) -> Mapping[str, float]:
    return {sample.labels.get("selector", ""): sample.value for sample in answer.samples}
