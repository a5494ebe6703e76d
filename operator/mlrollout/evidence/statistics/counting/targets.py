"""What the series of one target tell together: when it restarted, and which of them fell by itself."""

import math
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from operator import sub, truediv

from .series import Series
from .uncountable import UncountableError, UncountableReason

SPARE = 10.0
"""What a counter may have gained since a restart, however slowly counters grow otherwise."""
FASTER = 3.0
"""How many times the greatest pace seen a counter may have grown since a restart."""
UNKNOWN = ("", "")
"""The target of a series that does not say from where it was scraped: one that was recorded, or summed up."""

Target = tuple[str, str]
"""Whom a series was scraped from: its labels `job` and `instance`."""


def target_of(one: Series) -> Target:
    """Whom it was scraped from."""
    return one.labels.get("job", ""), one.labels.get("instance", "")


def pace_of(one: Series) -> float:
    """Its greatest growth per second; 0 where it never grew."""
    seconds = tuple(map(sub, one.times[1:], one.times))
    if all(seconds) and math.isfinite(sum(one.values)):
        return float(max((0.0, *map(truediv, one.grown, seconds))))
    rises = (grown / passed for grown, passed in zip(one.grown, seconds, strict=True) if passed)
    return max((rise for rise in rises if 0 < rise < math.inf), default=0.0)


def come(pace: float, seconds: float) -> float:
    """What a counter that began at 0 so long ago at most can have come to, where none was ever seen to grow faster."""
    return SPARE + FASTER * pace * seconds


def steps(one: Series) -> Iterable[tuple[tuple[float, float], tuple[float, float]]]:
    """Each two samples that follow one another."""
    return pairwise(zip(one.times, one.values, strict=True))


class ScrapeIndex:
    """Which of some series have a sample of a moment, in time that grows with the samples and not with their square.

    A target of thousands of series, all of which fall at once, must not hold up the judging of every other object.
    """

    def __init__(self, series: Iterable[Series]) -> None:
        self._at = defaultdict[float, dict[int, Series]](dict)
        for number, one in enumerate(series):
            for at in one.times:
                self._at[at][number] = one

    def gone(self, at: float, to: float) -> int:
        """How many were there at one moment and not at another."""
        return len(self._at[at].keys() - self._at[to].keys())

    def between(self, at: float, to: float) -> Iterable[Sequence[float]]:
        """What each that was there at both moments stood at, from the one to the other."""
        later = self._at[to]
        for number, one in self._at[at].items():
            if number in later:
                yield one.values[bisect_left(one.times, at) : bisect_left(one.times, to) + 1]


def restarts(series: Sequence[Series]) -> Mapping[Target, Sequence[float]]:
    """When a target restarted for sure: in one scrape several of its counters fell or were gone, and none went on."""
    found = {}
    for target, its in _that_fell(series).items():
        pace, seen = max(map(pace_of, its)), ScrapeIndex(its)
        falls, went_on = Counter[tuple[float, float]](), set[float]()
        for one in its:
            for (at, old), (to, new) in steps(one):
                if new < old:
                    falls[at, to] += 1
                elif old > come(pace, to - at):
                    went_on.add(to)
        began = Counter[float]()
        for (at, to), times in falls.items():
            # A counter that is born with its first event is gone for a while after a restart.
            began[to] += times + seen.gone(at, to)
        known = sorted(to for to, times in began.items() if times > 1 and to not in went_on)
        # One that was missing in a restart which others show tells of no second one in the scrape that it is back with.
        shown = {to for at, to in falls if bisect_right(known, at) == bisect_left(known, to)}
        if when := [to for to in known if to in shown]:
            found[target] = when
    return found


def fell_alone(series: Sequence[Series]) -> tuple[Series, ...]:
    """Those that fell by themselves while another counter of their target went on, as no restart lets it.

    Where two fell together a part of the target may have restarted, as behind a collector that many pods push to.
    """
    found: list[Series] = []
    for its in _that_fell(series).values():
        # After a restart there may be as many failures as there is of anything: a crash must not pass for a gauge.
        pace, seen = max(map(pace_of, its)), ScrapeIndex(its)
        falls = [(one, at, to) for one in its if one.falls for (at, old), (to, new) in steps(one) if new < old]
        scrapes = {(at, to) for _, at, to in falls}
        sure = {(at, to): _one_fell(seen.between(at, to), come(pace, to - at)) for at, to in scrapes}
        alone = {id(one) for one, at, to in falls if sure[at, to]}
        found += [one for one in its if id(one) in alone]
    return tuple(found)


def _one_fell(courses: Iterable[Sequence[float]], restarted: float) -> bool:
    """Whether one of these fell and no other, and one of the others stood higher than it could since a restart."""
    fell, went_on = 0, False
    for values in courses:
        if any(new < old for old, new in pairwise(values)):
            fell += 1
        else:
            went_on = went_on or values[0] > restarted
    return went_on and fell == 1


def gauge(one: Series) -> UncountableError:
    """That a series fell by itself, for the user."""
    return UncountableError(
        UncountableReason.GAUGE,
        f"{one} fell while other counters of its target went on, so nothing restarted: is it a gauge?",
    )


def renamed(
    series: Iterable[Series], begin: float, scrapes: Mapping[Target, Sequence[float]]
) -> set[tuple[Target, float]]:
    """The scrapes in which what a target had counted went on under other labels, as after a change of relabelling.

    Args:
        series: All that was read, up to the block's end.
        begin: Where the block begins.
        scrapes: When each target was scraped.

    Returns:
        The target and the scrape, where the series that are first seen in it stand together at least as high as those
        did that were last seen in the scrape before.
    """
    born, ended = (defaultdict[tuple[Target, float], float](float) for _ in range(2))
    for one in series:
        if one.times:
            target = target_of(one)
            ended[target, one.times[-1]] += one.values[-1]
            if one.times[0] > begin:
                born[target, one.times[0]] += one.values[0]
    found = set()
    for (target, at), total in born.items():
        times = scrapes[target]
        place = bisect_left(times, at)
        before = ended[target, times[place - 1]] if place else 0.0
        if 0 < before <= total:
            found.add((target, at))
    return found


def _that_fell(series: Sequence[Series]) -> Mapping[Target, Sequence[Series]]:
    """The series of each target of which one fell, where it is known whose they are."""
    found = defaultdict[Target, list[Series]](list)
    for one in series if any(one.falls for one in series) else ():
        found[target_of(one)].append(one)
    return {target: its for target, its in found.items() if target != UNKNOWN and any(one.falls for one in its)}
