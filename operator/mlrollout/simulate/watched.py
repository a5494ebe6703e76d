"""Guardrails in a simulation: what each look comes to by the operator's own check, and which looks are worth making.

A look that can't show anything bad is not made. Which these are, the check itself is asked beforehand: how many bad
events its window has to hold before any number of good ones that ever comes with them leaves it in doubt.
"""

import math
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from itertools import pairwise
from typing import Any, Protocol

from mlrollout.api import limits
from mlrollout.api.guardrail import Guardrail, MissingAction
from mlrollout.api.spec import Requirement
from mlrollout.api.threshold import ThresholdGuardrail
from mlrollout.evidence.answer import Answer
from mlrollout.evidence.checks.check import Check, Failure, Occasion, Unmeasurable
from mlrollout.evidence.checks.kinds import check_of
from mlrollout.evidence.measurement import Measurement, Verdict

from . import promql
from .chance import NEVER, at_most, likely
from .counters import CounterRole, ReadsCounters
from .promql import CounterRead, CounterRoles, Expression, UnknownError

_EVENT = 1_000_000
"""What a counter has counted before the window that is asked about."""
_LONG_AGO = 1e9
_WINDOWS, _MEASURED = 8192, 50_000
_SURE = 1 - 1e-6
_YOUNG = 20
"""Scrapes since a stage began up to which each look is made."""
_WIDER = 1.25
"""How much older a stage may get meanwhile for one `Outlook`, as long as its window grows."""
_ROUNDED = 1e-3


@dataclass(frozen=True, slots=True)
class Pace:
    """Events of the treatment a second."""

    bad: float
    good: float


@dataclass(frozen=True, slots=True)
class Age:
    """Between which ages a stage is, in seconds; the same for both where the window grows no more."""

    youngest: float
    oldest: float


GROWN = Age(_LONG_AGO, _LONG_AGO)


@dataclass(frozen=True, slots=True)
class Outlook:
    """What looks come to at one pace, and at one age of the stage.

    Attributes:
        worth: Bad events in the window from which on a look is made; infinity where so many never come.
        steady: What the looks come to that are not made.
        passing: The share of looks that stand on enough events to pass.
        unsure: Whether the first looks that pass may come at this age.
    """

    worth: float
    steady: Measurement
    passing: float
    unsure: bool = False


@dataclass(frozen=True, slots=True)
class _CheckReads:
    """What a check reads with one `$window`.

    Attributes:
        check: The guardrail's check, which remembers what it asks.
        reads: Where the first questions read counters: all that a measurement depends on.
        known: The questions that were read already.
    """

    check: Check[Any]
    reads: tuple[CounterRead, ...]
    known: dict[str, Expression] = field(default_factory=dict)


