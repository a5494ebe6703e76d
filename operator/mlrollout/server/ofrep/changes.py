"""The version of where all rollouts stand, and waiting for the next one."""

import asyncio
from collections.abc import Callable

from aiohttp import web

from mlrollout.assignment import State
from mlrollout.server.rollouts import Rollouts

from .evaluation import tag


class Changes:
    """Knows the version of where all rollouts stand, and wakes those who wait for another one.

    Who waits keeps the version they have seen; nothing is queued for anybody. So whoever is slow misses what came
    between, which says nothing that the last does not, and holds nobody up.

    Args:
        rollouts: Those whose changes count.
    """

    def __init__(self, rollouts: Rollouts) -> None:
        self._rollouts = rollouts
        self._changed = asyncio.Event()
        self._ends: list[Callable[[], None]] = []
        self.version = self._now()
        self.closed = False

    def begin(self) -> None:
        """Begin to listen, in the running loop."""
        loop = asyncio.get_running_loop()

        def heard(_state: State) -> None:  # in the thread that follows Redis
            loop.call_soon_threadsafe(self._look)

        self._ends = [served.rollout.on_change(heard) for served in self._rollouts.values()]
        self._look()

    def close(self) -> None:
        """Wake everybody who waits; nobody waits any more after that."""
        for end in self._ends:
            end()
        self.closed = True
        self._changed.set()

    async def other_than(self, seen: str, within: float) -> bool:
        """Wait for another version than `seen`; whether there was one in so many seconds, or the end."""
        try:
            async with asyncio.timeout(within):
                while self.version == seen and not self.closed:
                    await self._changed.wait()
        except TimeoutError:
            return False
        return True

    def _look(self) -> None:
        version = self._now()
        if version != self.version:
            self.version = version
            self._changed.set()
            self._changed = asyncio.Event()

    def _now(self) -> str:
        """The version: the same in every process that knows the same of all rollouts."""
        return tag([_standing(name, self._rollouts[name].rollout.state) for name in sorted(self._rollouts)])


def _standing(name: str, state: State) -> list[object]:
    return [name, state.percentage, state.reason.value, state.record.rank if state.record else None]


CHANGES = web.AppKey("changes", Changes)
