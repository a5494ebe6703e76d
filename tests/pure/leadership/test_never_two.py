"""Two never lead at once, whatever fails; searched by seeds."""

import asyncio
import random
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from tests.pure.leadership.contenders import TAKEOVER, Contender, WallClock, now, started
from tests.support.leases import Link, MemoryLease
from tests.support.virtual_time import run


class World:
    """Contenders with bad links, crashes and clocks that differ; at no instant do two lead."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)  # noqa: S311 - repeatable
        self.lease = MemoryLease()
        self.contenders: list[Contender] = []
        self.born = 0
        self.leaders = 0

    def check(self) -> None:
        leading = [contender.name for contender in self.contenders if contender.leads]
        assert len(leading) <= 1, f"at {now():g} s {' and '.join(leading)} lead"
        self.leaders += len(leading)

    def bear(self) -> None:
        """Another operator: any wall clock, and a rate whose extremes differ by less than duration / deadline."""
        self.born += 1
        link = Link(self.lease, rate=self.dice.uniform(0.8, 1.27))
        clock = WallClock(self.dice.uniform(0, 2e9), frozen=self.dice.random() < 0.2)
        self.contenders.append(Contender(f"op-{self.born}", link, clock, seed=self.born))
        self.contenders[-1].start()

    async def hurt(self, contender: Contender) -> None:
        link, dice = contender.link, self.dice
        kind = dice.choice(["slow", "slow back", "stuck", "deaf", "refused", "crash", "stop", "well", "well"])
        link.stuck, link.deaf, link.refused = kind == "stuck", kind == "deaf", "503" if kind == "refused" else ""
        link.there = (lambda: dice.expovariate(1)) if kind == "slow" else lambda: dice.uniform(0, 0.01)
        link.back = (lambda: dice.expovariate(1)) if kind == "slow back" else lambda: dice.uniform(0, 0.01)
        if kind in ("crash", "stop"):
            self.contenders.remove(contender)
            await (contender.crash() if kind == "crash" else contender.stop())
            self.bear()

    def heal(self) -> None:
        for contender in self.contenders:
            contender.link.stuck = contender.link.deaf = False
            contender.link.refused = ""
            contender.link.there = contender.link.back = lambda: 0.01

    async def watch(self) -> None:
        while True:
            self.check()
            await asyncio.sleep(0.02)

    async def live(self, count: int) -> None:
        watching = asyncio.create_task(self.watch())
        for _ in range(count):
            self.bear()
        for _ in range(40):
            await asyncio.sleep(self.dice.expovariate(0.5))
            await self.hurt(self.dice.choice(self.contenders))
        self.heal()
        await asyncio.sleep(2 * TAKEOVER)
        assert [contender.leads for contender in self.contenders].count(True) == 1
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
        for contender in self.contenders:
            await contender.stop()


@given(seed=st.integers(0, 2**32), count=st.integers(2, 3))
@settings(max_examples=40, deadline=None)
def test_two_never_lead_at_once_and_when_the_faults_are_over_one_does(seed: int, count: int) -> None:
    world = World(seed)

    with capture_logs():
        run(world.live(count))

    assert world.leaders > 0


def test_the_search_finds_two_leaders_where_clocks_differ_too_much() -> None:
    async def main() -> None:
        slow, fast = Contender("slow", Link(MemoryLease(), rate=0.5)), None
        fast = Contender("fast", Link(slow.link.lease, rate=1.5))
        async with started(slow):
            await asyncio.sleep(0.5)
            async with started(fast):
                await asyncio.sleep(5)
                slow.link.stuck = True
                world = World(0)
                world.contenders = [slow, fast]
                await world.watch()

    with capture_logs(), pytest.raises(AssertionError, match="slow and fast lead"):
        run(main())
