"""An API server, a Redis, a Prometheus and receivers in memory, each call of which meets its fate."""

# ruff: noqa: ARG002 - the ports say which arguments there are

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from mlrollout.api import GROUP
from mlrollout.domain.claim import Claim
from mlrollout.domain.traffic import Outcome, Traffic, Write, Written
from mlrollout.evidence.answer import Answer, Sample
from mlrollout.evidence.statistics.counting.series import Series
from mlrollout.notify.address import ReceiverAddress
from mlrollout.notify.message import OutgoingMessage
from mlrollout.ports import (
    EventToPost,
    NamedRevision,
    Object,
    ObjectsError,
    QueryRefusedError,
    ReceiverError,
    Ref,
    RevisionUnknownError,
    TrafficError,
    WordingError,
)

from tests.pure.runtime.fates import API_DOWN, Fates, failing
from tests.pure.runtime.specs import EPOCH, KEY, REF
from tests.support import presence, redis_model
from tests.support.api_server import ApiServer
from tests.support.redis_model import State

ABOUT_ONE = ("get", "save_status", "set_finalizer", "change_annotations", "post_event")
"""The calls of the API server that are about one object."""


class Api:
    """Implements the port `Objects`, and does what people do to the one object, or to another."""

    def __init__(self) -> None:
        self.fates = Fates("read_all", "probe", *ABOUT_ONE)
        self.server = ApiServer(lambda: EPOCH)
        """Its clock stands still: what is made again is made within the second of the one before."""
        self.posted: list[EventToPost] = []
        self.writes: list[str] = []

    def be_down(self) -> None:
        """Answer nothing about any object until the fates are cleared."""
        self.fates.always |= dict.fromkeys(ABOUT_ONE, failing(API_DOWN))

    @property
    def objects(self) -> Mapping[Ref, Object]:
        return self.server.objects

    # --- people ---

    def apply(self, wanted: Mapping[str, Any], ref: Ref = REF) -> None:
        self.server.apply(ref, wanted)

    def annotate(self, name: str, value: str | None, ref: Ref = REF) -> None:
        """As `kubectl annotate` does; `None` removes it."""
        self.server.annotate(ref, {f"{GROUP}/{name}": value})

    def apply_server_side(self, annotations: Mapping[str, str], ref: Ref = REF) -> None:
        """As an applier does again and again, with these annotations in its manifest."""
        self.server.apply_annotations(ref, annotations, "argocd")

    def edit_status(self, status: Mapping[str, Any], ref: Ref = REF) -> None:
        self.server.edit_status(ref, status)

    def edit_finalizers(self, *finalizers: str) -> None:
        self.server.edit_finalizers(REF, finalizers)

    def delete(self, ref: Ref = REF) -> None:
        self.server.delete(ref)

    def remove(self, ref: Ref = REF) -> None:
        """As by force, whatever finalizers it has."""
        self.server.remove(ref)

    # --- the port ---

    async def read_all(self) -> Sequence[Object]:
        found: Sequence[Object] = await self.fates.meet("read_all", lambda: tuple(self.objects.values()))
        return found

    async def probe(self) -> None:
        await self.fates.meet("probe", lambda: None)

    async def get(self, ref: Ref) -> Object:
        found: Object = await self.fates.meet("get", lambda: self.server.get(ref))
        return found

    async def save_status(self, ref: Ref, resource_version: str, status: Mapping[str, Any]) -> Object:
        act = partial(self.server.save_status, ref, resource_version, status)
        found: Object = await self.fates.meet("save_status", act)
        self.writes.append("status")
        return found

    async def set_finalizer(self, ref: Ref, resource_version: str, finalizers: tuple[str, ...]) -> Object:
        act = partial(self.server.set_finalizer, ref, resource_version, finalizers)
        found: Object = await self.fates.meet("set_finalizer", act)
        return found

    async def change_annotations(
        self, ref: Ref, resource_version: str, annotations: Mapping[str, str | None]
    ) -> Object:
        act = partial(self.server.change_annotations, ref, resource_version, annotations)
        found: Object = await self.fates.meet("change_annotations", act)
        return found

    async def post_event(self, ref: Ref, uid: str, event: EventToPost) -> None:
        await self.fates.meet("post_event", lambda: self.posted.append(event))


