"""The world as one process of the operator reaches it: each call may go wrong on its way."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mlrollout.domain.claim import Claim
from mlrollout.domain.traffic import Traffic, Write, Written
from mlrollout.evidence.answer import Answer
from mlrollout.ports import EventToPost, NamedRevision, Object, Ref, SourceError, TrafficError

from .faults import API, PROMETHEUS, REDIS, REVISIONS
from .history import Announced, Answered, Issued, Named, Seen

if TYPE_CHECKING:
    from .process import Process


class Objects:
    """The API server as one process reaches it."""

    def __init__(self, process: "Process") -> None:
        self._by = process.name
        self._calls = process.calls
        self._api = process.world.api

    async def read_all(self) -> Sequence[Object]:
        return await self._calls.make(API, "list", lambda: tuple(self._api.objects.values()))

    async def probe(self) -> None:
        await self._calls.make(API, "probe", lambda: None)

    async def get(self, ref: Ref) -> Object:
        return await self._calls.make(API, "get", lambda: self._api.get(ref))

    async def save_status(self, ref: Ref, resource_version: str, status: Mapping[str, Any]) -> Object:
        return await self._calls.make(
            API, "save_status", lambda: self._api.save_status(ref, resource_version, status, self._by)
        )

    async def set_finalizer(self, ref: Ref, resource_version: str, finalizers: tuple[str, ...]) -> Object:
        return await self._calls.make(
            API, "set_finalizer", lambda: self._api.set_finalizer(ref, resource_version, finalizers, self._by)
        )

    async def change_annotations(
        self, ref: Ref, resource_version: str, annotations: Mapping[str, str | None]
    ) -> Object:
        return await self._calls.make(
            API, "annotate", lambda: self._api.change_annotations(ref, resource_version, annotations, self._by)
        )

    async def post_event(self, ref: Ref, uid: str, event: EventToPost) -> None:
        await self._calls.make(API, "post_event", lambda: self._api.post_event(self._by, ref, uid, event))


class Store:
    """One Redis as one process reaches it."""

    def __init__(self, process: "Process", name: str) -> None:
        self._process = process
        self._calls = process.calls
        self._port = replace(REDIS, name=name)
        self._redis = process.world.redis(name)
        self._seen: dict[str, Traffic] = {}

    async def read(self, key: str) -> Traffic:
        return self._see(key, await self._calls.make(self._port, "read", lambda: self._redis.read(key)))

    async def read_many(self, keys: Sequence[str]) -> Sequence[Traffic | TrafficError]:
        try:
            found = await self._calls.make(self._port, "read_many", lambda: [self._redis.read(key) for key in keys])
        except TrafficError as error:
            return [error for _ in keys]
        return [self._see(key, traffic) for key, traffic in zip(keys, found, strict=True)]

    async def write(self, key: str, write: Write, *, lease: float | None = None) -> Written:
        issued = self._issue(key, write)
        world = self._process.world
        written = await self._calls.make(self._port, "write", lambda: self._redis.answer(issued, lease))
        world.record(Answered, by=self._process.name, key=key, outcome=written.outcome)
        self._see(key, written.traffic)
        return written

    async def claim(self, key: str, claim: Claim, seconds: float) -> None:
        await self._calls.make(self._port, "claim", lambda: self._redis.claim(key, claim, seconds))

    async def claimed(self, key: str) -> Claim | None:
        return await self._calls.make(self._port, "claimed", lambda: self._redis.claimed(key))

    def _see(self, key: str, traffic: Traffic) -> Traffic:
        """Note what the process learns, where it is news to it."""
        if self._seen.get(key) != traffic:
            self._seen[key] = traffic
            self._process.world.record(Seen, by=self._process.name, key=key, traffic=traffic)
        return traffic

    def _issue(self, key: str, write: Write) -> Issued:
        process = self._process
        ref = Ref(*write.record.holder.split("/"))
        tracked = process.operator.tracked_objects.get(ref)
        issued = Issued(
            at=process.world.now(),
            by=process.name,
            ref=ref,
            key=key,
            write=write,
            known=tracked.redis.traffic if tracked is not None else None,
            clock=process.now(),
            version=tracked.resource.resource_version if tracked is not None else "",
        )
        process.world.history.append(issued)
        return issued

    async def close(self) -> None:
        pass


class Source:
    """Prometheus as one process reaches it."""

    def __init__(self, process: "Process") -> None:
        self._world = process.world
        self._calls = process.calls

    async def query(self, promql: str, *, deadline: float, at: float | None = None) -> Answer:
        world = self._world
        if world.hangs(promql):
            await asyncio.sleep(deadline)
            raise SourceError("Prometheus did not answer in time")
        return await self._calls.make(PROMETHEUS, "query", lambda: world.prometheus.answer(promql, at))

    async def close(self) -> None:
        pass


class Revisions:
    """The source of an object's revision as one process reaches it."""

    def __init__(self, process: "Process", ref: Ref) -> None:
        self._process = process
        self._ref = ref

    async def ask(self, *, deadline: float) -> NamedRevision:  # noqa: ARG002 - the port's
        registry = self._process.world.registries[self._ref.name]
        named = await self._process.calls.make(REVISIONS, "name", registry.answer)
        self._process.world.record(Named, by=self._process.name, ref=self._ref, revision=named.revision)
        return named

    async def completed(self, revision: str, *, deadline: float) -> None:  # noqa: ARG002 - the port's
        about = {"by": self._process.name, "ref": self._ref, "revision": revision}
        await self._process.calls.make(REVISIONS, "complete", lambda: self._process.world.record(Announced, **about))
