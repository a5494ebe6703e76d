"""What a process knows of a rollout, and the share of users that follows from it. Pure: no clock, no I/O.

The rules are those of docs/redis-contract.md, "What a client does".
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from math import inf

from mlrollout.domain.record import Record, greater
from mlrollout.domain.traffic import Traffic


class Reason(StrEnum):
    """Why a user is in a group."""

    SPLIT = "Split"
    """The user's bucket lies below the percentage, or does not."""
    NOT_READY = "NotReady"
    """Redis has not been read yet."""
    STALE = "Stale"
    """Redis was last read longer ago than `max_staleness`."""
    ABSENT = "Absent"
    """Redis holds no percentage, or no record of it: nothing is rolled out."""
    UNREADABLE = "Unreadable"
    """What Redis holds is of another schema, or no percentage."""
    ROLLED_BACK = "RolledBack"
    """The attempt was rolled back, or its record says so."""
    STOPPED = "Stopped"
    """Somebody took the percentage to zero by hand."""
    OTHER_REVISION = "OtherRevision"
    """What is rolled out is another revision than the one this process runs."""
    STAFF = "Staff"
    """The user is on the list of those who get treatment before anybody else."""
    FORCED = "Forced"
    """A test or a demonstration decides."""
    NO_USER = "NoUser"
    """What was given for a user's id is none: not a string, empty, or no text."""


@dataclass(frozen=True, slots=True)
class View:
    """What is known.

    Attributes:
        key: The percentage under the key as last read; `None` where it is absent or unreadable.
        record: The greatest record seen, by whatever way.
        confirmed: When the last successful read began, in seconds of the reader's clock.
        nothing: Why what was last read counts as nothing; `None` where it counts.
    """

    key: int | None = None
    record: Record | None = None
    confirmed: float = -inf
    nothing: Reason | None = Reason.NOT_READY

    @property
    def percentage(self) -> int:
        """The share of users in treatment: the lower of the key and the greatest record."""
        if self.nothing is not None or self.record is None or self.key is None:
            return 0
        return min(self.key, self.record.percentage)

    @property
    def reason(self) -> Reason:
        """What the percentage comes from."""
        if self.nothing is not None:
            return self.nothing
        if self.record is not None and self.record.latched:
            return Reason.ROLLED_BACK
        if self.key == 0 and self.record is not None and self.record.percentage:
            return Reason.STOPPED
        return Reason.SPLIT

    def read(self, traffic: Traffic, at: float) -> "View":
        """The view after a read of key and record that began at `at`."""
        found = traffic.record
        known = self.record if found is None else greater(self.record or found, found)
        return View(traffic.percentage, known, at, _nothing(traffic))

    def tells_of_more(self, record: Record) -> bool:
        """Whether a pushed record would let the percentage grow: only reading may tell."""
        return self._news(record) and record.percentage > self.percentage

    def push(self, record: Record) -> "View":
        """The view after a push: with a record that is greater and does not raise."""
        if not self._news(record) or record.percentage > self.percentage:
            return self
        return replace(self, record=record)

    def _news(self, record: Record) -> bool:
        return self.record is None or record.rank > self.record.rank


def _nothing(traffic: Traffic) -> Reason | None:
    if traffic.unreadable or (traffic.key is not None and traffic.percentage is None):
        return Reason.UNREADABLE
    if traffic.record is None or traffic.key is None:
        return Reason.ABSENT
    return None
