"""A case for each rule of docs/redis-contract.md, "The order" and "What a client does"."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from mlrollout.domain.record import ATTEMPTS, Record, encode

TEN = Record(
    1, latched=False, sequence=1, percentage=10, revision="ranker-1", stage="pilot", owner="uid", holder="ns/n"
)
THIRTY = replace(TEN, sequence=2, percentage=30, stage="expansion")
FULL = replace(TEN, sequence=3, percentage=100, stage="full")
LATCHED = replace(TEN, latched=True, sequence=4, percentage=0, stage="")
ANEW = replace(TEN, attempt=2, revision="ranker-2")
LONG_AGO, LATELY = 1_700_000_000 * ATTEMPTS, 1_800_000_000 * ATTEMPTS
"""What the number of an attempt begins with where its object's creation is known."""
OLD = replace(THIRTY, attempt=7, owner="old")
NEW = replace(FULL, owner="new", revision="ranker-2")
"""Of an object that was made after Redis had lost `OLD`, by an operator that knows no times of creation."""
OLDER = replace(NEW, attempt=LONG_AGO, holder="ns/another")
"""Of an object that was there before one of `LATELY`, under another name, and took the key when Redis had lost all."""


@dataclass(frozen=True, slots=True)
class Read:
    """A read of both keys: their texts, `None` for absent; and the second in which it began."""

    key: str | None
    record: str | None
    at: float = 0


@dataclass(frozen=True, slots=True)
class Push:
    """A message on the channel."""

    text: str


Step = Read | Push


def at(record: Record, key: str | None = None, second: float = 0) -> Read:
    """A read of this record; its key stands at it where nothing else is said."""
    return Read(str(record.percentage) if key is None else key, encode(record), second)


def push(record: Record) -> Push:
    """A push of this record."""
    return Push(encode(record))


