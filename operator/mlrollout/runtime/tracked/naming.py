"""What the source of an object's revisions names."""

from dataclasses import dataclass

from mlrollout.domain.state import NamedRevision
from mlrollout.runtime.loop_time import NEVER, LoopTime, loop_time

LASTS = 3
"""Intervals for which an answer counts: whoever was frozen for longer must ask again before it begins anything."""
FAILURES = 2
"""Failures in a row that are told; a single one says little."""


@dataclass(slots=True, eq=False)
class Naming:
    """What its source names, and when it said so. Written by its own methods.

    Attributes:
        named: The last revision that counts; `None` before the first.
        doubted: One that was named once, and counts where the next answer is the same: of several replicas of a
            registry one may lag, and what goes back and forth must not take a rollout back.
        until: Up to when `named` counts, by the loop's clock.
        failures: Asked so often in vain, in a row.
        trouble: Why, for people.
        announced: The revision whose completion the source was told of.
    """

    named: NamedRevision | None = None
    doubted: str = ""
    until: LoopTime = NEVER
    failures: int = 0
    trouble: str = ""
    announced: str = ""

    def heard(self, found: NamedRevision, interval: float) -> bool:
        """Take in an answer; tells whether it counts, or has to be given once more."""
        self.failures, self.trouble = 0, ""
        known = self.current
        if found.revision not in (known.revision if known is not None else "", self.doubted):
            self.doubted = found.revision  # of one lagging replica it may be (invariant 14)
            return False
        self.named, self.doubted, self.until = found, "", LoopTime(loop_time() + LASTS * interval)
        return True

    def failed(self, why: str) -> None:
        """Take in that there is no answer, and why."""
        self.failures, self.trouble, self.doubted = self.failures + 1, why, ""

    def knows(self, complete: str) -> None:
        """Take in that the source knows of the completion of a revision."""
        self.announced = complete

    def forget(self) -> None:
        """Know nothing any more: another source is asked, or nobody here asks."""
        self.named, self.doubted, self.failures, self.trouble, self.announced = None, "", 0, "", ""

    @property
    def current(self) -> NamedRevision | None:
        """What is named now, as far as that is known."""
        return self.named if self.named is not None and loop_time() < self.until else None

    @property
    def told(self) -> str:
        """What people are told of failures; empty while there is nothing to tell."""
        return self.trouble if self.failures >= FAILURES else ""
