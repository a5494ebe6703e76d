"""Processes that contend for one lease."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from mlrollout.runtime.leadership import TERMS, Leadership, Terms

from tests.support.leases import Link, MemoryLease

TAKEOVER = TERMS.duration + 2 * 1.2 * TERMS.retry
"""Longest silence after a crash: the lease's duration, a look that just missed the last renewal, and the next one."""


@dataclass
class WallClock:
    offset: float = 1_700_000_000
    frozen: bool = False

    def now(self) -> float:
        return self.offset if self.frozen else self.offset + asyncio.get_running_loop().time()


@dataclass
class Contender:
    """An operator: its leadership, its link, and what it was told."""

    name: str
    link: Link
    clock: WallClock = field(default_factory=WallClock)
    seed: int = 0
    heard: list[tuple[float, bool]] = field(default_factory=list)

    def __post_init__(self) -> None:
        rate = self.link.rate
        terms = Terms(TERMS.duration / rate, TERMS.deadline / rate, TERMS.retry / rate, TERMS.patience / rate)
        self.leadership = Leadership(
            self.link,
            self.name,
            self.clock,
            self._hear,
            terms=terms,
            jitter=random.Random(self.seed).random,  # noqa: S311 - repeatable
        )

    @property
    def leads(self) -> bool:
        return self.leadership.leads

    def start(self) -> None:
        self.task = asyncio.create_task(self.leadership.run())

    async def stop(self) -> None:
        self.task.cancel()
        with suppress(asyncio.CancelledError):
            await self.task

    async def crash(self) -> None:
        self.link.refused = "dead"
        await self.stop()

    def _hear(self, leads: bool) -> None:  # noqa: FBT001 - the callback's form
        self.heard.append((asyncio.get_running_loop().time(), leads))


@asynccontextmanager
async def started(*contenders: Contender) -> AsyncIterator[None]:
    for contender in contenders:
        contender.start()
    yield
    for contender in contenders:
        await contender.stop()


async def leader(*contenders: Contender, within: float = 60) -> Contender:
    async with asyncio.timeout(within):
        while True:
            for contender in contenders:
                if contender.leads:
                    return contender
            await asyncio.sleep(0.01)


def contenders(count: int, lease: MemoryLease) -> list[Contender]:
    return [Contender(f"op-{number}", Link(lease), seed=number) for number in range(count)]


def now() -> float:
    return asyncio.get_running_loop().time()
