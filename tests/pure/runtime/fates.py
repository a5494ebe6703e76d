"""What becomes of a call to the world: it takes place, fails, is lost, or is held until a test lets it go."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any

from mlrollout.ports import ObjectsError, TrafficError

Act = Callable[[], Any]
Fate = Callable[[Act], Awaitable[Any]]
"""What becomes of a call: it does the act, or not, and waits before or after."""


class Fates:
    """What becomes of calls, by their name; each fate is for one call, but for `always`."""

    def __init__(self, *calls: str) -> None:
        self.next: dict[str, list[Fate]] = {call: [] for call in calls}
        self.always: dict[str, Fate] = {}
        self.count: defaultdict[str, int] = defaultdict(int)

    async def meet(self, name: str, act: Act) -> Any:
        assert self.always.keys() <= self.next.keys(), "a fate for a call that there is not"
        self.count[name] += 1
        await asyncio.sleep(0)
        if self.next[name]:
            return await self.next[name].pop(0)(act)
        if name in self.always:
            return await self.always[name](act)
        return act()


async def for_ever(_: Act) -> Any:
    """It neither takes place nor is answered."""
    await asyncio.Event().wait()


def failing(error: Exception) -> Fate:
    async def fate(_: Act) -> Any:
        raise error

    return fate


def losing(error: Exception) -> Fate:
    """It takes place, and the answer never comes."""

    async def fate(act: Act) -> Any:
        act()
        raise error

    return fate


class Held:
    """A call that takes place at once, or once it may, and whose answer waits until it is let go."""

    def __init__(self, *, before: bool = False) -> None:
        self.reached = asyncio.Event()
        self.go = asyncio.Event()
        self._before = before

    async def __call__(self, act: Act) -> Any:
        if self._before:
            self.reached.set()
            await self.go.wait()
            return act()
        try:
            return act()
        finally:
            self.reached.set()
            await self.go.wait()


API_DOWN = ObjectsError("the API server does not answer")
REDIS_DOWN = TrafficError("Redis does not answer")