class Redis:
    """Implements the port `TrafficStore`, and shows what stands under the one key, or another."""

    def __init__(self) -> None:
        self.fates = Fates("read", "read_many", "write", "claim", "claimed")
        self.model = redis_model.Redis()
        self.accepted: list[Write] = []
        self.leases: list[float | None] = []

    @property
    def states(self) -> dict[str, State]:
        return self.model.states

    @property
    def percentage(self) -> str | None:
        return self.model.at(KEY).key

    @property
    def record(self) -> Any:
        return self.model.read(KEY).record

    def set_by_hand(self, text: str | None) -> None:
        self.model.set_by_hand(KEY, text)

    async def read(self, key: str) -> Traffic:
        found: Traffic = await self.fates.meet("read", partial(self.model.read, key))
        return found

    async def read_many(self, keys: Sequence[str]) -> Sequence[Traffic | TrafficError]:
        try:
            found: Sequence[Traffic] = await self.fates.meet("read_many", lambda: [*map(self.model.read, keys)])
        except TrafficError as error:
            return [error for _ in keys]
        return found

    async def write(self, key: str, write: Write, *, lease: float | None = None) -> Written:
        def act() -> Written:
            written = self.model.write(key, write, lease=lease)
            if written.outcome is Outcome.APPLIED:
                self.accepted.append(write)
                self.leases.append(lease)
            return written

        written: Written = await self.fates.meet("write", act)
        return written

    async def claim(self, key: str, claim: Claim, seconds: float) -> None:
        await self.fates.meet("claim", partial(self.model.claim, key, claim, seconds))

    async def claimed(self, key: str) -> Claim | None:
        found: Claim | None = await self.fates.meet("claimed", partial(self.model.claimed, key))
        return found

    async def close(self) -> None:
        pass


UNREADABLE = "sum("
"""A query that no Prometheus can read."""


EVENTS = 10.0
"""Events a second of every counter."""


class Prometheus:
    """Implements the port `EvidenceSource`; every query has the same answer, and every selector lives."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.fates = Fates("query")
        self.value = 0.01
        self._now = now

    async def query(self, promql: str, *, deadline: float, at: float | None = None) -> Answer:
        def act() -> Answer:
            if at is not None:
                return Answer((), kind="matrix", series=(self._counter(promql, at),))
            if promql == UNREADABLE:
                raise QueryRefusedError("Prometheus refused the query: parse error: unclosed left parenthesis")
            life = presence.answer(promql, self._now(), lambda _: self._now())
            return life or Answer((Sample(self.value),), evaluated=self._now())

        found: Answer = await self.fates.meet("query", act)
        return found

    def _counter(self, selector: str, until: float) -> Series:
        """A counter that is scraped every second since the world began: ten events a second, `value` of them bad."""
        pace = EVENTS * (self.value if "bad" in selector else 1.0)
        times = range(math.ceil(max(EPOCH, until - 600)), math.floor(until) + 1)
        return Series({"__name__": selector}, tuple((float(time), float(int((time - EPOCH) * pace))) for time in times))

    async def close(self) -> None:
        pass


class Phones:
    """Implements the port `Receivers`: what arrives at each URL, in its order."""

    def __init__(self) -> None:
        self.fates = Fates("send")
        self.away: dict[str, ReceiverError] = {}
        """The URLs that nothing arrives at, and why."""
        self.arrived: list[tuple[str, OutgoingMessage]] = []
        self.templates: dict[str, str | WordingError] = {}

    def at(self, url: str) -> list[OutgoingMessage]:
        return [message for where, message in self.arrived if where == url]

    def topics(self, url: str) -> list[str]:
        return [str(message.notice.topic) for message in self.at(url)]

    async def send(self, address: ReceiverAddress, message: OutgoingMessage) -> None:
        def act() -> None:
            if address.url in self.away:
                raise self.away[address.url]
            self.arrived.append((address.url, message))

        await self.fates.meet("send", act)

    async def render(self, template: str, variables: Mapping[str, object]) -> str:
        found = self.templates[template]
        if isinstance(found, WordingError):
            raise found
        return found

    async def close(self) -> None:
        pass


class Cupboard:
    """Implements the port `Secrets`."""

    def __init__(self) -> None:
        self.held: dict[tuple[str, str, str], str] = {}
        self.down = False

    async def read(self, namespace: str, name: str, key: str) -> str:
        await asyncio.sleep(0)
        if self.down:
            raise API_DOWN
        if (namespace, name, key) not in self.held:
            raise ObjectsError(f"Could not read the Secret {namespace}/{name}: it has no key {key}.")
        return self.held[namespace, name, key]

    async def read_all(self, namespace: str, name: str) -> Mapping[str, bytes]:
        found = {key: text.encode() for (place, of, key), text in self.held.items() if (place, of) == (namespace, name)}
        if self.down or not found:
            raise ObjectsError(f"Could not read the Secret {namespace}/{name}.")
        return found


class Registry:
    """A source of revisions that names what it is told to, or nothing."""

    def __init__(self) -> None:
        self.named: NamedRevision | RevisionUnknownError = NamedRevision("good-0")
        self.completed_revisions: list[str] = []
        self.asked = 0

    async def ask(self, *, deadline: float) -> NamedRevision:
        self.asked += 1
        if isinstance(self.named, RevisionUnknownError):
            raise self.named
        return self.named

    async def completed(self, revision: str, *, deadline: float) -> None:
        self.completed_revisions.append(revision)
