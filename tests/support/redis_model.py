"""A Redis in memory: the rules of `order.lua` in plain Python, over the types that the operator decides with.

`tests/components/redis` holds them against the real one: the rules in `test_order.py`, leases and claims in
`test_model.py`.
"""

import asyncio
import json
from dataclasses import dataclass, replace
from typing import Any

from mlrollout.domain.claim import Claim
from mlrollout.domain.record import LONGEST, SCHEMA, Record, UnreadableRecordError, decode, encode
from mlrollout.domain.traffic import Lower, Outcome, Raise, Traffic, Write, Written


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
    if len(text) > LONGEST:
        return False
    try:
        fields = json.loads(text)
    except ValueError:
        return True
    if isinstance(fields, dict):
        return fields.get("schema") == SCHEMA and not isinstance(fields["schema"], bool)
    return not isinstance(fields, list)


EMPTY = State()


class Redis:
    """Keys with their records and claims. Make it inside a loop, by whose time leases and claims end."""

    def __init__(self) -> None:
        self.states: dict[str, State] = {}
        self.claims: dict[str, tuple[float, Claim]] = {}
        self._expiries: dict[str, asyncio.TimerHandle] = {}

    def at(self, key: str) -> State:
        """The texts that stand there."""
        return self.states.get(key, EMPTY)

    def read(self, key: str) -> Traffic:
        """What stands under the key."""
        return self.at(key).traffic

    def write(self, key: str, write: Write, *, lease: float | None = None, by: Any = None) -> Written:
        """Merge a record, as the script does."""
        before = self.read(key).percentage
        outcome, after = merge(self.at(key), write, leased=lease is not None)
        if outcome is Outcome.APPLIED and lease is not None:
            self._expire(key, lease if after.key_expires else None)
        self.put(key, after, by)
        return Written(outcome, after.traffic, before)

    def put(self, key: str, after: State, by: Any = None) -> None:
        """Have these texts stand there, whatever the rules say."""
        before = self.at(key)
        if after != before:
            self.states[key] = after
            self.changed(key, before, after, by)

    def set_by_hand(self, key: str, text: str | None) -> None:
        """SET the key, or DEL it."""
        state = self.at(key)
        self.put(key, State(text, state.record, record_expires=state.record_expires), "people")

    def claim(self, key: str, claim: Claim, seconds: float) -> None:
        """Leave word that an object wants the key."""
        self.claims[key] = (asyncio.get_running_loop().time() + seconds, claim)

    def claimed(self, key: str) -> Claim | None:
        """The word that still stands."""
        ends, claim = self.claims.get(key, (0.0, None))
        return claim if asyncio.get_running_loop().time() < ends else None

    def changed(self, key: str, before: State, after: State, by: Any) -> None:
        """Something else stands there now. For whoever keeps a history."""

    def _expire(self, key: str, lease: float | None) -> None:
        running = self._expiries.pop(key, None)
        if running is not None:
            running.cancel()
        if lease is not None:
            self._expiries[key] = asyncio.get_running_loop().call_later(lease, self._expired, key)

    def _expired(self, key: str) -> None:
        state = self.at(key)
        kept = State(None if state.key_expires else state.key, None if state.record_expires else state.record)
        self.put(key, kept, "expiry")
