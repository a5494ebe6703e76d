"""Parts of a process: none that ends, for whatever reason, ends another."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest
from mlrollout.runtime.parts import LONGEST_PAUSE, keep
from structlog.testing import capture_logs

from tests.support.virtual_time import virtual


async def _fails() -> None:
    raise RuntimeError("it broke")


async def _returns() -> None:
    await asyncio.sleep(0)


async def _is_cancelled_inside() -> None:
    inner = asyncio.create_task(asyncio.sleep(1))
    inner.cancel()
    await inner


@pytest.mark.parametrize("ends", [_fails, _returns, _is_cancelled_inside])
def test_a_part_that_ends_is_begun_anew_and_the_others_go_on(ends: Callable[[], Awaitable[None]]) -> None:
    begun: list[float] = []
    told: list[str] = []
    works = 0

    async def ends_always() -> None:
        begun.append(asyncio.get_running_loop().time())
        await ends()

    async def lasts() -> None:
        nonlocal works
        works += 1
        await asyncio.Event().wait()

    @virtual
    async def main() -> None:
        with capture_logs() as logs:
            keeping = asyncio.create_task(keep({"weak": ends_always, "strong": lasts}, told.append))
            await asyncio.sleep(600)
            assert not keeping.done()
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
        assert {line["part"] for line in logs} == {"weak"}

    main()
    pauses = [later - earlier for earlier, later in itertools.pairwise(begun)]
    assert pauses == sorted(pauses)
    assert pauses[0] < 1
    assert pauses[-1] == LONGEST_PAUSE
    assert set(told) == {"weak"}
    assert works == 1


@virtual
async def test_a_part_that_worked_for_long_is_begun_anew_at_once() -> None:
    begun: list[float] = []

    async def lasts_an_hour() -> None:
        begun.append(asyncio.get_running_loop().time())
        await asyncio.sleep(3600)
        raise RuntimeError("it broke")

    with capture_logs():
        keeping = asyncio.create_task(keep({"part": lasts_an_hour}, lambda _: None))
        await asyncio.sleep(3 * 3600 + 60)
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
    assert [later - earlier for earlier, later in itertools.pairwise(begun)] == [3600.5, 3600.5, 3600.5]


@virtual
async def test_cancelling_ends_every_part() -> None:
    ended: list[str] = []

    def part(name: str) -> Callable[[], Awaitable[None]]:
        async def work() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                ended.append(name)

        return work

    keeping = asyncio.create_task(keep({"one": part("one"), "two": part("two")}, lambda _: None))
    await asyncio.sleep(1)
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    assert sorted(ended) == ["one", "two"]


@pytest.mark.parametrize("ends", [_fails, _returns])
@virtual
async def test_a_part_that_makes_something_else_of_being_cancelled_is_not_begun_anew(
    ends: Callable[[], Awaitable[None]],
) -> None:
    async def goes_its_own_way() -> None:
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        await ends()

    keeping = asyncio.create_task(keep({"stubborn": goes_its_own_way}, lambda _: None))
    await asyncio.sleep(1)
    keeping.cancel()
    async with asyncio.timeout(1):
        await asyncio.gather(keeping, return_exceptions=True)
    assert keeping.cancelled()
