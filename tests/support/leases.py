"""A lease in memory with the API server's rules, and the links by which contenders reach it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from mlrollout.ports import ConflictError, Lease, ObjectsError


@dataclass
class MemoryLease:
    """The lease itself: a write needs the standing version, and one that changes nothing makes none."""

    standing: Lease | None = None
    writes: list[Lease] = field(default_factory=list)
    _version: int = 0

    def create(self, lease: Lease) -> Lease:
        if self.standing:
            raise ConflictError("there is one")
        return self._keep(lease)

    def replace(self, lease: Lease) -> Lease:
        if self.standing and self.standing.version != lease.version:
            raise ConflictError("it has changed")
        return self.standing if lease == self.standing else self._keep(lease)

    def _keep(self, lease: Lease) -> Lease:
        self._version += 1
        self.standing = replace(lease, version=str(self._version))
        self.writes.append(self.standing)
        return self.standing


def _at_once() -> float:
    return 0


@dataclass
class Link:
    """One contender's way to the lease, with what can go wrong on it.

    Attributes:
        lease: The lease at its other end.
        rate: How fast the contender's clock runs; its seconds are this much shorter than ours.
        there: Seconds that the next request takes to arrive.
        back: Seconds that the next answer takes to arrive.
        refused: Why every request is refused, where it is.
        stuck: Whether requests never arrive.
        deaf: Whether requests arrive and are done, and their answers never come back.
    """

    lease: MemoryLease
    rate: float = 1.0
    there: Callable[[], float] = _at_once
    back: Callable[[], float] = _at_once
    refused: str = ""
    stuck: bool = False
    deaf: bool = False

    async def read(self) -> Lease | None:
        return await self._trip(lambda: self.lease.standing)

    async def create(self, lease: Lease) -> Lease:
        made = await self._trip(lambda: self.lease.create(self._ours(lease)))
        assert made
        return made

    async def replace(self, lease: Lease) -> Lease:
        made = await self._trip(lambda: self.lease.replace(self._ours(lease)))
        assert made
        return made

    async def _trip(self, act: Callable[[], Lease | None]) -> Lease | None:
        if self.refused:
            raise ObjectsError(self.refused)
        if self.stuck:
            await _never()
        # Who gives up waiting does not call the request back.
        done = await asyncio.shield(asyncio.create_task(self._arrive(act, self.there())))
        if self.deaf:
            await _never()
        await asyncio.sleep(self.back())
        if isinstance(done, ConflictError):
            raise done
        return done and replace(done, duration=done.duration / self.rate)

    async def _arrive(self, act: Callable[[], Lease | None], after: float) -> Lease | ConflictError | None:
        await asyncio.sleep(after)
        try:
            return act()
        except ConflictError as error:
            return error

    def _ours(self, lease: Lease) -> Lease:
        return replace(lease, duration=lease.duration * self.rate)


async def _never() -> None:
    await asyncio.Event().wait()
