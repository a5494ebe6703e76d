"""Delivering to a receiver that may fail, hang or be away."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import structlog

from mlrollout.ports import PortError

from .loop_time import loop_time
from .tracked import TrackedObject

log = structlog.get_logger(__name__)

GIVEN_UP_AFTER = 600.0
"""Seconds for which an item is tried again; then it is news no more, and what came after it is waiting."""
_LONGEST_WAIT = 60.0

Item = TypeVar("Item")


class Delivery(Generic[Item]):
    """A lane for each object: its items arrive in their order, each is tried again, and no object waits for another's.

    One receiver has one `Delivery`, so that none waits for another receiver either.

    Args:
        deliver: Delivers one item; an error of a port means that it may be tried again. It must not hang for ever.
        at_once: For how many objects at the same time.
    """

    def __init__(self, deliver: Callable[[TrackedObject, Item], Awaitable[None]], *, at_once: int) -> None:
        self._deliver = deliver
        self._turns = asyncio.Semaphore(at_once)
        self._lanes: dict[TrackedObject, deque[tuple[Item, float]]] = {}
        self.tasks: set[asyncio.Task[None]] = set()
        """What is under way."""

    def add(self, tracked: TrackedObject, item: Item) -> None:
        """Have it delivered after what was added before; returns at once."""
        lane = self._lanes.get(tracked)
        until = loop_time() + GIVEN_UP_AFTER
        if lane is not None:
            lane.append((item, until))
            return
        self._lanes[tracked] = lane = deque([(item, until)])
        task = asyncio.create_task(self._run(tracked, lane), name=f"deliver {tracked.ref}")
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _run(self, tracked: TrackedObject, lane: deque[tuple[Item, float]]) -> None:
        loop, failures = asyncio.get_running_loop(), 0
        try:
            while lane:
                item, until = lane[0]
                if await self._try(tracked, item):
                    failures = 0
                elif loop.time() < until:
                    await asyncio.sleep(min(2.0**failures, _LONGEST_WAIT))
                    failures += 1
                    continue
                lane.popleft()
        finally:
            del self._lanes[tracked]

    async def _try(self, tracked: TrackedObject, item: Item) -> bool:
        """Whether it need not be tried again."""
        try:
            async with self._turns:
                await self._deliver(tracked, item)
        except PortError:
            return False
        except Exception:  # an item that can't be delivered must not keep back what comes after it
            log.exception("Unexpected error in a delivery; going on", object=str(tracked.ref))
        return True
