"""By how much counters grew within a block, `begin` left out and `end` included."""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

from .series import Series
from .targets import (
    SPARE,
    UNKNOWN,
    ScrapeIndex,
    Target,
    come,
    fell_alone,
    gauge,
    pace_of,
    renamed,
    restarts,
    steps,
    target_of,
)
from .uncountable import UncountableError, UncountableReason

KEPT = 0.5
"""The share of what it stood at before that a counter can't have gained again since a restart, in one scrape."""
FALLS = 3
OFTEN = 4
"""A gauge falls at least `FALLS` times, and at one in `OFTEN` of its changes; or once, where all else went on."""
MISSED = 2
"""Scrapes of its target after which a series that was not in them was missing: one may be cut in two."""


@dataclass(frozen=True)
class Span:
    """A block, and what all that was read tells of it.

    Attributes:
        begin: Samples up to then were counted before.
        end: Samples up to then are counted now.
        since: Growth since a sample from before then counts for nothing: it may be of another time.
        changes: When users were divided anew, as far as that is known; before each, others were in the group.
        pace: The greatest growth that was seen, per second: what is new or began anew can't be far beyond that.
        restarts: When a target restarted for sure: in one scrape several of its counters fell or were gone, and none
            went on.
        alone: Series that fell while the rest of their target went on for sure, so that nothing restarted.
        series: All that was read.
    """

    begin: float
    end: float
    since: float
    pace: float
    changes: Sequence[float] = ()
    restarts: Mapping[Target, Sequence[float]] = field(default_factory=dict)
    alone: tuple[Series, ...] = ()
    series: Sequence[Series] = ()

    @classmethod
    def of(
        cls,
        series: Sequence[Series],
        begin: float,
        end: float,
        since: float = -math.inf,
        changes: Sequence[float] = (),
    ) -> "Span":
        """Of all series that are read together: bad events and all events, of both groups."""
        pace = max(map(pace_of, series), default=0.0)
        return cls(begin, end, since, pace, changes, restarts(series), fell_alone(series), series)

    def plausible(self, value: float, seconds: float) -> bool:
        """Whether a counter that began at 0 so long ago at most can stand there."""
        return value <= come(self.pace, seconds)

    def scrapes(self, one: Series, after: float, until: float) -> int:
        """How often its target was scraped between two moments, `after` included and `until` left out."""
        times = self._scrapes.get(target_of(one), ())
        return bisect_left(times, until) - bisect_left(times, after)

    def born(self, one: Series) -> bool:
        """Whether a series that has no sample before the block began at zero after the last scrape without it.

        A target that was out of reach for long is not new. Which it is, it tells as a whole: where only the counters
        counted that stand low enough for a new one, those of its failures would, and those of its requests would not.
        Nor is what goes on under another name: all that came before would be of this block.
        """
        place = target_of(one), one.times[0]
        known = self.scrapes(one, self.since, one.times[0]) > 0
        return known and self._plausible.get(place, False) and place not in self._renamed

    def summed(self, at: float, to: float) -> bool:
        """Whether a series of an unknown target that fell then is a sum, of which one part has ended.

        Others like it did not fall, as they would in a restart. What the rest of a sum stands at is nothing that came.
        """
        if (at, to) not in self._summed:
            courses = self._of_unknown.between(at, to)
            self._summed[at, to] = any(values[-1] >= values[0] > 0 for values in courses)
        return self._summed[at, to]

    @cached_property
    def _scrapes(self) -> Mapping[Target, Sequence[float]]:
        """When each target was scraped, by the series of it that was seen most often."""
        found: dict[Target, Sequence[float]] = {}
        for one in self.series:
            if len(one.times) > len(found.get(target_of(one), ())):
                found[target_of(one)] = one.times
        return found

    @cached_property
    def _renamed(self) -> set[tuple[Target, float]]:
        sure = {(target, at) for target, times in self.restarts.items() for at in times}
        return renamed(self.series, self.begin, self._scrapes) - sure

    @cached_property
    def _of_unknown(self) -> ScrapeIndex:
        return ScrapeIndex(one for one in self.series if target_of(one) == UNKNOWN)

    @cached_property
    def _summed(self) -> dict[tuple[float, float], bool]:
        return {}

    @cached_property
    def _plausible(self) -> Mapping[tuple[Target, float], bool]:
        """Whether all series of a target that were first seen in one scrape of the block can have begun just then."""
        found: dict[tuple[Target, float], bool] = {}
        for one in self.series:
            if one.times and self.begin < one.times[0] <= self.end:
                place = target_of(one), one.times[0]
                seconds = one.times[0] - self.begin + self.end - self.begin
                found[place] = found.get(place, True) and self.plausible(one.values[0], seconds)
        return found


