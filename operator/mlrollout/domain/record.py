"""The record: where a rollout stands, and the one order by which two records are merged.

The record lives in the object's status and, copied whole, in Redis; every client holds one too.
Of two records the greater stands, everywhere. So a stale leader, a half-finished write, a failover
to an old replica or a late packet cannot bring traffic back after a rollback.
"""

import json
import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

SCHEMA = 1
LONGEST_MESSAGE = 512
"""Characters of a cause's message in Redis: enough for a look, and little for every program that reads the record."""
LONGEST = 16 * 1024
"""Characters of a record in Redis. What an operator writes has at most half of that, if every character is escaped;
the rest is for fields of later versions. Anybody may have written it, and while it is parsed all else stands still that
a process does (invariant 7)."""
LONGEST_IN_BYTES = 4 * LONGEST
"""What is longer than that in UTF-8 is longer in characters, too: of it not even text is made."""
_REMEMBERED = 2048
"""Characters up to which a text is remembered with its record: those that an operator writes, but for the longest
causes."""
MOST = 2**53 - 1
"""The greatest of its numbers: above it, readers that count in doubles skip some."""
_LATEST = 253_402_300_799
"""The end of the year 9999: nothing later can be written as a time."""
_LONGEST_CLUSTER = 64
_REASON = re.compile(r"[A-Za-z][A-Za-z0-9]{0,63}")

Rank = tuple[int, bool, int, int]


@dataclass(frozen=True, slots=True)
class Cause:
    """Why an attempt was taken to zero. It travels with the latch, for who sees a breach may not be who tells of it.

    Attributes:
        reason: In one word that programs may rely on.
        message: For people: the guardrail with its value, limit, window and samples, or who asked.
        at: When it was seen, seconds since the epoch by the clock of whoever saw it; 0 where nobody knows.
    """

    reason: str
    message: str
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class Record:
    """Where one rollout stands.

    Attributes:
        attempt: Counts the tries; a new revision or a retry is a new attempt. An object's first is numbered by the
            time of its creation, see `first_attempt`.
        latched: The rollback mark; it stays for the attempt, and the percentage with it at zero.
        sequence: Counts the steps inside the attempt.
        percentage: Share of users in treatment, 0 to 100.
        revision: What is being rolled out.
        stage: Name of the stage; empty before the first is entered and after a rollback.
        owner: The uid of the object; empty when the object was deleted and gave the key up.
        holder: `namespace/name` of the object, for people and for its successor of the same name.
        holdback: Per cent of the users who stay in control at every percentage, the same in the whole attempt; 0 for
            none. It takes no part in the order.
        cluster: Which cluster that is in: the uid of its namespace `kube-system`; empty where nobody knows.
        cause: Why it is latched; `None` where it is not, or where nobody said so.

    What is told about a record is no part of it: two that differ in `cluster` and `cause` alone are the same.
    """

    attempt: int
    latched: bool
    sequence: int
    percentage: int
    revision: str = ""
    stage: str = ""
    owner: str = ""
    holder: str = ""
    holdback: int = 0
    cluster: str = field(default="", compare=False)
    cause: Cause | None = field(default=None, compare=False)

    @property
    def rank(self) -> Rank:
        """What the order compares: newer attempt, then the latch, then later step, then lower percentage."""
        return (self.attempt, self.latched, self.sequence, -self.percentage)

    @property
    def entered(self) -> bool:
        """Whether any stage of the attempt was entered, so that it may have had users."""
        return self.sequence > 0

    @property
    def next_sequence(self) -> int:
        """The number of the step after this one.

        The last number has no next, and a record with a greater one could be written by nobody: a rollback and every
        step down outrank it at the same number all the same (invariant 2).
        """
        return min(self.sequence + 1, MOST)

    @property
    def ordinal(self) -> int:
        """Which try of its object it is, for people."""
        return self.attempt % ATTEMPTS


ATTEMPTS = 1 << 16
"""How many attempts an object may have before it outranks one that is created a second later."""


def first_attempt(created: float) -> int:
    """The number of the first attempt of an object created at that time, in seconds since the epoch; 0 for unknown.

    It outranks whatever an earlier object wrote, also where Redis lost that: every process that holds such a record
    follows the newer object by the order it knows, instead of taking it for a late packet.
    """
    return int(created) * ATTEMPTS + 1


def greater(one: Record, other: Record) -> Record:
    """The record that stands of two; the first where they rank the same."""
    return other if other.rank > one.rank else one


