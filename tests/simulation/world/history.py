"""What happened in a simulated world, in its order. The checks read this and nothing else.

Times are seconds of the world's own, true time; what an instance believes the time to be is said where
it matters.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from mlrollout.domain.traffic import Outcome, Raise, Traffic, Write
from mlrollout.evidence.measurement import Measurement
from mlrollout.ports import EventToPost, Ref


@dataclass(frozen=True, slots=True)
class Entry:
    """Something happened."""

    at: float

    @property
    def stirs(self) -> bool:
        """Whether by this the world is not at rest."""
        return False


@dataclass(frozen=True, slots=True)
class Stored(Entry):
    """The API server holds a new version of an object; `what` says which part of it is new."""

    by: str
    ref: Ref
    what: str
    object: Mapping[str, Any]

    @property
    def uid(self) -> str:
        return str(self.object["metadata"]["uid"])

    @property
    def stirs(self) -> bool:
        return self.what != "checkpoint"

    def __str__(self) -> str:
        version = self.object["metadata"]["resourceVersion"]
        told = _told_status(self.object.get("status", {})) if self.what in ("status", "checkpoint") else ""
        return f"api: {self.by} writes {self.what} of {self.ref} (version {version}, {self.uid}){told}"


@dataclass(frozen=True, slots=True)
class Removed(Entry):
    """An object is gone for good."""

    ref: Ref
    uid: str

    def __str__(self) -> str:
        return f"api: {self.ref} ({self.uid}) is gone"


@dataclass(frozen=True, slots=True)
class Posted(Entry):
    """An Event was created, or counted up where it repeats."""

    by: str
    ref: Ref
    uid: str
    event: EventToPost

    def __str__(self) -> str:
        return f"event: {self.by} posts {self.event.reason} {self.event.unique} about {self.ref}: {self.event.message}"


@dataclass(frozen=True, slots=True)
class Arrived(Entry):
    """A notification reached a receiver; `dropped` is how many it says that it is told no more."""

    by: str
    receiver: str
    ref: Ref
    uid: str
    id: str
    topic: str
    dropped: int = 0

    def __str__(self) -> str:
        return f"notification: {self.by} tells {self.receiver} of {self.ref}: {self.topic} ({self.id})"


@dataclass(frozen=True, slots=True)
class Named(Entry):
    """An instance was told which revision shall be rolled out."""

    by: str
    ref: Ref
    revision: str

    def __str__(self) -> str:
        return f"registry: {self.by} hears that {self.ref} shall have {self.revision}"


@dataclass(frozen=True, slots=True)
class Announced(Entry):
    """The source of a revision was told that this one is complete."""

    by: str
    ref: Ref
    revision: str

    def __str__(self) -> str:
        return f"registry: {self.by} tells that {self.revision} of {self.ref} is complete"


@dataclass(frozen=True, slots=True)
class Issued(Entry):
    """An instance sends a write to Redis.

    Attributes:
        known: What it last learned of the key.
        clock: The time as it knows it.
        version: The resourceVersion of the object as it knows it.
    """

    by: str
    ref: Ref
    key: str
    write: Write
    known: Traffic | None
    clock: float
    version: str

    def __str__(self) -> str:
        record = self.write.record
        what = "raise" if isinstance(self.write, Raise) else "write"
        return f"redis: {self.by} sends a {what} of {self.key} to {record.percentage} % {record.rank}"


@dataclass(frozen=True, slots=True)
class Changed(Entry):
    """Redis holds something else than before. `cause` is the write that did it, where an instance did."""

    by: str
    key: str
    before: Traffic
    after: Traffic
    cause: Issued | None = None

    @property
    def stirs(self) -> bool:
        return True

    @property
    def rises(self) -> bool:
        """Whether more users are in treatment now."""
        return self.after.in_force > self.before.in_force

    def __str__(self) -> str:
        return f"redis: {self.by} changes {self.key}: {told(self.before)} -> {told(self.after)}"


@dataclass(frozen=True, slots=True)
class Answered(Entry):
    """What became of a write, as the instance has learned."""

    by: str
    key: str
    outcome: Outcome

    def __str__(self) -> str:
        return f"redis: {self.by} hears {self.outcome} about {self.key}"


@dataclass(frozen=True, slots=True)
class Seen(Entry):
    """An instance has learned that Redis holds something else than what it last learned of."""

    by: str
    key: str
    traffic: Traffic

    def __str__(self) -> str:
        return f"redis: {self.by} sees {self.key}: {told(self.traffic)}"


@dataclass(frozen=True, slots=True)
class Judged(Entry):
    """A measurement was given to an instance. `sampled` is when its newest sample was really taken."""

    by: str
    ref: Ref
    uid: str
    guardrail: Any
    measurement: Measurement
    clock: float
    sampled: float

    def __str__(self) -> str:
        look = self.measurement
        reach = f"reach {look.reach:.3g} s, {self.clock - look.at:.3g} s old"
        return f"look: {self.by} sees {self.guardrail.name} of {self.ref}: {look.verdict} {look.value} ({reach})"


@dataclass(frozen=True, slots=True)
class Served(Entry):
    """A client answers with another percentage, or knows another record."""

    client: str
    key: str
    percentage: int
    rank: tuple[int, bool, int, int] | None
    owner: str
    reachable: bool

    def __str__(self) -> str:
        cut = "" if self.reachable else ", cut off"
        return f"client: {self.client} serves {self.percentage} % of {self.key} (record {self.rank}{cut})"


@dataclass(frozen=True, slots=True)
class Instance(Entry):
    """An instance started, crashed, froze, began or ceased to lead."""

    by: str
    what: str

    def __str__(self) -> str:
        return f"instance: {self.by} {self.what}"


@dataclass(frozen=True, slots=True)
class Acted(Entry):
    """A person or the weather did something."""

    act: str
    target: str
    value: object = None

    def __str__(self) -> str:
        return f"step: {self.act} {self.target} {'' if self.value is None else self.value}"


@dataclass(frozen=True, slots=True)
class Fault(Entry):
    """A call of an instance met a fault."""

    by: str
    port: str
    call: str
    fate: str

    def __str__(self) -> str:
        return f"fault: {self.by}: {self.port} {self.call}: {self.fate}"


@dataclass(frozen=True, slots=True)
class Unexpected(Entry):
    """The operator itself says that something happened which never should."""

    by: str
    text: str

    def __str__(self) -> str:
        return f"unexpected: {self.by}: {self.text}"


E = TypeVar("E", bound=Entry)


class History(list[Entry]):
    """All that happened."""

    def of(self, kind: type[E]) -> Iterator[E]:
        """The entries of one kind."""
        return (entry for entry in self if isinstance(entry, kind))


def told(traffic: Traffic) -> str:
    """What stands in Redis, in few words."""
    record = traffic.record
    stands = "no record" if record is None else f"{record.percentage} % {record.rank} of {record.owner or 'nobody'}"
    return f"{traffic.key!r}, {traffic.unreadable or stands}"


def _told_status(status: Mapping[str, Any]) -> str:
    record, progress = status.get("record", {}), status.get("progress", {})
    ready: Mapping[str, str] = next((one for one in status.get("conditions", ()) if one["type"] == "Ready"), {})
    rank = tuple(record.get(name) for name in ("attempt", "latched", "sequence", "percentage"))
    healthy = progress.get("healthySeconds", 0)
    return f": {rank} {record.get('stage')} healthy {healthy}, Ready {ready.get('status')} {ready.get('reason')}"
