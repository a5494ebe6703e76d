"""Synthetic counters, as Prometheus would have scraped them: bad and good events of the treatment.

What a counter stood at is settled only where somebody looks: events are drawn for many scrapes together, and divided
as chance would have divided them between the scrapes that are looked at. Bad ones, of which there are few, can be known
ahead, each by the scrape that shows it; so whoever looks at windows knows which of them hold enough to matter.
"""

from bisect import bisect_left, bisect_right
from enum import Enum
from random import Random
from typing import Protocol

from .chance import binomial, poisson

_FEWEST, _MOST = 16, 4096
"""For so many scrapes events are drawn together: the longer a pace has lasted, the more."""


class CounterRole(Enum):
    """What a counter counts."""

    BAD = "bad events"
    GOOD = "good events"
    ALL = "all events"


class ReadsCounters(Protocol):
    """Counters at their scrapes, whatever stands behind them."""

    @property
    def scrape(self) -> float:
        """Seconds between two scrapes."""
        ...

    def at(self, role: CounterRole, number: int) -> int:
        """What a counter stood at."""
        ...


class Counters:
    """The counters of one try. A scrape is named by its number: number `n` is made at `n * scrape`.

    Args:
        chance: Where events come from.
        scrape: Seconds between two scrapes.
        at: The last scrape so far, with all counters at 0, as they were ever before.
    """

    def __init__(self, chance: Random, scrape: float, at: int) -> None:
        self.scrape = scrape
        self.last = at
        """The newest scrape."""
        self.events: list[int] = []
        """The scrapes that show bad events for the first time, one for each event, since the pace last changed."""
        self._chance = chance
        self._known = [at]
        self._bad, self._good = [0], [0]
        self._pace = (0.0, 0.0)
        self._ahead = False
        self._changed = self._upto = at

    def set_pace(self, bad: float, good: float, *, ahead: bool) -> None:
        """So many events a second from the newest scrape on; with `ahead`, bad ones are drawn one by one."""
        place = self._settle(self.last)
        for counts in (self._known, self._bad, self._good):
            del counts[place + 1 :]  # what was drawn for later was drawn for another pace
        self._pace = (bad * self.scrape, good * self.scrape)
        self._ahead, self._changed, self._upto = ahead, self.last, self.last
        self.events = []

    def know(self, upto: int) -> bool:
        """Draw more bad events ahead; false where all up to that scrape are drawn."""
        begin = self._upto
        if begin >= upto:
            return False
        scrapes = self._together(begin)
        number, random = poisson(self._pace[0] * scrapes)(self._chance), self._chance.random
        self.events += sorted([begin + 1 + int(random() * scrapes) for _ in range(number)])
        self._upto = begin + scrapes
        return True

    def _together(self, begin: int) -> int:
        """For how many scrapes after that one events are drawn together."""
        return min(_MOST, max(_FEWEST, begin - self._changed))

    def scrape_to(self, number: int) -> None:
        """Scrape, up to that one."""
        self.last = max(self.last, number)

    def at(self, role: CounterRole, number: int) -> int:
        """What a counter stood at."""
        if number < self._known[0]:
            return 0
        place = self._settle(number)
        match role:
            case CounterRole.BAD:
                return self._bad[place]
            case CounterRole.GOOD:
                return self._good[place]
        return self._bad[place] + self._good[place]

    def _settle(self, number: int) -> int:
        """Where the counts of that scrape stand, once they are drawn."""
        while self._known[-1] < number:
            self._draw()
        place = bisect_left(self._known, number)
        if self._known[place] != number:
            self._divide(place, number)
        return place

    def _draw(self) -> None:
        begin = self._known[-1]
        scrapes = self._together(begin)
        end, (bad, good) = begin + scrapes, (poisson(pace * scrapes) for pace in self._pace)
        self._known.append(end)
        self._bad.append(self._bad[-1] + (self._shown(begin, end) if self._ahead else bad(self._chance)))
        self._good.append(self._good[-1] + good(self._chance))

    def _divide(self, place: int, number: int) -> None:
        """Settle a scrape that lies before that place."""
        begin, end = self._known[place - 1], self._known[place]
        share = (number - begin) / (end - begin)
        if self._ahead and begin >= self._changed:
            bad = self._shown(begin, number)
        else:
            bad = binomial(self._bad[place] - self._bad[place - 1], share, self._chance)
        good = binomial(self._good[place] - self._good[place - 1], share, self._chance)
        self._known.insert(place, number)
        self._bad.insert(place, self._bad[place - 1] + bad)
        self._good.insert(place, self._good[place - 1] + good)

    def _shown(self, after: int, upto: int) -> int:
        """How many bad events the scrapes of a span show for the first time."""
        while self.know(upto):
            pass
        return bisect_right(self.events, upto) - bisect_right(self.events, after)