class Watched:
    """A guardrail on counters whose meaning is known. What it measures depends on what it reads alone.

    Args:
        guardrail: As the user wrote it, but for `maxAge`.
        roles: What the counters count.
        scrape: Seconds between two scrapes.

    Raises:
        UnknownError: It asks about something else, or can't be measured.
    """

    def __init__(self, guardrail: ThresholdGuardrail, roles: CounterRoles, scrape: float) -> None:
        self.guardrail = guardrail
        check: Any = check_of(guardrail)
        if isinstance(check, Unmeasurable):
            raise UnknownError(check.reason)
        self._roles = roles
        self.scrape = scrape
        self._known: dict[tuple[float, ...], Measurement] = {}
        self._asked = lru_cache(maxsize=_WINDOWS)(self._ask)
        reads = self._asked(guardrail.window).reads
        self.seconds = max((one.seconds for one in reads), default=0.0)
        self.settling = max(guardrail.window, check.reach(Occasion(_LONG_AGO, _LONG_AGO)), self.seconds)
        """Seconds from the begin of a stage after which a look sees nothing but this stage, through a whole window."""
        self.steps = all(one.seconds % scrape == 0 for one in reads)
        """Whether what it reads changes with a scrape alone, once the stage is older than the window."""
        self._edges = self._ages()
        self.outlook = lru_cache(maxsize=2048)(self._outlook)

    def _ages(self) -> tuple[float, ...]:
        """The ages of a stage at which the `Outlook` changes; one alone where its window does not grow."""
        begin, end = _YOUNG * self.scrape, self.settling + 2 * self.guardrail.interval
        young = {one.seconds for one in self._asked(begin).reads if one.seconds}
        if young != {begin} or begin >= end:  # what reaches further back sees what was before the stage
            return (end,)
        steps = math.ceil(math.log(end / begin, _WIDER))
        return (*(begin * _WIDER**step for step in range(steps)), end)

    @property
    def young(self) -> float:
        """Up to this age of a stage each look is made."""
        return self._edges[0]

    def age(self, seconds: float) -> Age:
        """The ages among which one is, from `young` on."""
        place = bisect_right(self._edges, seconds + _ROUNDED)
        return Age(*self._edges[place - 1 : place + 1]) if 0 < place < len(self._edges) else GROWN

    def suspects(self, pace: Pace) -> bool:
        """Whether it depends on bad events which looks are made."""
        ages = (*(Age(*each) for each in pairwise(self._edges)), GROWN)
        return any(0 < self.outlook(pace, age).worth < math.inf for age in ages)

    def _ask(self, window: float) -> "_CheckReads":
        check = check_of(self.guardrail)
        first = check.proceed(Occasion(_LONG_AGO, window + 1.5e-3), {})  # so that it is asked with that window
        assert not isinstance(first, Measurement)  # noqa: S101 - nothing is known yet
        expressions = [promql.compile_(question.promql, self._roles) for question in first.values()]
        return _CheckReads(check, tuple(dict.fromkeys(one for each in expressions for one in each.reads)))

    def measure(self, counters: ReadsCounters, at: float, stood: float) -> Measurement:
        """One look. What was asked before is not asked again."""
        occasion = Occasion(at, stood)
        window = occasion.window(self.guardrail.window)
        asked = self._asked(window)
        lag = at - math.floor(at / counters.scrape) * counters.scrape
        values = (one.value(counters, at) for one in asked.reads)
        key = (window, lag, *(-1.0 if value is None else value for value in values))
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= _MEASURED:
                self._known.clear()
            found = self._known[key] = self._answered(asked, counters, occasion)
        return replace(found, at=at)

    def _answered(self, asked: "_CheckReads", counters: ReadsCounters, occasion: Occasion) -> Measurement:
        answers: dict[str, Answer | Failure] = {}
        while not isinstance(found := asked.check.proceed(occasion, answers), Measurement):
            for name, question in found.items():
                expression = asked.known.get(question.promql)
                if expression is None:
                    expression = asked.known[question.promql] = promql.compile_(question.promql, self._roles)
                answers[name] = expression.answer(counters, occasion.at)
        return found

    def _matters(self, found: Measurement) -> bool:
        """Whether a measurement may take traffic down, by itself or by going on."""
        rolls_back = self.guardrail.on_held_back.action is MissingAction.ROLLBACK
        return found.verdict is Verdict.BREACH or (found.held is not None and rolls_back)

    def _outlook(self, pace: Pace, age: Age = GROWN) -> Outlook:
        young = self._events(pace, age.youngest)
        old = young if age is GROWN else self._events(pace, age.oldest)
        passing = self._passing(old)
        unsure = passing > 0 and age is not GROWN and self._passing(young) < 1
        ranges = {one.seconds for one in self._asked(self.guardrail.window).reads if one.seconds}
        rolls_back = self.guardrail.on_no_data.action is MissingAction.ROLLBACK
        silent = rolls_back and at_most(0, young.bad + young.good) > NEVER
        worth = 0.0 if len(ranges) > 1 or silent else self._worth(young, old)
        few = max(0, int(min(round(old.bad), worth - 1)))
        steady = old.look(few, round(old.good))
        if passing and steady.verdict is not Verdict.PASS:
            steady = old.look(few, likely(old.good)[1])
        return Outlook(worth, steady, passing, unsure)

    def _events(self, pace: Pace, age: float) -> "_Expected":
        """What a window holds at that age of a stage."""
        gaps = max(1, math.ceil(min(age, self.seconds) / self.scrape) - 1)

        def look(bad_events: int, good_events: int) -> Measurement:
            at = math.floor(_LONG_AGO / self.scrape) * self.scrape
            return self.measure(_Window(self.scrape, at, bad_events, good_events), at, age)

        return _Expected(pace.bad * gaps * self.scrape, pace.good * gaps * self.scrape, look)

    def _passing(self, expected: "_Expected") -> float:
        """The share of looks that pass, as far as that depends on how many good events there are."""
        look, good = expected.look, expected.good
        low, high = -1, likely(good)[1]
        typical = round(expected.bad)
        if look(typical, high).verdict is not Verdict.PASS:
            return 0.0
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if look(typical, middle).verdict is Verdict.PASS else (middle, high)
        share = 1 - at_most(high - 1, good) if high else 1.0
        return 1.0 if share > _SURE else share if share > 1 - _SURE else 0.0

    def _worth(self, young: "_Expected", old: "_Expected") -> float:
        """The fewest bad events that come with so few good ones, in one of 1e12 looks, that a look may matter."""
        low, high = -1, likely(old.bad)[1]
        if not self._in_doubt(young, old, high):
            return math.inf
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self._in_doubt(young, old, middle) else (middle, high)
        return float(high)

    def _in_doubt(self, young: "_Expected", old: "_Expected", bad: int) -> bool:
        """Whether so many bad events may matter beside a number of good ones that is ever seen."""
        least, most = likely(young.good)[0], likely(old.good)[1]
        # The more good ones, the better the value; and of those that leave it bad, the more the surer.
        for look in [partial(one, bad) for one in {young.look, old.look}]:
            upto = _last(least, most, partial(self._outside, look))
            if upto >= least and self._matters(look(upto)):
                few = _last(least, upto, partial(self._harmless, look))
                if at_most(upto, young.good) - at_most(few, old.good) > NEVER:
                    return True
        return False

    def _outside(self, look: Callable[[int], Measurement], good: int) -> bool:
        found = look(good)
        return found.value is not None and not limits.contains(self.guardrail, found.value)

    def _harmless(self, look: Callable[[int], Measurement], good: int) -> bool:
        return not self._matters(look(good))