def seen(series: Iterable[Series], span: Span) -> bool:
    """Whether there is a sample in the block."""
    return any(len(_inside(one, span)) for one in series)


def newest_in(one: Series, span: Span) -> float | None:
    """When its newest sample in the block was taken; `None` where there is none."""
    inside = _inside(one, span)
    return one.times[inside.stop - 1] if inside else None


def increase(series: Sequence[Series], span: Span, *, whole: bool = True) -> float:
    """By how much the counters grew together.

    Args:
        series: All that one selector matches in one group, with samples from some minutes before the block on.
        span: The block.
        whole: Whether what is counted are events, and not seconds for example.
    """
    for one in series:
        _check(one, whole=whole)
    _counters(series, span)
    return math.fsum(_grown(one, span) for one in series)


def _inside(one: Series, span: Span) -> range:
    """Which of its samples lie in the block."""
    return range(bisect_right(one.times, span.begin), bisect_right(one.times, span.end))


def _grown(one: Series, span: Span) -> float:
    inside = _inside(one, span)
    if not inside:  # or the slices below would count from the end
        return 0.0
    _check_not_hidden(one, span, inside)
    # What a scrape shows that is the first for long, or the first at all since then, may have come before: after a new
    # revision that would be what the one before had done.
    place = bisect_left(one.times, span.since)
    first = max(inside.start, place + 1)
    begun = _back(one, span, place) if place and place in inside else _born(one, span)
    if not one.falls and target_of(one) not in span.restarts:
        return math.fsum((begun, *one.grown[first - 1 : inside.stop - 1]))
    each = pairwise(zip(one.times[first - 1 : inside.stop], one.values[first - 1 : inside.stop], strict=True))
    return math.fsum([begun, *(_step(one, span, before, after) for before, after in each)])


def _step(one: Series, span: Span, before: tuple[float, float], after: tuple[float, float]) -> float:
    (at, old), (to, new) = before, after
    anew = new < old or span.plausible(new, to - at)
    if anew and _restarted(one, at, to, span) and span.scrapes(one, at, to) > 1:
        return new  # one that is born with its first event, of which nothing goes on from before the restart
    if new >= old:
        return new - old
    if not span.plausible(new, to - at) or new > max(SPARE, KEPT * old):
        # A gauge that sinks from 1000 to 990 would be 990 bad events at once, and a rollback for nothing.
        raise UncountableError(
            UncountableReason.FELL,
            f"{one} fell from {old:.15g} to {new:.15g}, which is more than it can have counted since a restart: "
            "is it a gauge?",
        )
    if new > 0 and target_of(one) == UNKNOWN and span.summed(at, to):
        raise UncountableError(
            UncountableReason.FELL,
            f"{one} fell from {old:.15g} to {new:.15g} while others like it went on: a sum over pods falls with each "
            "pod that ends, so select series that still have the labels `job` and `instance`",
        )
    return new


def _born(one: Series, span: Span) -> float:
    """What a new series had counted at its first sample."""
    new = bool(one.times) and span.begin < one.times[0] <= span.end
    return one.values[0] if new and span.born(one) else 0.0


