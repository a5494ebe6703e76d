"""Whether all samples of a block have arrived: behind remote write, some series may come later than others."""

import math
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import sub
from typing import Self

from . import grid
from .copies import REPLICA
from .series import Series
from .targets import UNKNOWN, target_of

SCRAPES = 4
"""How many scrapes more a block is waited for. What was not there then has ended, or comes too late to be counted."""
ALMOST = 0.9
"""The share of the time between two of its samples after which a series has missed one: not all are as far apart."""

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
    def at(cls, now: float, scrape: float, most: float = math.inf) -> Self:
        """Of a look at that time, which may be so many seconds late at most."""
        return cls(now - grid.SCRAPES * scrape - min(SCRAPES * scrape, most), scrape)

    def waits(self, series: Iterable[Series], end: float) -> bool:
        """Whether a block is to be read later: a series of a target is behind, which others of it are not.

        Read now, a block whose requests are late would have its failures alone; and one whose failures are always late
        would never have any.
        """
        if end <= self.since:
            return False
        return any(_is_behind(its, end, self.scrape) for its in _by_place(series).values())


NO_PATIENCE = Patience(math.inf, 0.0)
"""Of whoever reads blocks long after."""


def _by_place(series: Iterable[Series]) -> dict[ScrapedBy, list[Series]]:
    """What was scraped together: the series of each target, as each copy of a pair saw it."""
    found = defaultdict[ScrapedBy, list[Series]](list)
    for one in series:
        if (target := target_of(one)) != UNKNOWN:
            found[*target, *(one.labels.get(name, "") for name in REPLICA)].append(one)
    return found


def _is_behind(its: Sequence[Series], end: float, scrape: float) -> bool:
    seen = [found for one in its if (found := _Upto.of(one, end, scrape)) is not None]
    if not seen:
        return False
    newest = max(one.last for one in seen)
    there = [one for one in seen if one.last == newest]
    # What has times of its own, as pods that push have, was not scraped with the others.
    scrapes = set(max(there, key=lambda one: len(one.times)).times)
    # What lacks more than is waited for has ended, or would come too late.
    late = {
        one.last
        for one in seen
        if ALMOST * one.gap <= newest - one.last <= SCRAPES * scrape + one.gap and one.last in scrapes
    }
    return any(not _began_anew(there, last) for last in late)


@dataclass(frozen=True, slots=True)
class _Upto:
    """A series up to the end of a block: its samples, the last of them, and the time from one to the next."""

    times: Sequence[float]
    values: Sequence[float]
    last: float
    gap: float

    @classmethod
    def of(cls, one: Series, end: float, scrape: float) -> "_Upto | None":
        place = bisect_right(one.times, end)
        times = one.times[:place]
        if not times:
            return None
        return cls(times, one.values[:place], times[-1], min(map(sub, times[1:], times), default=scrape))


def _began_anew(there: Iterable[_Upto], after: float) -> bool:
    """Whether the target restarted since: what has ended then begins with its next event, and is not on its way.

    One of its series that fell is not enough: behind a collector it is one pod of many.
    """
    stood = [values for one in there if (values := one.values[bisect_left(one.times, after) :]) and values[0] > 0]
    fell = sum(any(new < old for old, new in pairwise(values)) for values in stood)
    return 2 * fell >= len(stood) > 0
