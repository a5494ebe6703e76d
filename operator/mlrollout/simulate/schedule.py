"""When guardrails are looked at: which looks are made, and which are left out since they can't matter."""

import math
from bisect import bisect_left
from dataclasses import dataclass

from mlrollout.evidence.measurement import Measurement

from .counters import Counters
from .tested import LAG, Tested
from .watched import Outlook, Watched


@dataclass(frozen=True, slots=True)
class Suspect:
    """From when to when so many bad events are in the window that a look matters."""

    begins: float
    ends: float


@dataclass(slots=True)
class LookSchedule:
    """When a guardrail is looked at next that answers with one number.

    Attributes:
        watched: The guardrail.
        due: Its next look, were none left out.
        closely: Up to when none is left out.
        last: Its last look.
        suspect: When looks matter the next time, as far as that is known.
        place: Of the bad events that are known, the first from which on none was looked for.
    """

    watched: Watched
    due: float
    closely: float = -math.inf
    last: Measurement | None = None
    suspect: Suspect | None = None
    place: int = 0

    @property
    def left_out(self) -> bool:
        """Whether the look that is due is one of those left out, which the first of them tells of."""
        return self.due > self.closely

    def enter(self, now: float) -> None:
        """Another percentage: no look is left out before a whole window lies in the stage."""
        interval = self.watched.guardrail.interval
        self.due, self.closely = now + interval / 2, now + self.watched.settling + 2 * interval
        self.suspect, self.place = None, 0

    def next(self, counters: Counters, outlook: Outlook, upto: float) -> float:
        """When the next look is made; infinity where none matters up to a moment."""
        if self.due <= self.closely or self.due > upto:
            return self.due
        if outlook.worth <= 0:
            self.closely = math.inf
            return self.due
        if self.suspect is None or self.suspect.ends < self.due:
            self.suspect = self._find(counters, outlook.worth, upto)
        begins = math.inf if self.suspect is None else _on(self.due, self.suspect.begins, self._interval)
        if begins > self.due and self.last is not None and self.last.verdict is not outlook.steady.verdict:
            return self.due
        if self.suspect is not None:
            self.due, self.closely = begins, self.suspect.ends
        return begins

    def taken(self, counters: Counters) -> None:
        """The look that was due is made."""
        alone = self.watched.guardrail.breach_after.of == 1 and self.watched.steps
        # Where each look stands alone, it says nothing new before the next scrape.
        changes = (counters.last + 1) * counters.scrape if alone else self.due
        self.due = _on(self.due + self._interval, changes, self._interval)

    def missed(self, now: float) -> int:
        """How many looks were left out since the last."""
        return 0 if self.last is None else max(0, int((now - self.last.at) / self._interval - 0.5))

    @property
    def _interval(self) -> float:
        return self.watched.guardrail.interval

    def _find(self, counters: Counters, worth: float, upto: float) -> Suspect | None:
        if math.isinf(worth):
            return None
        events, more, scrape = counters.events, int(worth) - 1, counters.scrape
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
    return due + max(0, math.ceil((begins - due) / interval)) * interval