def _back(one: Series, span: Span, place: int) -> float:
    """What a series has counted since it was seen last, from before what counts began.

    Where all others of its target were out of reach as long, none of their growth counts. Where they were not, this
    one's would be missing: a group whose failures are back with their first scrape would look better than the other.

    Raises:
        UncountableError: It was hidden meanwhile, and nobody can tell what came before.
    """
    (before, old), (at, value) = ((one.times[i], one.values[i]) for i in (place - 1, place))
    known = target_of(one) != UNKNOWN
    if value == old or not known or span.scrapes(one, span.since, at) < MISSED:
        return 0.0
    if value < old:
        return _step(one, span, (before, old), (at, value))
    if _restarted(one, before, at, span):
        return value
    raise UncountableError(
        UncountableReason.HIDDEN,
        f"{one} was missing while its target was scraped, and is back at {value:.15g}: what of it came since then, and "
        "what before, nobody can tell",
    )


def _check_not_hidden(one: Series, span: Span, inside: range) -> None:
    """See that a series which is back was not hidden when the percentage changed.

    What of its growth is of the users before, nobody can tell. Held against the requests of the few who came after a
    demotion, the failures of all who were there before it would blame a model that fails no more than the legacy path.

    Raises:
        UncountableError: It was.
    """
    for change in span.changes:
        place = bisect_left(one.times, change)
        if not place or place not in inside:
            continue
        (before, old), (at, value) = ((one.times[i], one.values[i]) for i in (place - 1, place))
        hidden = target_of(one) != UNKNOWN and span.scrapes(one, change, at) >= MISSED
        if hidden and value > old and not _restarted(one, before, at, span):
            raise UncountableError(
                UncountableReason.HIDDEN,
                f"{one} was missing while its target was scraped and the percentage changed, and is back at "
                f"{value:.15g}: what of it came since then, and what before, nobody can tell",
            )


def _check(one: Series, *, whole: bool) -> None:
    counts = not whole or all(map(float.is_integer, one.values))
    if counts and min(one.values, default=0.0) >= 0 and math.isfinite(sum(one.values)):
        return  # as nearly always: looked through one by one is only what has something wrong in it
    wrong = [value for value in one.values if not (0 <= value < math.inf and (not whole or value % 1 == 0))]
    if not wrong:
        return
    value = wrong[0]
    if not math.isfinite(value):
        raise UncountableError(UncountableReason.NOT_A_NUMBER, f"{one} has a sample that is {value}")
    if value < 0:
        raise UncountableError(
            UncountableReason.NEGATIVE, f"{one} has a sample below zero, {value:.15g}: it is no counter"
        )
    raise UncountableError(
        UncountableReason.FRACTION, f"{one} has a sample of {value:.15g}: events are counted in whole numbers"
    )


def _counters(series: Sequence[Series], span: Span) -> None:
    if not any(one.falls for one in series):
        return
    own = set(map(id, series))
    if alone := [one for one in span.alone if id(one) in own]:
        # What a gauge rises by is no event either: all blocks near the fall are refused, not the fall alone.
        raise gauge(alone[0])
    changes = [(one, at, to, new < old) for one in series for (at, old), (to, new) in steps(one) if new != old]
    # What restarts again and again is what a guard is there for: the counters of a crash loop must not pass for gauges.
    falls = sum(fell and not _restarted(one, at, to, span) for one, at, to, fell in changes)
    if falls >= FALLS and falls * OFTEN >= len(changes):
        raise UncountableError(
            UncountableReason.GAUGE,
            f"{series[0]} and its like fell {falls} times in {len(changes)} changes: counters only grow",
        )


def _restarted(one: Series, after: float, upto: float, span: Span) -> bool:
    """Whether its target restarted then; a counter that is born with its first event may be missing for longer."""
    return any(after < when <= upto for when in span.restarts.get(target_of(one), ()))
