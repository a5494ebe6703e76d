"""What a process knows of a rollout, and the share of users that follows from it. Pure: no clock, no I/O.

The rules are those of docs/redis-contract.md, "What a client does".
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from math import inf

from mlrollout.domain.record import ATTEMPTS, Record
from mlrollout.domain.traffic import Traffic

MAX_STALENESS = 10.0
"""Seconds for which a read of Redis counts, unless the application says otherwise."""
_MOST_FORMER = 32


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
    UNCONFIRMED = "Unconfirmed"
    """What Redis holds is not what was seen before: an older state, or another revision's."""
    ROLLED_BACK = "RolledBack"
    """The attempt was rolled back, or its record says so."""
    STOPPED = "Stopped"
    """Somebody took the percentage to zero by hand."""
    OTHER_REVISION = "OtherRevision"
    """What is rolled out is another revision than the one this process runs."""
    HOLDBACK = "Holdback"
    """The user is one of those who stay in control at every percentage."""
    STAFF = "Staff"
    """The user is on the list of those who get treatment before anybody else."""
    LAST_KNOWN = "LastKnown"
    """Likewise as Split, by what another process knew: Redis has not been read since this one began."""
    OVERRIDE = "Override"
    """The application decides for this user."""
    FORCED = "Forced"
    """A test or a demonstration decides."""
    NO_USER = "NoUser"
    """What was given for a user's id is nobody's: of another type, empty, too long, or no text."""


UNDER_WAY = frozenset({Reason.SPLIT, Reason.LAST_KNOWN})
"""Reasons of a rollout that was neither rolled back nor stopped; it may stand at 0 % all the same."""


@dataclass(frozen=True, slots=True)
class Rival:
    """Another object whose record stands in Redis, and ranks below the one that is held.

    Attributes:
        owner: Its uid.
        since: When the first of the reads began that all found it, in seconds of the reader's clock.
    """

    owner: str
    since: float


@dataclass(frozen=True, slots=True)
class TrafficView:
    """What is known.

    Attributes:
        key: The percentage under the key as last read; `None` where it is absent or unreadable.
        beside: The record that was read with the key; what the key says is this record's alone.
        record: The greatest record seen, by whatever way.
        confirmed: When the last successful read began, in seconds of the reader's clock.
        nothing: Why what was last read counts as nothing; `None` where it counts.
        rival: Another object that may turn out to have taken the key over.
        former: Owners whose records were held before; none of them is followed again by a lesser record.
        max_staleness: Seconds for which a read counts, and after which a rival is followed.
        remembered: Until when what another process knew counts, in seconds of the reader's clock; `None` once Redis has
            been read.
    """

    key: int | None = None
    beside: Record | None = None
    record: Record | None = None
    confirmed: float = -inf
    nothing: Reason | None = Reason.NOT_READY
    rival: Rival | None = None
    former: tuple[str, ...] = ()
    max_staleness: float = MAX_STALENESS
    remembered: float | None = None

    @property
    def until(self) -> float:
        """From when on what is known counts no more."""
        return self.confirmed + self.max_staleness if self.remembered is None else self.remembered

    @property
    def percentage(self) -> int:
        """The share of users in treatment: the lowest of the key, the record beside it and the greatest record.

        Nobody, where these records are of two revisions: what one has earned is not given to another.
        """
        if self.nothing is not None or self.record is None or self.beside is None or self.key is None:
            return 0
        if self.beside.revision != self.record.revision:
            return 0
        return min(self.key, self.beside.percentage, self.record.percentage)

    @property
    def holdback(self) -> int:
        """Per cent of the users who stay in control: the more of what the two records say."""
        return max((record.holdback for record in (self.beside, self.record) if record is not None), default=0)

    @property
    def reason(self) -> Reason:
        """What the percentage comes from."""
        if self.nothing is not None or self.record is None or self.beside is None:
            return self.nothing or Reason.NOT_READY
        if self.record.latched or self.beside.latched:
            return Reason.ROLLED_BACK
        if self.beside.revision != self.record.revision:
            return Reason.UNCONFIRMED
        if self.key == 0 and self.beside.percentage:
            return Reason.STOPPED
        if self.beside.percentage == 0 < self.record.percentage:
            return Reason.UNCONFIRMED
        return Reason.SPLIT if self.remembered is None else Reason.LAST_KNOWN

    def read(self, traffic: Traffic, at: float) -> "TrafficView":
        """The view after a read of key and record that began at `at`."""
        found, rival = traffic.record, self._rival(traffic.record, at)
        succeeded = rival is not None and at - rival.since >= self.max_staleness
        held = self._holding(found) if found is not None and (succeeded or self._news(found)) else self
        return replace(
            held,
            key=traffic.percentage,
            beside=found,
            confirmed=at,
            nothing=_nothing(traffic),
            rival=None if succeeded else rival,
            remembered=None,
        )

    def push(self, record: Record) -> "TrafficView":
        """The view after a push: with a record that is greater and does not raise."""
        if not self._news(record) or record.percentage > self.percentage:
            return self
        return replace(self._holding(record), rival=None)

    def wants_read(self, record: Record) -> bool:
        """Whether only a read can tell what a pushed record means: it raises, or it is of another revision."""
        if not self._news(record):
            return False
        other = self.beside is not None and self.beside.revision != record.revision
        return other or record.percentage > self.percentage

    def _news(self, record: Record) -> bool:
        return self.record is None or record.rank > self.record.rank

    def _holding(self, record: Record) -> "TrafficView":
        before = self.record.owner if self.record is not None else ""
        if before in {"", record.owner}:
            return replace(self, record=record)
        return replace(self, record=record, former=(*self.former, before)[-_MOST_FORMER:])

    def _rival(self, found: Record | None, at: float) -> Rival | None:
        """Whose record stands in Redis though a greater one is held; `None` where nobody's may be followed.

        Where Redis has lost everything and an older object takes the key, or one that is made anew by an operator that
        knows no times of creation, it ranks below the held record for good. Only that nobody confirms that one any more
        tells it apart from a replica that lags behind, so every read has to find it, without a gap.
        """
        if found is None or self.record is None or self._news(found) or not self._may_succeed(found, self.record):
            return None
        if self.rival is not None and self.rival.owner == found.owner and at - self.confirmed < self.max_staleness:
            return self.rival
        return Rival(found.owner, at)

    def _may_succeed(self, found: Record, held: Record) -> bool:
        return found.owner not in {"", held.owner, *self.former} and not _is_gone(found, held)


def _is_gone(found: Record, held: Record) -> bool:
    """Whether the object of a record can't be there any more, since the held one's was made later under its name.

    Such a record is a replica's or a backup's. An older object of another name or cluster may well be alive, and to
    leave its record to the processes that begin now would have users in two groups for good.
    """
    elsewhere = bool(found.cluster and held.cluster) and found.cluster != held.cluster
    older = 0 < found.attempt // ATTEMPTS < held.attempt // ATTEMPTS  # by when their objects were created
    return older and found.holder == held.holder and not elsewhere


def _nothing(traffic: Traffic) -> Reason | None:
    if traffic.unreadable or (traffic.key is not None and traffic.percentage is None):
        return Reason.UNREADABLE
    if traffic.record is None or traffic.key is None:
        return Reason.ABSENT
    return None
