"""What stands in Redis, and what the operator asks to have written there."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

from .record import Record, UnreadableRecordError, decode

_SHOWN = 64
"""Bytes of the text under a key that are kept: more than any percentage has, and enough for people to see."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """What was read of a key and its record, as it stood at one moment.

    Attributes:
        key: The text under the key, whatever it is, or its beginning; `None` where the key is absent.
        record: The record; `None` where it is absent or can't be read.
        unreadable: Why the record can't be read; empty where it can, or where it is absent.
    """

    key: str | None
    record: Record | None
    unreadable: str = ""

    @classmethod
    def parse(cls, key: bytes | None, record: bytes | None) -> "Traffic":
        """What two answers of Redis say."""
        text = None if key is None else key[:_SHOWN].decode(errors="replace")
        if record is None:
            return cls(text, None)
        try:
            return cls(text, decode(record))
        except UnreadableRecordError as error:
            return cls(text, None, str(error))

    @property
    def percentage(self) -> int | None:
        """The key's percentage; `None` where it is absent or not a whole number from 0 to 100."""
        if self.key is None or not self.key.isascii() or not self.key.isdigit() or len(self.key) > 3:  # noqa: PLR2004 - "100"
            return None
        value = int(self.key)
        return value if value <= 100 else None  # noqa: PLR2004 - per cent

    @property
    def in_force(self) -> int:
        """The percentage clients act on: the lower of key and record; 0 where either is absent or unreadable."""
        if self.record is None or self.percentage is None:
            return 0
        return min(self.percentage, self.record.percentage)

    @property
    def lost(self) -> bool:
        """Whether Redis holds neither key nor record: data was lost, nobody pressed a button."""
        return self.key is None and self.record is None and not self.unreadable

    @property
    def stopped(self) -> bool:
        """Whether somebody took the key below its record by hand: an emergency stop."""
        return self.record is not None and self.in_force < self.record.percentage


@dataclass(frozen=True, slots=True)
class Lower:
    """A record to be put into Redis by which the percentage in force may not grow; the store refuses it if it would.

    Attributes:
        record: What shall stand.
    """

    record: Record


SavedRecord = NewType("SavedRecord", Record)
"""A record that stands in its object's status, too; only `RaiseOnceSaved.by` makes one."""


@dataclass(frozen=True, slots=True)
class Raise:
    """A record to be put into Redis by which the percentage in force may grow.

    Attributes:
        record: What shall stand. It is saved already: a raise that no status knows of would be nobody's to take back.
        expect: The record that must stand in Redis right before; `None` for none at all.
    """

    record: SavedRecord
    expect: Record | None = None


Write = Lower | Raise
"""What may be sent to Redis."""


@dataclass(frozen=True, slots=True)
class RaiseOnceSaved:
    """A raise that is earned, and may be sent once its record is saved.

    Attributes:
        record: What shall stand.
        expect: As for the raise.
    """

    record: Record
    expect: Record | None = None

    def by(self, saved: Record) -> Raise | None:
        """The raise, given the record in the status as the API server last answered with it; `None` for another's."""
        # Up only to what is saved: a raise is won by one status write, whoever leads (invariant 5).
        return Raise(SavedRecord(self.record), self.expect) if saved == self.record else None


Intent = Lower | RaiseOnceSaved
"""What a decision wants to have sent."""


class Outcome(StrEnum):
    """What became of a write."""

    APPLIED = "applied"
    """The record now stands in Redis (perhaps it did already)."""
    OUTRANKED = "outranked"
    """Redis holds a greater record; it stands."""
    STOPPED = "stopped"
    """A raise while the key is below its record: somebody pressed the emergency stop."""
    CHANGED = "changed"
    """A raise, and Redis no longer holds what the raise was based on."""
    GROWS = "grows"
    """The write was not a raise, but the percentage in force would have grown by it."""
    FOREIGN = "foreign"
    """The key belongs to another object."""
    UNREADABLE = "unreadable"
    """The record in Redis is of another schema; the key alone was lowered if this write lowers."""


@dataclass(frozen=True, slots=True)
class Written:
    """The answer to a write.

    Attributes:
        outcome: What became of it.
        traffic: What stands now.
        before: The key's percentage before it; `None` where there was none.
    """

    outcome: Outcome
    traffic: Traffic
    before: int | None

    @property
    def took_down(self) -> bool:
        """Whether there was more under the key before."""
        return (self.before or 0) > (self.traffic.percentage or 0)
