"""What may happen to a key: our writes, and other people's hands."""

import json
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st
from mlrollout.domain.record import Cause, Record, encode
from mlrollout.domain.traffic import Lower, Raise, SavedRecord, Write

from tests.support.redis_model import State

MOST = 2**53 - 1

EMPTY = Record(attempt=0, latched=False, sequence=0, percentage=0)
FIELDS = [*json.loads(encode(EMPTY)), "cluster", "cause", "unknown"]
VALUES: list[Any] = [
    None,
    True,
    False,
    0,
    1,
    2,
    10,
    100,
    101,
    -1,
    MOST,
    MOST + 1,
    MOST + 2,
    10.0,
    0.5,
    1e300,
    "1",
    "",
    [],
    {},
]
NOT_OURS = ['{"schema":2,"percentage":10}', "{}", "[]", '[{"schema":1}]', '{"schema":"1"}']
NOBODYS = ["", "garbage", "{", '{"schema":1', "10", '"text"', "null", "\ufeff{}"]
KEYS = st.sampled_from(
    [None, "0", "5", "10", "30", "99", "100", "101", "007", "-1", "1.0", "", " 10", "on", "1e1", "\u0661\u0660"]
)


def records(most: int = 2) -> st.SearchStrategy[Record]:
    """Records from so small a world that they often meet their equals."""
    made = st.builds(
        Record,
        attempt=st.integers(0, most),
        latched=st.booleans(),
        sequence=st.integers(0, most),
        percentage=st.sampled_from([0, 10, 30, 100]),
        revision=st.sampled_from(["", 'r"1', "ü"]),
        owner=st.sampled_from(["a", "b", ""]),
        holder=st.sampled_from(["ns/one", "ns/two", ""]),
        cluster=st.sampled_from(["", "here", "there"]),
        cause=st.sampled_from([None, Cause("GuardrailBreached", "ü is above 1", 1.5)]),
    )
    return made.map(lambda record: replace(record, percentage=0) if record.latched else record)


@st.composite
def altered(draw: st.DrawFn) -> str:
    """A record of ours with other things in some of its fields, which may or may not break it."""
    fields: dict[str, Any] = json.loads(encode(draw(records())))
    fields |= draw(st.dictionaries(st.sampled_from(FIELDS), st.sampled_from(VALUES), max_size=2))
    for gone in draw(st.sets(st.sampled_from(FIELDS), max_size=1)):
        fields.pop(gone, None)
    return json.dumps(fields)


RECORDS = st.none() | records().map(encode) | altered() | st.sampled_from(NOT_OURS + NOBODYS)


@st.composite
def states(draw: st.DrawFn) -> State:
    key, record, expire = draw(KEYS), draw(RECORDS), draw(st.booleans())
    return State(key, record, expire and key is not None, expire and record is not None)


@dataclass(frozen=True)
class ByHand:
    """Somebody else sets or deletes the key, the record, or both."""

    changes: dict[str, str | None]

    def after(self, state: State) -> State:
        expiries = {f"{name}_expires": False for name in self.changes}
        return replace(state, **self.changes, **expiries)  # type: ignore[arg-type]  # names by their values


@dataclass(frozen=True)
class ByUs:
    """A write, which may expect just what stands there."""

    write: Write
    leased: bool
    expects_present: bool

    def at(self, state: State) -> Write:
        present = self.expects_present and isinstance(self.write, Raise)
        return Raise(SavedRecord(self.write.record), state.traffic.record) if present else self.write


def steps() -> st.SearchStrategy[ByUs | ByHand]:
    changes = (
        st.fixed_dictionaries({"key": KEYS})
        | st.fixed_dictionaries({"record": RECORDS})
        | st.fixed_dictionaries({"key": KEYS, "record": RECORDS})
    )
    writes = st.builds(Lower, records()) | st.builds(Raise, records(), st.none() | records())
    ours = st.builds(ByUs, writes, st.booleans(), st.booleans())
    return ours | ours | st.builds(ByHand, changes)
