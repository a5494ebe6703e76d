"""The rules of `order.lua` in plain Python, over the same types that the operator decides with."""

import json
from dataclasses import dataclass, replace

from mlrollout.domain.record import SCHEMA, Record, UnreadableRecordError, decode, encode
from mlrollout.domain.traffic import Lower, Outcome, Raise, Traffic, Write


@dataclass(frozen=True)
class State:
    """What stands in Redis: the two texts, and whether each would expire."""

    key: str | None = None
    record: str | None = None
    key_expires: bool = False
    record_expires: bool = False

    @property
    def traffic(self) -> Traffic:
        if self.record is None:
            return Traffic(self.key, None)
        try:
            return Traffic(self.key, decode(self.record))
        except UnreadableRecordError as error:
            return Traffic(self.key, None, str(error))

    def with_key(self, percentage: int) -> "State":
        """The key set, its expiry kept; a key that was absent has none."""
        return replace(self, key=str(percentage), key_expires=self.key is not None and self.key_expires)


def merge(before: State, write: Write, *, leased: bool = False) -> tuple[Outcome, State]:  # noqa: PLR0911 - one for each case
    traffic, record = before.traffic, write.record
    stored = traffic.record
    renewed = leased and record.percentage > 0

    if traffic.unreadable and not (is_damage(before.record or "") and record.percentage == 0):
        return Outcome.UNREADABLE, before if record.percentage else before.with_key(0)

    if stored is not None:
        if not succeeds(record, stored):
            return Outcome.FOREIGN, before
        same = stored.rank == record.rank and stored.owner == record.owner
        if stored.rank >= record.rank and not same:
            return Outcome.OUTRANKED, before if traffic.stopped else before.with_key(stored.percentage)
        if traffic.stopped and (same or isinstance(write, Raise)):
            return Outcome.STOPPED, before
        if same:
            after = before.with_key(stored.percentage)
            if record.cluster and not stored.cluster:
                after = replace(after, record=encode(record))
            return Outcome.APPLIED, replace(after, key_expires=renewed, record_expires=renewed)

    if isinstance(write, Raise) and not as_expected(before, write):
        return Outcome.CHANGED, before
    if isinstance(write, Lower) and record.percentage > traffic.in_force:
        return Outcome.GROWS, before
    return Outcome.APPLIED, State(str(record.percentage), encode(record), renewed, renewed)


def succeeds(record: Record, before: Record) -> bool:
    """Whether a record may follow another: of the same object, of one that gave the key up, or of its predecessor."""
    apart = bool(record.cluster and before.cluster) and record.cluster != before.cluster
    return before.owner in ("", record.owner) or (before.holder == record.holder and not apart)


def as_expected(before: State, write: Raise) -> bool:
    stored, expect = before.traffic.record, write.expect
    if stored is None or expect is None:
        return before.traffic.lost and expect is None
    return (stored.rank, stored.owner) == (expect.rank, expect.owner)


def is_damage(text: str) -> bool:
    """Whether an unreadable record is nobody's, or ours and broken: then a lowering write may replace it."""
    try:
        fields = json.loads(text)
    except ValueError:
        return True
    if isinstance(fields, dict):
        return fields.get("schema") == SCHEMA and not isinstance(fields["schema"], bool)
    return not isinstance(fields, list)
