"""Refusals and bugs are survived, and fill no log."""

import asyncio

from mlrollout.ports import Lease
from mlrollout.runtime.leadership import Leadership
from structlog.testing import capture_logs

from tests.pure.leadership.contenders import Contender, WallClock, contenders, leader, started
from tests.support.leases import Link, MemoryLease
from tests.support.virtual_time import run


def test_without_the_right_to_the_lease_it_never_leads_and_complains_once_a_minute() -> None:
    one = Contender("one", Link(MemoryLease(), refused="403 Forbidden: grant it"))

    async def main() -> None:
        async with started(one):
            await asyncio.sleep(600)
            assert not one.leads
            one.link.refused = ""
            await leader(one, within=2)

    with capture_logs() as lines:
        run(main())
    said = [line for line in lines if "can't be settled" in line["event"]]

    assert 8 <= len(said) <= 11
    assert said[0]["cause"] == "403 Forbidden: grant it"


def test_a_bug_in_the_store_is_survived() -> None:
    class Broken(Link):
        async def read(self) -> Lease | None:
            raise KeyError("spec")

    async def main() -> None:
        running = asyncio.create_task(Leadership(Broken(MemoryLease()), "one", WallClock(), print).run())
        await asyncio.sleep(30)
        assert not running.done()

    with capture_logs() as lines:
        run(main())
    assert lines[0]["cause"] == "an unexpected KeyError"


def test_flapping_calls_do_not_flood_the_log() -> None:
    one, two = contenders(2, MemoryLease())

    async def main() -> None:
        async with started(one, two):
            for number in range(600):
                two.link.refused = "503" if number % 2 else ""
                await asyncio.sleep(1)

    with capture_logs() as lines:
        run(main())
    assert len(lines) < 20
