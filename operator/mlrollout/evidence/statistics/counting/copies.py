"""Each series once, where a pair of Prometheus scrapes the same targets and the answer has what both saw."""

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import sub

from .series import Series
from .targets import UNKNOWN, target_of
from .uncountable import UncountableError, UncountableReason

MOST = 10_000
"""Series that one selector may match: each has to be read at every look."""
REPLICA = ("prometheus_replica",)
"""The labels by which a pair of Prometheus that scrapes the same targets tells its copies apart."""
LACKING = 2
"""Scrapes that a copy lacks which is given up for another: one more or less there may be by when a window begins."""

Labels = tuple[tuple[str, str], ...]
CopyName = tuple[str, ...]
"""Which of the pair: its values of the labels that tell them apart."""
CopiedPlace = tuple[str, str] | Labels
"""What one copy is chosen for: a target, or a series of which nobody knows where it was scraped from."""
CopyOfPlace = tuple[CopiedPlace, CopyName]


@dataclass(frozen=True, slots=True)
class _Copy:
    labels: Labels
    name: CopyName
    one: Series

    @property
    def place(self) -> CopiedPlace:
        target = target_of(self.one)
        return self.labels if target == UNKNOWN else target


def once(*answers: Iterable[Series], replica: Sequence[str] = REPLICA) -> tuple[tuple[Series, ...], ...]:
    """Each series of these answers once, in the order of their labels.

    All series of a target are taken from one copy: always the same, unless it lacks scrapes that the other has, or has
    not been there lately. Counted twice, every event would be evidence twice; and taken from the one copy where its
    requests stand, and from the other where its failures do, a block would have the failures alone.

    Raises:
        UncountableError: They are too many.
    """
    found = [[_copy(one, replica) for one in answer] for answer in answers]
    given_up = _given_up([one for copies in found for one in copies])
    return tuple(_once(one for one in copies if (one.place, one.name) not in given_up) for copies in found)


def _copy(one: Series, replica: Sequence[str]) -> _Copy:
    kept = ((name, _written(name, value)) for name, value in one.labels.items() if name not in replica)
    return _Copy(tuple(sorted(kept)), tuple(one.labels.get(name, "") for name in replica), one)


def _written(name: str, value: str) -> str:
    """A bucket's edge in one way: Prometheus 3 writes `2.0` where Prometheus 2 wrote `2`, and goes on counting."""
    try:
        return value if name != "le" or math.isinf(float(value)) else str(float(value))
    except ValueError:
        return value


def _given_up(copies: Sequence[_Copy]) -> set[CopyOfPlace]:
    """The copies of each place that are left out, for another of it is taken."""
    if len({one.name for one in copies}) < 2:  # noqa: PLR2004 - as nearly always
        return set()
    scrapes = defaultdict[CopyOfPlace, dict[CopyName, Sequence[float]]](dict)
    pairs = _pairs(copies)
    for one in copies:
        known = scrapes[pairs[one.place, one.name]]
        known[one.name] = max(known.get(one.name, ()), one.one.times, key=len)
    return {(place, name) for (place, _), of_each in scrapes.items() for name in of_each.keys() - {_steady(of_each)}}


def _pairs(copies: Iterable[_Copy]) -> Mapping[CopyOfPlace, CopyOfPlace]:
    """By each copy of a place, the first of those that it is one with: they have series in common, or by others.

    Two clusters may have a target of the same name, and a pair each, which are no copies of one another.
    """
    first: dict[CopyOfPlace, CopyOfPlace] = {}

    def lead(one: CopyOfPlace) -> CopyOfPlace:
        while first.setdefault(one, one) != one:
            first[one] = one = first[first[one]]
        return one

    having: dict[tuple[CopiedPlace, Labels], CopyOfPlace] = {}
    for copy in copies:
        own = copy.place, copy.name
        first[lead(own)] = lead(having.setdefault((copy.place, copy.labels), own))
    return {one: lead(one) for one in tuple(first)}


def _steady(scrapes: Mapping[CopyName, Sequence[float]]) -> CopyName:
    """The first that is there and has lacked nothing for as long as any: what grew while it was away was counted."""
    newest = {name: max(times, default=-math.inf) for name, times in scrapes.items()}
    fullest = max(scrapes.values(), key=len)
    gaps = sorted(map(sub, fullest[1:], fullest))
    allowed = (LACKING + 0.5) * gaps[len(gaps) // 2] if gaps else math.inf
    runs = {
        name: _run(times, allowed)
        for name, times in scrapes.items()
        if all(len(other) - bisect_right(other, newest[name]) < LACKING for other in scrapes.values())
    }
    return min(name for name, run in runs.items() if run > max(runs.values()) - LACKING)


def _run(times: Sequence[float], allowed: float) -> int:
    """How many of the last scrapes have no longer time between any two."""
    breaks = (place for place in range(len(times) - 1, 0, -1) if times[place] - times[place - 1] > allowed)
    return len(times) - next(breaks, 0)


def _once(copies: Iterable[_Copy]) -> tuple[Series, ...]:
    same = defaultdict[Labels, list[Series]](list)
    for copy in copies:
        same[copy.labels].append(copy.one)
    if len(same) > MOST:
        raise UncountableError(
            UncountableReason.TOO_MANY,
            f"{len(same)} series are more than the {MOST} that can be read at every look: "
            "narrow the selector, or leave out labels where the application exports them",
        )
    return tuple(_joined(dict(labels), parts) for labels, parts in sorted(same.items()))


def _joined(labels: Mapping[str, str], parts: Sequence[Series]) -> Series:
    if len(parts) == 1 and parts[0].labels == labels:
        return parts[0]
    samples = {at: value for one in parts for at, value in one.samples}
    return Series(labels, tuple(sorted(samples.items())), any(one.native for one in parts))
