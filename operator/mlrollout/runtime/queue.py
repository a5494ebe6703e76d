"""The level-triggered queue: a key is put on it, and sooner or later everything about the key is looked at.

Per key one handling at a time; a key added while it is handled is handled once more, however often
it was added. What fails comes back with a growing delay, and every key comes back by itself after
the resync, so that a lost event costs a delay and never a decision.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable

import structlog

from mlrollout.ports import PortError, Ref
from mlrollout.seldom import seldom

log = structlog.get_logger(__name__)

Handler = Callable[[Ref], Awaitable[float | None]]
"""Handles a key; answers with the seconds after which it wants the key again, or `None`."""

FIRST_DELAY = 0.1
"""Seconds, give or take a fifth, until the first failure is tried again; each further one doubles it."""
LONGEST_DELAY = 15.0


class Queue:
    """A queue of keys with delays, run by a bounded number of workers."""

    def __init__(self, handle: Handler, *, workers: int = 32, resync: float = 15.0, seed: int | None = None) -> None:
        """Make a queue.

        Args:
            handle: What to do with a key.
            workers: How many keys are handled at the same time.
            resync: Seconds after which a key comes back when nothing else brings it, give or take a fifth.
            seed: For the jitter; left out, it is not repeatable.
        """
        self._handle = handle
        self._workers = workers
        self._resync = resync
        self._random = random.Random(seed)  # noqa: S311 - jitter is no secret
        self._ready: asyncio.Queue[Ref] = asyncio.Queue()
        self._known: set[Ref] = set()
        self._queued: set[Ref] = set()
        self._running: set[Ref] = set()
        self._again: set[Ref] = set()
        self._timers: dict[Ref, asyncio.TimerHandle] = {}
        self._failures: dict[Ref, int] = {}

    @property
    def depth(self) -> int:
        """How many keys wait for a worker."""
        return len(self._queued)

    @property
    def failing(self) -> frozenset[Ref]:
        """Which keys could not be finished the last time, and come back for that."""
        return frozenset(self._failures)

    def add(self, ref: Ref) -> None:
        """Have the key handled as soon as a worker is free."""
        self._known.add(ref)
        if ref in self._running:
            self._again.add(ref)
        elif ref not in self._queued:
            self._queued.add(ref)
            self._ready.put_nowait(ref)

    def _add_after(self, ref: Ref, delay: float) -> None:
        """Have the key handled after a delay in seconds, unless something brings it sooner."""
        loop = asyncio.get_running_loop()
        timer = self._timers.get(ref)
        if timer is not None:
            if timer.when() <= loop.time() + delay:
                return
            timer.cancel()
        self._timers[ref] = loop.call_later(delay, self._due, ref)

    def _due(self, ref: Ref) -> None:
        self._timers.pop(ref, None)
        self.add(ref)

    def forget(self, ref: Ref) -> None:
        """Let go of a key that no longer exists: by itself it does not come back any more."""
        self._known.discard(ref)
        self._failures.pop(ref, None)
        self._again.discard(ref)
        timer = self._timers.pop(ref, None)
        if timer is not None:
            timer.cancel()

    async def run(self) -> None:
        """Work until cancelled."""
        for ref in tuple(self._known):
            self.add(ref)  # left by a run before this one that ended by itself
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self._workers):
                    group.create_task(self._work())
        finally:
            for timer in self._timers.values():
                timer.cancel()
            self._timers.clear()

    async def _work(self) -> None:
        while True:
            ref = await self._ready.get()
            self._queued.discard(ref)
            self._running.add(ref)
            try:
                await self._once(ref)
            finally:
                self._running.discard(ref)
            if ref in self._again:
                self._again.discard(ref)
                self.add(ref)

    async def _once(self, ref: Ref) -> None:
        try:
            delay = await self._handle(ref)
        except Exception as error:  # noqa: BLE001 - one bad object must never stop the others
            delay = self._fail(ref, error)
        else:
            self._failures.pop(ref, None)
        resync = self._jittered(self._resync)
        if ref in self._known:
            self._add_after(ref, resync if delay is None else min(delay, resync))
        else:
            self._failures.pop(ref, None)

    def _fail(self, ref: Ref, error: Exception) -> float:
        """Note a failure; answers when to try again, in seconds."""
        failures = self._failures[ref] = self._failures.get(ref, 0) + 1
        if seldom(failures):
            if isinstance(error, PortError):
                log.warning("Could not finish; trying again", object=str(ref), error=str(error), failures=failures)
            else:
                log.error("Unexpected error; trying again", object=str(ref), failures=failures, exc_info=error)
        return self._jittered(min(LONGEST_DELAY, FIRST_DELAY * 2.0 ** min(failures - 1, 32)))

    def _jittered(self, seconds: float) -> float:
        return seconds * self._random.uniform(0.8, 1.2)