def _last(first: int, last: int, holds: Callable[[int], bool]) -> int:
    """The last number for which something holds that holds up to some number; one less than the first for none."""
    first -= 1
    while first < last:
        middle = (first + last + 1) // 2
        first, last = (middle, last) if holds(middle) else (first, middle - 1)
    return first


class _LookOutcome(Protocol):
    def __call__(self, bad_events: int, good_events: int) -> Measurement:
        """What a look at so many events comes to."""
        ...


@dataclass(frozen=True, slots=True)
class _Expected:
    """How many events a window holds in the mean, and what looks at it come to."""

    bad: float
    good: float
    look: _LookOutcome


@dataclass(frozen=True, slots=True)
class _Window:
    """Counters all of whose events came at once, before the last scrape."""

    scrape: float
    now: float
    bad: int
    good: int

    def at(self, role: CounterRole, number: int) -> int:
        came = number >= math.floor(self.now / self.scrape)
        counts: Mapping[CounterRole, int] = {
            CounterRole.BAD: self.bad,
            CounterRole.GOOD: self.good,
            CounterRole.ALL: self.bad + self.good,
        }
        return _EVENT + (counts[role] if came else 0)


class AlwaysPasses:
    """A guardrail that asks about more than counters of events: it is taken as always passing.

    Args:
        guardrail: As the user wrote it, but for `maxAge`.
        requirements: What stages ask of it.
    """

    def __init__(self, guardrail: Guardrail, requirements: tuple[Requirement, ...]) -> None:
        self.guardrail = guardrail
        self._check: Any = check_of(guardrail)
        self._value = _inside(guardrail, requirements)

    def measure(self, at: float, stood: float) -> Measurement:
        """A pass, over this stage alone."""
        return Measurement(Verdict.PASS, at, min(stood, self._check.reach(Occasion(at, stood))), self._value)


def _inside(guardrail: Guardrail, requirements: tuple[Requirement, ...]) -> float:
    """A value that meets all limits, as far as one can."""
    sides = (guardrail, *(one for one in requirements if one.guardrail == guardrail.name))
    highest = [one for side in sides if (one := getattr(side, "max", None)) is not None]
    lowest = [one for side in sides if (one := getattr(side, "min", None)) is not None]
    return float(min(highest) if highest else max(lowest, default=0.0))
