"""The way of one process into the world, and the only place where calls go wrong."""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from mlrollout.ports import PortError

from .faults import Fate, Port
from .history import Fault, Unexpected

if TYPE_CHECKING:
    from .process import Process

T = TypeVar("T")

LATENCIES = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.002, 0.02)
"""Seconds that a call may take which nothing befalls."""
LATE = 4.0
"""How many times longer than its caller waits a call may take that takes place late."""
OF_ALL = frozenset({"list", "probe", "watch"})
"""Calls that are about no object in particular, so that nothing untrue can be said about one."""
SPINNING = 300
"""Calls of one process in one second that no sane one makes."""


class Calls:
    """The calls of one process."""

    def __init__(self, process: "Process") -> None:
        self._process = process
        self._world = process.world
        self._faults = process.world.faults
        self.counts: Counter[int] = Counter()
        """How many there were, by the second."""

    async def make(self, port: Port, call: str, act: Callable[[], T]) -> T:
        """Have something take place in the world, if nothing befalls the call.

        Args:
            port: Which part of the world is called.
            call: What for; for people.
            act: What takes place, at one moment.

        Raises:
            PortError: What `act` raises, or the port's own where the call goes wrong.
        """
        await self._awake()
        self._count()
        fate = self._faults.draw(self._process.slot, port, call)
        if fate is Fate.FINE:
            result = act()
            await asyncio.sleep(self._faults.chance.choice(LATENCIES))
        else:
            self._world.record(Fault, by=self._process.name, port=port.name, call=call, fate=fate)
            result = await self._go_wrong(port, call, fate, act)
        await self._awake()
        return result

    async def _awake(self) -> None:
        """Wait while the process stands still; a dead one never gets further."""
        process = self._process
        while (rest := process.frozen_until - self._world.now()) > 0:  # noqa: ASYNC110 - it may be made longer meanwhile
            await asyncio.sleep(rest)
        if not process.alive:
            raise asyncio.CancelledError

    def _count(self) -> None:
        """Stop a process that calls again and again without end."""
        second = int(self._world.now())
        self.counts[second] += 1
        if self.counts[second] > SPINNING:
            self._world.record(Unexpected, by=self._process.name, text=f"more than {SPINNING} calls within a second")
            self._process.stop()
            raise asyncio.CancelledError

    async def _go_wrong(self, port: Port, call: str, fate: Fate, act: Callable[[], T]) -> T:
        wait = self._faults.chance.random() * port.patience
        if fate is Fate.SLOW:
            return await self._slowly(wait, act)
        if fate is Fate.CRASH_BEFORE:
            await self._crash()
        if fate is Fate.LATE:
            self._world.after(wait * LATE, _quietly, act)
        if fate is Fate.LOST:
            act()
        if fate is Fate.CRASH_AFTER:
            act()
            await self._crash()
        await asyncio.sleep(wait)
        if fate is Fate.NONSENSE and call not in OF_ALL:
            raise self._faults.chance.choice(port.untrue)("what the simulated API server says is not true")
        raise port.error(f"the simulated {port.name} fails")

    async def _slowly(self, wait: float, act: Callable[[], T]) -> T:
        await asyncio.sleep(wait / 2)
        await self._awake()
        result = act()
        await asyncio.sleep(wait / 2)
        return result

    async def _crash(self) -> None:
        self._process.crash()
        await self._awake()


def _quietly(act: Callable[[], object]) -> None:
    """Do what nobody waits for any more."""
    with suppress(PortError):
        act()
