"""What the source of an object's revisions names."""

from dataclasses import dataclass, field

from mlrollout.api.revision_from import RevisionFrom
from mlrollout.domain.state import NamedRevision
from mlrollout.runtime.loop_time import NEVER, LoopTime, loop_time

LASTS = 3
"""Intervals for which an answer counts: whoever was frozen for longer must ask again before it begins anything."""
OFTEN = 2
"""In a row, what goes wrong is told; once says little."""
RESTLESS = 3
"""Answers in a row, each of which names another revision than the one before, that are told likewise."""


@dataclass(slots=True)
class Trouble:
    """What goes wrong again and again.

    Attributes:
        times: In a row.
        why: For people.
    """

    times: int = 0
    why: str = ""

    def again(self, why: str) -> None:
        """It went wrong once more."""
        self.times, self.why = self.times + 1, why

    def over(self) -> None:
        """It went well."""
        self.times, self.why = 0, ""

    def told(self, often: int) -> str:
        """What people are told, once it went wrong so often; else empty."""
        return self.why if self.times >= often else ""


@dataclass(slots=True, eq=False)
class Naming:
    """What its source names, and when it said so. Written by its own methods.

    Attributes:
        named: The last revision that counts; `None` before the first.
        doubted: One that was named once, and counts where the next answer is the same: of several replicas of a
            registry one may lag, and what goes back and forth must not take a rollout back.
        until: Up to when `named` counts, by the loop's clock.
        asked: When the question was put that `named` answers, seconds since the epoch.
        asking: What goes wrong with asking.
        restless: That each answer is another.
        announced: The attempt whose completion the source was told of; 0 for none. Of an earlier attempt of the same
            revision it may know no more: people set the alias elsewhere after a rollback.
        announcing: What goes wrong with telling it.
    """

    named: NamedRevision | None = None
    doubted: str = ""
    until: LoopTime = NEVER
    asked: float = 0.0
    asking: Trouble = field(default_factory=Trouble)
    restless: Trouble = field(default_factory=Trouble)
    announced: int = 0
    announcing: Trouble = field(default_factory=Trouble)

    def heard(self, found: NamedRevision, source: RevisionFrom, asked: float) -> bool:
        """Take in an answer; tells whether it counts, or has to be given once more.

        Args:
            found: What is named.
            source: By whom.
            asked: When, seconds since the epoch.
        """
        self.asking.over()
        known = self.current
        if found.revision not in (known.revision if known is not None else "", self.doubted):
            self.doubted = found.revision  # of one lagging replica it may be (invariant 14)
            self.restless.again(f"{source.where} names another revision each time it is asked, so none begins")
            return False
        self.restless.over()
        self.named, self.doubted, self.asked = found, "", asked
        self.until = LoopTime(loop_time() + LASTS * source.interval)
        return True

    def failed(self, why: str) -> None:
        """Take in that there is no answer, and why."""
        self.asking.again(why)
        self.doubted = ""

    def knows(self, complete: int) -> None:
        """Take in that the source knows of the completion of an attempt."""
        self.announced = complete
        self.announcing.over()

    def forget(self) -> None:
        """Know nothing any more: another source is asked, or nobody here asks."""
        self.named, self.doubted, self.announced = None, "", 0
        for trouble in (self.asking, self.restless, self.announcing):
            trouble.over()

    @property
    def current(self) -> NamedRevision | None:
        """What is named now, as far as that is known."""
        return self.named if self.named is not None and loop_time() < self.until else None

    @property
    def unnamed(self) -> str:
        """Why it is not known what is named, once that has lasted; for people."""
        return self.asking.told(OFTEN) or self.restless.told(RESTLESS)
