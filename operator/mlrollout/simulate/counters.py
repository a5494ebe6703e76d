"""Synthetic counters, as Prometheus would have scraped them: bad and good events of the treatment.

Events are drawn only where somebody looks. Bad ones, of which there are few, are known some time ahead, each by the
scrape that shows it; so whoever looks at windows knows which of them hold enough to matter, and the rest is skipped.
"""

from bisect import bisect_right
from enum import Enum
from random import Random
from typing import Protocol

from .chance import poisson

_BATCH = 4096
"""For so many scrapes bad events are drawn together."""


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
        at: The last scrape so far, with all counters at 0.
        before: How many scrapes before it there were, likewise at 0.
    """

    def __init__(self, chance: Random, scrape: float, at: int, before: int) -> None:
        self.chance = chance
        self.scrape = scrape
        self.first = at - before
        self.events: list[int] = []
        """The scrapes that show bad events for the first time, one for each event, since the pace last changed."""
        self._bad = [0] * (before + 1)
        self._good = [0] * (before + 1)
        self._pace = (0.0, 0.0)
        self._ahead = False
        self._known = 0
        self._shown = 0

    @property
    def last(self) -> int:
        """The newest scrape."""
        return self.first + len(self._bad) - 1

    def set_pace(self, bad: float, good: float, *, ahead: bool) -> None:
        """So many events a second from the newest scrape on; with `ahead`, bad ones are drawn one by one."""
        self._pace = (bad * self.scrape, good * self.scrape)
        self._ahead, self._known = ahead, self.last
        self.events, self._shown = [], 0

    def know(self, upto: int) -> bool:
        """Draw more bad events ahead; false where all up to that scrape are drawn."""
        begin = self._known
        if begin >= upto:
            return False
        scrapes = min(upto - begin, _BATCH)
        number, random = poisson(self._pace[0] * scrapes)(self.chance), self.chance.random
        self.events += sorted([begin + 1 + int(random() * scrapes) for _ in range(number)])
        self._known = begin + scrapes
        return True

    def scrape_to(self, number: int) -> None:
        """Scrape, each time, up to that one."""
        if number <= self.last:
            return
        good, bad = (poisson(pace) for pace in reversed(self._pace))
        self._learn(number)
        all_bad, all_good = self._bad[-1], self._good[-1]
        for one in range(self.last + 1, number + 1):
            all_good += good(self.chance)
            all_bad += self._show(one) if self._ahead else bad(self.chance)
            self._bad.append(all_bad)
            self._good.append(all_good)

    def skip_to(self, number: int) -> None:
        """Leave out the scrapes before that one, and what they would have shown one by one."""
        scrapes = number - self.last
        if scrapes <= 0:
            return
        self._learn(number)
        bad, good = (pace * scrapes for pace in self._pace)
        self._bad = [self._bad[-1] + (self._show(number) if self._ahead else poisson(bad)(self.chance))]
        self._good = [self._good[-1] + poisson(good)(self.chance)]
        self.first = number

    def recall(self, number: int) -> None:
        """Know each scrape from that one on, also where they were left out: nobody has seen what they showed."""
        good, bad = (poisson(pace) for pace in reversed(self._pace))
        left_out = range(self.first - 1, number - 1, -1)
        if not left_out:
            return
        earlier_bad, earlier_good = [self._bad[0]], [self._good[0]]
        for one in left_out:
            shown = self._shown_by(one + 1) if self._ahead else bad(self.chance)
            earlier_bad.append(earlier_bad[-1] - shown)
            earlier_good.append(earlier_good[-1] - good(self.chance))
        # No counter was ever below 0, however much was drawn for the past.
        self._bad = [*(max(0, count) for count in earlier_bad[:0:-1]), *self._bad]
        self._good = [*(max(0, count) for count in earlier_good[:0:-1]), *self._good]
        self.first = number

    def _shown_by(self, number: int) -> int:
        return bisect_right(self.events, number) - bisect_right(self.events, number - 1)

    def _learn(self, number: int) -> None:
        while self._ahead and self._known < number and self.know(number):
            pass

    def _show(self, number: int) -> int:
        """How many bad events that scrape shows for the first time."""
        before = self._shown
        self._shown = bisect_right(self.events, number, before)
        return self._shown - before

    def at(self, role: CounterRole, number: int) -> int:
        """What a counter stood at."""
        place = number - self.first
        if place < 0:
            raise IndexError(number)
        match role:
            case CounterRole.BAD:
                return self._bad[place]
            case CounterRole.GOOD:
                return self._good[place]
        return self._bad[place] + self._good[place]
