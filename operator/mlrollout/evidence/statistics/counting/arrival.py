"""Whether all samples of a block have arrived: behind remote write, some series may come later than others."""

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

from . import grid
from .copies import REPLICA
from .series import Series
from .targets import UNKNOWN, target_of

SCRAPES = 4
"""How many scrapes more a block is waited for. What was not there then has ended, or comes too late to be counted."""

ScrapedBy = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Patience:
    """For how long a block waits for its last samples.

    Attributes:
        since: Of blocks that end later, all has to be there, seconds since the epoch.
        scrape: Seconds between two scrapes.
    """

    since: float
    scrape: float

    @classmethod
    def at(cls, now: float, scrape: float) -> Self:
        """Of a look at that time."""
        return cls(now - (grid.SCRAPES + SCRAPES) * scrape, scrape)

    def waits(self, series: Iterable[Series], begin: float, end: float) -> bool:
        """Whether a block is to be read later: a series of a target is behind, which others of it are not.

        Read now, a block whose requests are late would have its failures alone; and one whose failures are always late
        would never have any.
        """
        if end <= self.since:
            return False
        return any(_is_behind(its, begin, end, self.scrape) for its in _by_place(series).values())


NO_PATIENCE = Patience(math.inf, 0.0)
"""Of whoever reads blocks long after."""


def _by_place(series: Iterable[Series]) -> dict[ScrapedBy, list[Series]]:
    """What was scraped together: the series of each target, as each copy of a pair saw it."""
    found = defaultdict[ScrapedBy, list[Series]](list)
    for one in series:
        if (target := target_of(one)) != UNKNOWN:
            found[*target, *(one.labels.get(name, "") for name in REPLICA)].append(one)
    return found


def _is_behind(its: Sequence[Series], begin: float, end: float, scrape: float) -> bool:
    before, newest = (max(_last(one, at) for one in its) for at in (begin, end))
    # What was behind before the block began may have been so for as long as a block is waited for.
    living = {last for one in its if (last := _last(one, end)) > -math.inf and last >= before - SCRAPES * scrape}
    there = [one for one in its if _last(one, end) == newest]
    # What has times of its own, as pods that push have, was not scraped with the others. And what a restart ended
    # begins anew with its next event, and is not on its way.
    return any(
        last < newest - scrape / 2 and any(last in one.times for one in there) and not _fell(its, last, newest)
        for last in living
    )


def _last(one: Series, upto: float) -> float:
    """When its newest sample was taken up to a moment."""
    place = bisect_right(one.times, upto)
    return one.times[place - 1] if place else -math.inf


def _fell(its: Iterable[Series], after: float, upto: float) -> bool:
    """Whether one of these fell between two moments."""
    for one in its:
        values = one.values[max(0, bisect_right(one.times, after) - 1) : bisect_right(one.times, upto)]
        if any(new < old for old, new in pairwise(values)):
            return True
    return False
