"""A case for each rule of docs/redis-contract.md, "The order" and "What a client does"."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from mlrollout.domain.record import Record, encode

TEN = Record(
    1, latched=False, sequence=1, percentage=10, revision="ranker-1", stage="pilot", owner="uid", holder="ns/n"
)
THIRTY = replace(TEN, sequence=2, percentage=30, stage="expansion")
FULL = replace(TEN, sequence=3, percentage=100, stage="full")
LATCHED = replace(TEN, latched=True, sequence=4, percentage=0, stage="")
ANEW = replace(TEN, attempt=2, revision="ranker-2")


@dataclass(frozen=True, slots=True)
class Read:
    """A read of both keys: their texts, `None` for absent."""

    key: str | None
    record: str | None


@dataclass(frozen=True, slots=True)
class Push:
    """A message on the channel."""

    text: str


Step = Read | Push


def at(record: Record, key: str | None = None) -> Read:
    """A read of this record; its key stands at it where nothing else is said."""
    return Read(str(record.percentage) if key is None else key, encode(record))


def push(record: Record) -> Push:
    """A push of this record."""
    return Push(encode(record))


RULES: Mapping[str, tuple[Step, ...]] = {
    "nothing stands": (Read(None, None),),
    "key and record agree": (at(THIRTY),),
    "everybody": (at(FULL),),
    "the lower of key and record: the key": (at(THIRTY, "29"),),
    "the lower of key and record: the record": (at(THIRTY, "31"),),
    "a stop by hand, and its end": (at(THIRTY), at(THIRTY, "0"), at(THIRTY)),
    "a deleted key": (at(THIRTY), Read(None, encode(THIRTY))),
    "a key without a record": (Read("30", None),),
    "lost data, and the operator's first steps after it": (
        at(THIRTY),
        Read(None, None),
        at(replace(THIRTY, sequence=5, percentage=0)),
        at(replace(THIRTY, sequence=6)),
    ),
    "a push that lowers counts at once": (at(THIRTY), push(replace(TEN, sequence=3)), at(replace(TEN, sequence=3))),
    "a pushed rollback counts at once": (at(THIRTY), push(LATCHED)),
    "a push that raises counts when it is read": (at(TEN), push(THIRTY), at(THIRTY)),
    "a push that raises, but is not read": (at(TEN), push(THIRTY), at(TEN)),
    "a push at the same percentage is a greater record": (
        at(THIRTY),
        push(replace(THIRTY, sequence=9)),
        at(replace(TEN, sequence=8)),
        at(replace(TEN, sequence=10)),
    ),
    "a push that raises above the key, though not above the last record": (
        at(THIRTY, "5"),
        push(replace(TEN, sequence=3)),
    ),
    "a push that came late": (at(THIRTY), push(TEN)),
    "a push that repeats what is known": (at(THIRTY), push(THIRTY)),
    "a push can't lower by a lesser record": (at(THIRTY), push(replace(TEN, percentage=0))),
    "a push before the first read raises nothing": (push(THIRTY), at(THIRTY)),
    "a rollback pushed before the first read is kept": (push(LATCHED), at(THIRTY)),
    "a push while nothing stands": (Read(None, None), push(TEN), push(LATCHED), at(TEN)),
    "a push doesn't lift a stop by hand": (at(THIRTY, "0"), push(FULL), at(FULL, "0")),
    "a replica that lost the rollback": (at(THIRTY), push(LATCHED), at(THIRTY), at(LATCHED)),
    "a replica that lost a step down": (at(FULL), at(replace(TEN, sequence=4)), at(FULL, "100")),
    "a lesser record with a lower key": (at(THIRTY), at(TEN)),
    "a record that is lost keeps its place": (at(LATCHED), Read(None, None), at(THIRTY), at(ANEW)),
    "a new attempt beats a rollback": (at(LATCHED), at(ANEW)),
    "a new attempt beats a later step": (at(FULL), push(replace(ANEW, sequence=0, percentage=0)), at(FULL)),
    "a rollback beats a later step": (at(LATCHED), at(replace(FULL, sequence=99))),
    "a later step beats a lower percentage": (at(TEN), at(THIRTY), push(TEN)),
    "of two at one step the lower percentage stands": (at(THIRTY), push(replace(THIRTY, percentage=20)), at(THIRTY)),
    "of two that rank the same": (
        at(THIRTY),
        at(replace(THIRTY, revision="another")),
        push(replace(THIRTY, stage="x")),
    ),
    "an attempt is compared as a number": (at(replace(TEN, attempt=9)), at(replace(THIRTY, attempt=10))),
    "a step is compared as a number": (at(replace(THIRTY, sequence=10)), push(replace(TEN, sequence=9))),
    "the largest counts": (
        at(replace(TEN, attempt=2**53 - 1, sequence=2**53 - 2)),
        push(replace(TEN, attempt=2**53 - 1, sequence=2**53 - 1, percentage=5)),
        at(THIRTY),
    ),
    "another schema after one that is known": (at(THIRTY), Read("30", '{"schema":2,"percentage":30}'), at(THIRTY)),
    "a push of another schema only makes it read": (at(THIRTY), Push('{"schema":2,"percentage":0}'), at(THIRTY)),
}