def encode(record: Record) -> str:
    """The record as the JSON that stands in Redis."""
    fields: dict[str, Any] = {
        "schema": SCHEMA,
        "owner": record.owner,
        "holder": record.holder,
        "revision": record.revision,
        "attempt": record.attempt,
        "latched": record.latched,
        "sequence": record.sequence,
        "percentage": record.percentage,
        "stage": record.stage,
    }
    if record.holdback:
        fields["holdback"] = record.holdback
    if record.cluster:
        fields["cluster"] = record.cluster
    if record.cause is not None:
        cause = record.cause
        fields["cause"] = {"reason": cause.reason, "message": _clip(cause.message), "at": round(cause.at, 3)}
    return json.dumps(fields, ensure_ascii=True, separators=(",", ":"))


class UnreadableRecordError(ValueError):
    """The text is not a record of this schema; for everyone who reads it that means control."""


def decode(text: str | bytes) -> Record:
    """The record in a JSON text; unknown fields are ignored.

    Raises:
        UnreadableRecordError: The text is too long or not JSON, of another schema, or a field has no sensible value.
    """
    if isinstance(text, bytes):
        text = text[: LONGEST_IN_BYTES + 1].decode(errors="replace")
    if len(text) > LONGEST:  # before anything is made of it, and before it is remembered
        raise UnreadableRecordError(f"it is longer than {LONGEST} characters")
    return _remembered(text) if len(text) <= _REMEMBERED else _decode(text)


def _decode(text: str) -> Record:
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnreadableRecordError("it is not JSON") from error
    if not isinstance(fields, dict):
        raise UnreadableRecordError("it is not a JSON object")
    schema = fields.get("schema")
    if isinstance(schema, bool) or schema != SCHEMA:
        raise UnreadableRecordError(f"its schema is not {SCHEMA}, the one that this version reads")
    latched, stage = _flag(fields, "latched"), _text(fields, "stage")
    record = Record(
        attempt=_count(fields, "attempt"),
        latched=latched,
        sequence=_count(fields, "sequence"),
        percentage=_count(fields, "percentage", at_most=100),
        revision=_text(fields, "revision"),
        stage="" if latched else stage,  # after a rollback it is in none, whoever wrote the record
        owner=_text(fields, "owner"),
        holder=_text(fields, "holder"),
        holdback=_holdback(fields.get("holdback")),
        cluster=_cluster(fields.get("cluster")),
        cause=_cause(fields.get("cause")),
    )
    if record.latched and record.percentage:
        raise UnreadableRecordError("it is latched at a percentage other than 0")
    return record


_remembered = lru_cache(maxsize=1024)(_decode)
"""Redis answers the same text at most looks. No more than a few megabytes, whatever is read."""


def _count(fields: dict[str, Any], name: str, at_most: int = MOST) -> int:
    value = _whole(fields.get(name), at_most)
    if value is None:
        raise UnreadableRecordError(f"its {name} is not a whole number from 0 to {at_most}")
    return value


def _whole(value: object, at_most: int) -> int | None:
    """A whole number from 0 up to a bound; `None` for everything else."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # JSON knows one kind of number, and so do Lua and JavaScript
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= at_most:
        return None
    return value


def _flag(fields: dict[str, Any], name: str) -> bool:
    value = fields.get(name)
    if not isinstance(value, bool):
        raise UnreadableRecordError(f"its {name} is neither true nor false")
    return value


def _text(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name, "")
    if not isinstance(value, str):
        raise UnreadableRecordError(f"its {name} is not a string")
    return _writable(value)


def _holdback(found: object) -> int:
    """The holdback in a record; one that makes no sense is none, as for every reader that does not know the field."""
    return _whole(found, 100) or 0


def _cluster(found: object) -> str:
    return found[:_LONGEST_CLUSTER] if isinstance(found, str) else ""


def _cause(found: object) -> Cause | None:
    """The cause in a record; words that make no sense are nobody's reason to doubt the rest of it."""
    if not isinstance(found, dict):
        return None
    reason, message, at = found.get("reason"), found.get("message"), found.get("at")
    if not isinstance(reason, str) or not _REASON.fullmatch(reason) or not isinstance(message, str):
        return None
    # It goes on into a status and Events, which hold no infinity.
    text = _clip(_writable(message))
    return Cause(reason, text, float(at) if isinstance(at, int | float) and 0 <= at <= _LATEST else 0.0)


def _writable(text: str) -> str:
    """Text that a status and Events can hold: without halves of surrogate pairs, which JSON can write."""
    return text if text.isascii() else text.encode(errors="replace").decode()


def _clip(text: str) -> str:
    return text if len(text) <= LONGEST_MESSAGE else text[: LONGEST_MESSAGE - 1] + "…"
