"""When guardrails are looked at: which looks are made, and which are left out since they can't matter."""

import math
from bisect import bisect_left
from dataclasses import dataclass

from mlrollout.evidence.measurement import Measurement

from .counters import Counters
from .tested import LAG, Tested
from .watched import GROWN, Age, Outlook, Pace, Watched

_OFTEN = 16
"""While the first pass may come, a look is made each time that the stage has grown older by this part of its age."""


@dataclass(frozen=True, slots=True)
class Suspect:
    """From when to when so many bad events are in the window that a look matters."""

    begins: float
    ends: float


_NOTHING = Suspect(math.inf, math.inf)


@dataclass(slots=True)
class LookSchedule:
    """When a guardrail is looked at next that answers with one number.

    Attributes:
        watched: The guardrail.
        due: Its next look, were none left out.
        entered: When the percentage in force last changed.
        closely: Up to when none is left out.
        last: Its last look.
        suspect: When looks matter the next time, as far as that is known.
        place: Of the bad events that are known, the first from which on none was looked for.
    """

    watched: Watched
    due: float
    entered: float = -math.inf
    closely: float = -math.inf
    last: Measurement | None = None
    suspect: Suspect | None = None
    place: int = 0

    @property
    def left_out(self) -> bool:
        """Whether the look that is due is one of those left out, which the first of them tells of."""
        return self.due > self.closely

    @property
    def _age(self) -> Age:
        return self.watched.age(self.due - self.entered)

    @property
    def _ends(self) -> float:
        """Up to when that age lasts."""
        age = self._age
        return math.inf if age is GROWN else self.entered + age.oldest

    def outlook(self, pace: Pace) -> Outlook:
        """What looks come to from the one on that is due."""
        return self.watched.outlook(pace, self._age)

    def steady(self, pace: Pace) -> Measurement:
        """What looks came to that were left out since the last."""
        outlook = self.outlook(pace)
        return self.last if outlook.unsure and self.last is not None else outlook.steady

    def enter(self, now: float) -> None:
        """Another percentage: no look is left out as long as the stage is young."""
        self.entered, self.due = now, now + self._interval / 2
        self.closely = now + self.watched.young
        self.suspect, self.place = None, 0

    def next(self, counters: Counters, pace: Pace, upto: float) -> float:
        """When the next look is made; infinity where none matters up to a moment."""
        while self.closely < self.due <= upto:
            outlook, ends = self.outlook(pace), self._ends
            if outlook.worth <= 0 or outlook.unsure:
                self.closely = ends
                break
            if self.suspect is None or self.suspect.ends < self.due:
                self.suspect = self._find(counters, outlook.worth, min(upto, ends))
            suspect = self.suspect or _NOTHING
            begins = _on(self.due, suspect.begins, self._interval)
            if begins > self.due and self.last is not None and self.last.verdict is not outlook.steady.verdict:
                break
            if begins < ends:
                self.due, self.closely = begins, suspect.ends
                break
            if ends > upto:
                return math.inf
            self.due = _on(self.due, ends, self._interval)
        return self.due

    def taken(self, counters: Counters, pace: Pace) -> None:
        """The look that was due is made."""
        alone = self.watched.guardrail.breach_after.of == 1 and self.watched.steps
        # Where each look stands alone, it says nothing new before the next scrape.
        changes = (counters.last + 1) * counters.scrape if alone else self.due
        outlook = self.outlook(pace)
        if outlook.unsure:
            older = self.due + (self.due - self.entered) / _OFTEN
            suspect = self._find(counters, outlook.worth, math.ceil(older))
            changes = max(changes, older if suspect is None else min(older, suspect.begins))
        self.due = _on(self.due + self._interval, changes, self._interval)

    def missed(self, now: float) -> int:
        """How many looks were left out since the last."""
        return 0 if self.last is None else max(0, int((now - self.last.at) / self._interval - 0.5))

    @property
    def _interval(self) -> float:
        return self.watched.guardrail.interval

    def _find(self, counters: Counters, worth: float, upto: float) -> Suspect | None:
        """When looks matter the next time, up to a moment, as far as that depends on bad events."""
        if math.isinf(worth):
            return None
        if self._age is not GROWN:
            return self._shown(counters, int(worth), upto)
        return self._crowded(counters, int(worth) - 1, upto)

    def _shown(self, counters: Counters, worth: int, upto: float) -> Suspect | None:
        """From when on so many bad events have come since the stage began."""
        while len(counters.events) < worth:
            if not counters.know(math.ceil(upto / counters.scrape)):
                return None
        return Suspect(counters.events[worth - 1] * counters.scrape, self._ends)

    def _crowded(self, counters: Counters, more: int, upto: float) -> Suspect | None:
        """From when to when one bad event and so many more are in the window."""
        events, scrape = counters.events, counters.scrape
        gaps = self.watched.seconds / scrape - 1
        self.place = max(self.place, bisect_left(events, self.due / scrape - gaps))
        while True:
            for at in range(self.place, len(events) - more):
                if events[at + more] - events[at] < gaps:
                    self.place = at + 1
                    return Suspect(events[at + more] * scrape, (events[at] + gaps) * scrape)
            self.place = max(self.place, len(events) - more)
            if not counters.know(math.ceil(upto / scrape)):
                return None


@dataclass(slots=True)
class BlockSchedule:
    """When a guardrail is read next that tests block by block.

    Attributes:
        tested: The guardrail.
        due: When the next block is complete.
        unread: Blocks that no look was made at yet.
        last: What it was last measured to be in this stage.
    """

    tested: Tested
    due: float
    unread: int = 0
    last: Measurement | None = None

    @classmethod
    def of(cls, tested: Tested, at: float, scrape: float) -> "BlockSchedule":
        """From the block on in which a moment lies."""
        return cls(tested, (math.floor(at / tested.block) + 1) * tested.block + LAG * scrape)


def _on(due: float, begins: float, interval: float) -> float:
    """The first look at or after a moment."""
    return begins if math.isinf(begins) else due + max(0, math.ceil((begins - due) / interval)) * interval
