"""What a dashboard's tests stand on: a cluster in memory, a Prometheus that counts, and what a page hears."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientResponse
from mlrollout.evidence.answer import Answer
from mlrollout.ports import Object, ObjectsError, Ref

from tests.support import dispatch

PATH = "/dashboard/api/stream"
SECONDS = 10.0


@dataclass
class InMemory:
    """A cluster whose objects the test sets."""

    objects: dict[Ref, dict[str, Any]] = field(default_factory=dict)
    lists: int = 0
    watches: int = 0
    broken: str = ""
    fails: ObjectsError | None = None
    unread: ObjectsError | None = None
    asked: list[str] = field(default_factory=list)
    answers: dict[str, Any] = field(default_factory=dict)
    now: float = dispatch.NOW
    namespaces: tuple[str, ...] | None = None
    _events: list[asyncio.Queue[tuple[str, Object]]] = field(default_factory=list)
    _version: int = 0

    def put(self, name: str, state: str = "second stage", namespace: str = "dispatch") -> None:
        self._version += 1
        found = dispatch.rollouts()[state]
        metadata = {
            **found["metadata"],
            "name": name,
            "namespace": namespace,
            "uid": f"uid-{name}",
            "resourceVersion": str(self._version),
        }
        self.objects[Ref(namespace, name)] = {**found, "metadata": metadata}
        self._tell("MODIFIED", self.objects[Ref(namespace, name)])

    def remove(self, name: str, namespace: str = "dispatch") -> None:
        self._tell("DELETED", self.objects.pop(Ref(namespace, name)))

    def end_watches(self, kind: str = "") -> None:
        self._tell(kind or "END", {})

    def _tell(self, kind: str, found: Object) -> None:
        for queue in self._events:
            queue.put_nowait((kind, found))

    async def list(self) -> tuple[Sequence[Object], str]:
        self.lists += 1
        if self.broken:
            raise ObjectsError(self.broken)
        return list(self.objects.values()), str(self._version)

    async def changes(self, version: str) -> AsyncIterator[tuple[str, Object]]:
        del version
        self.watches += 1
        queue: asyncio.Queue[tuple[str, Object]] = asyncio.Queue()
        self._events.append(queue)
        try:
            yield "", {}
            while (event := await queue.get())[0] != "END":
                yield event
        finally:
            self._events.remove(queue)

    async def read(self, ref: Ref) -> Object:
        if self.unread is not None:
            raise self.unread
        return self.objects[ref]

    async def ask(self, ref: Ref, verb: str, why: str, *, version: str = "") -> Object:
        del why, version
        self.asked.append(verb)
        if self.fails is not None:
            raise self.fails
        asked = self.objects[ref]
        if self.answers:
            self.put(ref.name)
            found = self.objects[ref]
            history = [*found["status"]["history"], self.answers]
            self.objects[ref] = {**found, "status": {**found["status"], "history": history}}
            self._tell("MODIFIED", self.objects[ref])
        return asked


class Counted:
    """A Prometheus that knows nothing, and counts how often it is asked."""

    def __init__(self) -> None:
        self.queries: list[str] = []

    async def over(self, promql: str, first: int, last: int, step: int, *, deadline: float) -> Answer:
        del first, last, step, deadline
        self.queries.append(promql)
        return Answer((), kind="matrix")


@dataclass
class Heard:
    """What one page hears."""

    response: ClientResponse

    async def next(self) -> tuple[str, Any]:
        """The next event."""
        name, data = "", ""
        async with asyncio.timeout(SECONDS):
            async for line in self.response.content:
                key, _, value = line.decode().rstrip("\n").partition(": ")
                if key == "event":
                    name = value
                elif key == "data":
                    data = value
                elif not key and data:
                    return name, json.loads(data)
        raise EOFError

    async def until(self, name: str, condition: Callable[[Any], object] = lambda _: True) -> Any:
        while True:
            event, data = await self.next()
            if event == name and condition(data):
                return data

    async def rest(self) -> list[str]:
        """The names of the events that are yet to come, up to the end."""
        names: list[str] = []
        with suppress(EOFError):
            while True:
                names.append((await self.next())[0])
        return names

    async def ended(self) -> bool:
        await self.rest()
        return True


async def so(condition: Callable[[], object]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(SECONDS):
        while not condition():  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.005)
