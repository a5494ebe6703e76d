"""What the operator needs of the world. Adapters implement these; the simulated world does too.

Every method may raise its port's error and nothing else; none of them retries for longer than its
deadline, and none of them hangs. These are the errors, and what the operator does about each:

    PortError                   a part of the world did not do what was asked
    ├── TrafficError            Redis           tries again, the way down without end
    │   ├── LoginRefusedError                   tries again sooner, with what the Secret holds by then
    │   └── KeyRefusedError                     tells (Stalled: KeyRefused): a person must change the key
    ├── SourceError             Prometheus      grows nothing for lack of evidence, and asks at the next look
    │   ├── QueryRefusedError                   tells (Stalled: InvalidQuery): a person must change the query
    │   └── AddressRefusedError                 tells (Stalled: ConnectionRefused): a person must name another
    ├── ObjectsError            Kubernetes      tries again, later each time; without any cluster at its start it ends
    │   ├── ConflictError                       reads the object again and decides again
    │   │   └── ExistsError                     an Event is as good as posted; a Lease is read again
    │   ├── GoneError                           lists all objects again: only a whole list lets one be forgotten
    │   └── AbsentError                         makes an Event or a Lease anew
    └── ReceiverError           notifications   tries again, later each time; tells (NotificationFailing) once it lasts
        ├── MessageRefusedError                 tries again a few times, then goes on and says how much was dropped
        ├── ReceiverNotAllowedError             tells (NotificationFailing) at once: a person must change the address
        └── WordingError                        uses the words that are built in, and says so in the message

What it tries again is told, too: by the object's conditions, and in the log the first, second, fourth, eighth … time.
One error of this tree ends the process: an `ObjectsError` at the start, where there is no cluster to be found (exit
code 3). The HTTP server answers its caller instead: 409 for a `GoneError`, 503 for any other. The errors that are no
port's are listed in docs/architecture.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from .api.spec import Spec
from .domain.claim import Claim
from .domain.traffic import Traffic, Write, Written
from .evidence.answer import Answer
from .notify.address import ReceiverAddress
from .notify.message import OutgoingMessage

# --- errors, in the order of the tree --------------------------------------------------------


class PortError(Exception):
    """A part of the world did not do what was asked. The text is for people and holds no secret."""


class TrafficError(PortError):
    """Redis could not be asked, or its answer did not arrive: what stands there is unknown."""


class LoginRefusedError(TrafficError):
    """Redis refused the user name or the password: another may stand in the Secret by now."""


class KeyRefusedError(TrafficError):
    """This Redis can't serve this key (on a Cluster: a key without a hash tag); asking again is no help."""


class SourceError(PortError):
    """Prometheus could not be asked, refused the query, or its answer was unusable."""


class QueryRefusedError(SourceError):
    """Prometheus can't read the query; asking again is no help."""


class AddressRefusedError(SourceError):
    """The object names a Prometheus that it may not have, or there is none; asking again is no help."""


class ObjectsError(PortError):
    """The Kubernetes API could not be asked or refused; whether a write took place is unknown."""


class ConflictError(ObjectsError):
    """The object has changed since it was read: read it again and decide again."""


class ExistsError(ConflictError):
    """There is one of this name already."""


class GoneError(ObjectsError):
    """The `MLRollout` no longer exists."""


class AbsentError(ObjectsError):
    """There is no such thing (that is not an `MLRollout`)."""


class ReceiverError(PortError):
    """A receiver could not be reached, or did not take what it was sent; the text goes on after its name.

    Attributes:
        retry_after: Seconds that it asks to be left alone; `None` where it says nothing.
    """

    def __init__(self, text: str, retry_after: float | None = None) -> None:
        super().__init__(text)
        self.retry_after = retry_after


class MessageRefusedError(ReceiverError):
    """A receiver refused this message; it may take the next."""


class ReceiverNotAllowedError(ReceiverError):
    """The object names a receiver that it may not have; asking again is no help."""


class WordingError(ReceiverError):
    """The administrator's template can't be used for this message."""


# --- time ------------------------------------------------------------------------------------


class Clock(Protocol):
    """The wall clock. Waiting is asyncio's own, so that a test's event loop can bend it."""

    def now(self) -> float:
        """Seconds since the epoch."""
        ...


# --- traffic ---------------------------------------------------------------------------------


class TrafficStore(Protocol):
    """The percentage in Redis, under the order of records."""

    async def read(self, key: str) -> Traffic:
        """What stands under the key now.

        Raises:
            TrafficError: It can't be known.
        """
        ...

    async def read_many(self, keys: Sequence[str]) -> Sequence[Traffic | TrafficError]:
        """What stands under each of many keys, or why that can't be known, in their order; few requests for all.

        A node that does not answer spoils nothing but its own keys. Raises nothing.
        """
        ...

    async def write(self, key: str, write: Write, *, lease: float | None = None) -> Written:
        """Merge a record into Redis by the order, atomically, and tell the clients if anything changed.

        Args:
            key: The key of the percentage.
            write: What shall stand, and whether it may raise.
            lease: Seconds after which the keys expire unless renewed; `None` for never.

        Raises:
            TrafficError: Whether the write took place is unknown.
        """
        ...

    async def claim(self, key: str, claim: Claim, seconds: float) -> None:
        """Leave word for whoever has the key that another object wants it, for so long; the last one's stands.

        Raises:
            TrafficError: It may not have been left.
        """
        ...

    async def claimed(self, key: str) -> Claim | None:
        """Who has last said that they want the key.

        Raises:
            TrafficError: It can't be known.
        """
        ...

    async def close(self) -> None:
        """Give up the connections."""
        ...