REVISIONS: Mapping[str, tuple[Step, ...]] = {
    "the key counts for the record beside it alone": (at(FULL), push(replace(ANEW, percentage=30)), at(FULL)),
    "another revision's record is read where it is pushed": (
        at(FULL),
        push(replace(ANEW, percentage=30)),
        at(replace(ANEW, percentage=30)),
    ),
    "a revision that begins at nothing is read as well": (at(FULL), push(replace(ANEW, sequence=0, percentage=0))),
    "a lesser record of another revision": (at(ANEW), at(FULL), at(ANEW)),
    "a lesser record of the same revision": (at(THIRTY), at(TEN, "30"), at(TEN, "5"), at(THIRTY)),
    "a lesser record that is latched": (at(replace(THIRTY, attempt=2)), at(LATCHED, "30")),
    "a lesser record without a revision": (at(THIRTY), at(replace(TEN, revision=""))),
    "after lost data a push of another revision": (at(FULL), Read(None, None), push(ANEW), at(ANEW)),
}
OWNERS: Mapping[str, tuple[Step, ...]] = {
    "an object made anew that ranks above the old one": (
        at(OLD),
        Read(None, None, 1),
        at(replace(NEW, attempt=LATELY), None, 2),
    ),
    "an object made anew that ranks below the old one": (
        at(OLD),
        *(at(NEW, None, second) for second in (2, 7, 11.9, 12)),
    ),
    "likewise, of the same revision": (
        at(OLD),
        *(at(replace(NEW, revision=OLD.revision), None, second) for second in (2, 7, 11.9, 12)),
    ),
    "likewise, after a rollback": (
        at(replace(OLD, latched=True, percentage=0)),
        *(at(NEW, None, second) for second in (2, 7, 12)),
    ),
    "likewise, and its rollback": (
        at(OLD),
        *(at(NEW, None, second) for second in (2, 7, 12)),
        push(replace(LATCHED, owner="new")),
    ),
    "its steps meanwhile change nothing": (
        at(OLD),
        at(replace(NEW, sequence=1, percentage=10), None, 2),
        at(replace(NEW, sequence=2, percentage=30), None, 7),
        at(NEW, None, 12),
    ),
    "the old object's record in between": (
        at(OLD),
        at(NEW, None, 2),
        at(OLD, None, 7),
        at(NEW, None, 12),
        at(NEW, None, 17),
        at(NEW, None, 22),
    ),
    "nothing in between": (
        at(OLD),
        at(NEW, None, 2),
        Read(None, None, 7),
        at(NEW, None, 12),
        at(NEW, None, 21.9),
        at(NEW, None, 22),
    ),
    "a push of the old object's in between": (
        at(OLD),
        at(NEW, None, 2),
        push(replace(OLD, sequence=9, percentage=0)),
        at(NEW, None, 12),
        at(NEW, None, 21.9),
        at(NEW, None, 22),
    ),
    "too long without a read in between": (
        at(OLD),
        at(NEW, None, 2),
        at(NEW, None, 12),
        at(NEW, None, 21.9),
        at(NEW, None, 22),
    ),
    "a third object in between": (
        at(OLD),
        at(NEW, None, 2),
        at(replace(NEW, owner="newer"), None, 7),
        *(at(NEW, None, second) for second in (12, 17, 22)),
    ),
    "an object that was followed before is not followed again": (
        at(replace(NEW, attempt=6)),
        at(OLD, None, 1),
        *(at(replace(NEW, attempt=6), None, second) for second in (2, 7, 12, 17)),
    ),
    "nor is it after a rival": (
        at(OLD),
        *(at(NEW, None, second) for second in (2, 7, 12)),
        *(at(replace(OLD, attempt=0), None, second) for second in (13, 18, 23, 28)),
    ),
    "an object that is older by its creation than one of its name is not followed": (
        at(replace(OLD, attempt=LATELY)),
        *(at(replace(NEW, attempt=LONG_AGO), None, second) for second in (2, 7, 12, 17)),
    ),
    "nor is it where both say the same cluster": (
        at(replace(OLD, attempt=LATELY, cluster="here")),
        *(at(replace(NEW, attempt=LONG_AGO, cluster="here"), None, second) for second in (2, 7, 12, 17)),
    ),
    "nor is it where one does not say its cluster": (
        at(replace(OLD, attempt=LATELY, cluster="here")),
        *(at(replace(NEW, attempt=LONG_AGO), None, second) for second in (2, 7, 12, 17)),
    ),
    "an older object of another name is followed": (
        at(replace(OLD, attempt=LATELY)),
        *(at(OLDER, None, second) for second in (2, 7, 11.9, 12)),
    ),
    "likewise, after one that gave the key up": (
        at(replace(OLD, attempt=LATELY, owner="", percentage=0)),
        *(at(OLDER, None, second) for second in (2, 7, 12)),
    ),
    "an older object in another cluster is followed": (
        at(replace(OLD, attempt=LATELY, cluster="here")),
        *(at(replace(NEW, attempt=LONG_AGO, cluster="there"), None, second) for second in (2, 7, 12)),
    ),
    "an older object that a replica tells of now and then is not followed": (
        at(replace(OLD, attempt=LATELY)),
        *(at(OLDER if second % 6 == 2 else replace(OLD, attempt=LATELY), None, second) for second in range(2, 30, 3)),
        push(OLDER),
    ),
    "the later object takes the key back": (
        at(replace(OLD, attempt=LATELY)),
        *(at(OLDER, None, second) for second in (2, 7, 12)),
        at(replace(OLD, attempt=LATELY + 1, percentage=10), None, 13),
    ),
    "one whose creation is not known is": (
        at(replace(OLD, attempt=LATELY)),
        *(at(NEW, None, second) for second in (2, 7, 12)),
    ),
    "a record that nobody owns is not followed": (
        at(OLD),
        *(at(replace(NEW, owner=""), None, second) for second in (2, 7, 12, 17)),
    ),
    "an object is followed after one that gave the key up": (
        at(replace(OLD, owner="", percentage=0)),
        *(at(NEW, None, second) for second in (2, 7, 12)),
    ),
    "the same object's older record is never followed": (
        at(FULL),
        *(at(TEN, None, second) for second in (2, 7, 12, 17)),
    ),
    "another object's record of the same rank": (
        at(THIRTY),
        *(at(replace(THIRTY, owner="new"), None, second) for second in (2, 7, 12)),
        push(replace(THIRTY, owner="new", percentage=20)),
    ),
}
"""Reads count for ten seconds here."""
HOLDING = replace(THIRTY, holdback=5)
HOLDBACKS: Mapping[str, tuple[Step, ...]] = {
    "a holdback": (at(HOLDING), at(replace(HOLDING, sequence=3, percentage=100))),
    "a holdback before the first stage": (at(replace(HOLDING, sequence=0, percentage=0)),),
    "a holdback is known from a push that lowers": (at(THIRTY), push(replace(HOLDING, sequence=3, percentage=10))),
    "a pushed record without a holdback releases nobody": (
        at(HOLDING),
        push(replace(TEN, sequence=3)),
        at(replace(TEN, sequence=3)),
    ),
    "a replica that knows of no holdback releases nobody": (at(HOLDING), at(TEN)),
    "of two that rank the same the greater holdback counts": (at(HOLDING), at(THIRTY), at(replace(THIRTY, holdback=9))),
    "a rollback keeps the holdback": (at(HOLDING), push(replace(LATCHED, holdback=5))),
    "the next attempt has its own": (at(HOLDING), at(ANEW), at(replace(ANEW, attempt=3, holdback=20))),
}
GIVEN_UP = replace(THIRTY, sequence=3, percentage=0, owner="")
"""What the operator leaves when the object is deleted."""
AT_ZERO: Mapping[str, tuple[Step, ...]] = {
    "staff before the first stage": (at(replace(TEN, sequence=0, percentage=0)), at(TEN)),
    "staff at a stage of 0 %": (at(replace(TEN, percentage=0)), at(replace(TEN, sequence=2, percentage=1))),
    "staff after a deletion": (at(THIRTY), push(GIVEN_UP), at(GIVEN_UP)),
    "staff after a deletion that kept the traffic": (at(THIRTY), at(replace(GIVEN_UP, percentage=30))),
    "staff after lost data": (at(THIRTY), Read(None, None), at(replace(THIRTY, sequence=3, percentage=0))),
}
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
    **REVISIONS,
    **OWNERS,
    **HOLDBACKS,
    **AT_ZERO,
}