# --- evidence --------------------------------------------------------------------------------


class EvidenceSource(Protocol):
    """A Prometheus."""

    async def query(self, promql: str, *, deadline: float, at: float | None = None) -> Answer:
        """The answer to an instant query, evaluated now; or to a range selector, evaluated at a moment.

        Args:
            promql: The query.
            deadline: Seconds for everything: connecting, waiting, reading.
            at: For a range selector, whose samples are the answer: where its range ends, seconds since the epoch.

        Raises:
            QueryRefusedError: The query can't be parsed.
            SourceError: There is no usable answer; the text says why, shortened, without the response's body.
        """
        ...

    async def close(self) -> None:
        """Give up the connections."""
        ...


# --- objects ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, order=True)
class Ref:
    """Which object is meant."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class EventToPost:
    """A Kubernetes Event that is to be posted.

    Attributes:
        reason: Short, specific, `CamelCase`; part of the contract.
        message: For people.
        warning: Whether its type is `Warning` rather than `Normal`.
        unique: For a transition, what makes it the only one of its kind (the event is created once,
            however often it is sent); empty for a repeating Event, which is counted up instead.
    """

    reason: str
    message: str
    warning: bool = False
    unique: str = ""


Object = Mapping[str, Any]
"""An `MLRollout` as the API server gives it: `metadata`, `spec`, `status`."""


class Objects(Protocol):
    """The Kubernetes API, as far as the operator uses it."""

    async def get(self, ref: Ref) -> Object:
        """The object as it stands now (not from a cache)."""
        ...

    async def save_status(self, ref: Ref, resource_version: str, status: Mapping[str, Any]) -> Object:
        """Replace the whole status if the object still has this resourceVersion; answers with the object after it.

        Raises:
            ConflictError: It has another one by now; nothing was written.
            GoneError: It no longer exists.
            ObjectsError: Whether it was written is unknown.
        """
        ...

    async def set_finalizer(self, ref: Ref, resource_version: str, finalizers: tuple[str, ...]) -> Object:
        """Replace the list of finalizers, under the same condition."""
        ...

    async def change_annotations(
        self, ref: Ref, resource_version: str, annotations: Mapping[str, str | None]
    ) -> Object:
        """Set these annotations in one write, and remove those that are `None`, under the same condition."""
        ...

    async def post_event(self, ref: Ref, uid: str, event: EventToPost) -> None:
        """Post a Kubernetes Event about the object."""
        ...


class Secrets(Protocol):
    """Secrets that an object names, in its own namespace."""

    async def read(self, namespace: str, name: str, key: str) -> str:
        """The decoded value.

        Raises:
            ObjectsError: It does not exist, has no such key, or may not be read.
        """
        ...


# --- leadership ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Lease:
    """The `Lease` by which replicas agree on who may take traffic up.

    Attributes:
        holder: Who leads; empty where the leader has given it up.
        duration: Seconds of silence after which the others may take it.
        acquired: When the holder took it, in seconds since the epoch by the holder's clock; for people.
        renewed: When the holder last said that it lives, likewise.
        transitions: How often the holder has changed.
        version: What a write must be based on; every write that changes anything changes it.
    """

    holder: str
    duration: float
    acquired: float
    renewed: float
    transitions: int
    version: str = ""


class LeaseStore(Protocol):
    """Where the one lease of an installation is kept."""

    async def read(self) -> Lease | None:
        """The lease as it stands now (not from a cache); `None` where there is none.

        Raises:
            ObjectsError: It can't be known.
        """
        ...

    async def create(self, lease: Lease) -> Lease:
        """Make the lease where there is none; answers with it and its version.

        Raises:
            ConflictError: There is one by now.
            ObjectsError: Whether it was made is unknown.
        """
        ...

    async def replace(self, lease: Lease) -> Lease:
        """Put this lease in the place of the one of its `version`, or of none where that is gone.

        Answers with it and its new version.

        Raises:
            ConflictError: There is one of another version by now; nothing was written.
            ObjectsError: Whether it was written is unknown.
        """
        ...


# --- notifications ---------------------------------------------------------------------------


class Receivers(Protocol):
    """Whoever is to be told."""

    async def send(self, address: ReceiverAddress, message: OutgoingMessage) -> None:
        """Have a message arrive.

        Raises:
            MessageRefusedError: The receiver does not take this one.
            ReceiverError: It may not have arrived.
        """
        ...

    async def render(self, template: str, variables: Mapping[str, object]) -> str:
        """What a template of the administrator's becomes, in bounded time.

        Raises:
            WordingError: It can't be used.
        """
        ...

    async def close(self) -> None:
        """Give up the connections."""
        ...


# --- connections -----------------------------------------------------------------------------


class Connections(Protocol):
    """The Redis and the Prometheus of each object."""

    async def store(self, ref: Ref, spec: Spec) -> TrafficStore:
        """The object's Redis: its own, or the operator's.

        Raises:
            ObjectsError: Its Secret can't be read.
            TrafficError: What the Secret holds is no usable URL.
        """
        ...

    def source(self, spec: Spec) -> EvidenceSource:
        """The object's Prometheus: its own, or the operator's.

        Raises:
            AddressRefusedError: The administrator does not allow its address, or there is none.
        """
        ...
