import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
import structlog
from mlrollout.ports import PortError, Ref
from mlrollout.runtime.queue import FIRST_DELAY, LONGEST_DELAY, Queue
from structlog.testing import capture_logs

from tests.support.virtual_time import virtual

ONE, OTHER = Ref("dispatch", "one"), Ref("dispatch", "other")
RESYNC = 60.0
Answer = float | Exception | Callable[[], Awaitable[float | None]] | None


@dataclass
class Handler:
    """Notes when each key was handled; answers what it is told, by the number of the call to the key."""

    answers: dict[Ref, list[Answer]] = field(default_factory=dict)
    always: dict[Ref, Answer] = field(default_factory=dict)
    calls: list[tuple[float, Ref]] = field(default_factory=list)

    async def __call__(self, ref: Ref) -> float | None:
        self.calls.append((asyncio.get_running_loop().time(), ref))
        answers = self.answers.get(ref)
        answer = answers.pop(0) if answers else self.always.get(ref)
        if isinstance(answer, Exception):
            raise answer
        return await answer() if callable(answer) else answer

    def times(self, ref: Ref) -> list[float]:
        return [at for at, handled in self.calls if handled == ref]

    def waits(self, ref: Ref) -> list[float]:
        times = self.times(ref)
        return [later - earlier for earlier, later in pairwise(times)]


@asynccontextmanager
async def running(handler: Handler, *, workers: int = 4) -> AsyncIterator[Queue]:
    queue = Queue(handler, workers=workers, resync=RESYNC, seed=1)
    task = asyncio.create_task(queue.run())
    yield queue
    assert not task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def lasting(seconds: float) -> Callable[[], Awaitable[None]]:
    async def wait() -> None:
        await asyncio.sleep(seconds)

    return wait


@virtual
async def test_a_key_added_often_before_its_turn_is_handled_once() -> None:
    handler = Handler()
    async with running(handler) as queue:
        for _ in range(5):
            queue.add(ONE)
        assert queue.depth == 1
        await asyncio.sleep(1)
        assert handler.times(ONE) == [0]
        assert queue.depth == 0


@virtual
async def test_a_key_added_while_it_is_handled_is_handled_once_more_afterwards() -> None:
    handler = Handler({ONE: [lasting(10)]})
    async with running(handler) as queue:
        queue.add(ONE)
        await asyncio.sleep(1)
        for _ in range(5):
            queue.add(ONE)
        await asyncio.sleep(20)
        assert handler.times(ONE) == [0, 10]


@virtual
async def test_keys_are_handled_side_by_side_but_no_more_than_there_are_workers() -> None:
    refs = [Ref("dispatch", str(number)) for number in range(3)]
    handler = Handler({ref: [lasting(10)] for ref in refs})
    async with running(handler, workers=2) as queue:
        for ref in refs:
            queue.add(ref)
        await asyncio.sleep(15)
        assert handler.calls == [(0, refs[0]), (0, refs[1]), (10, refs[2])]


@virtual
async def test_a_key_comes_back_after_the_delay_it_asked_for() -> None:
    handler = Handler({ONE: [5.0]})
    async with running(handler) as queue:
        queue.add(ONE)
        await asyncio.sleep(10)
        assert handler.times(ONE) == [0, 5]


@pytest.mark.parametrize("asked", [None, 14 * 24 * 3600.0])
@virtual
async def test_every_key_comes_back_after_the_resync_whatever_it_asked_for(asked: float | None) -> None:
    handler = Handler(always={ONE: asked})
    async with running(handler) as queue:
        queue.add(ONE)
        await asyncio.sleep(10 * RESYNC)
        waits = handler.waits(ONE)
        assert len(waits) >= 8
        assert all(0.8 * RESYNC <= wait <= 1.2 * RESYNC for wait in waits)
        assert len(set(waits)) > 1  # or a thousand objects would come back at once


@virtual
async def test_a_key_that_is_brought_sooner_keeps_the_later_turn_it_asked_for() -> None:
    handler = Handler({ONE: [5.0, 30.0]})
    async with running(handler) as queue:
        queue.add(ONE)
        await asyncio.sleep(2)
        queue.add(ONE)
        await asyncio.sleep(10)
        assert handler.times(ONE) == [0, 2, 5]


@pytest.mark.parametrize("error", [PortError("down"), ValueError("a mistake")])
@virtual
async def test_what_fails_is_tried_again_with_a_growing_delay(error: Exception) -> None:
    handler = Handler(always={ONE: error})
    async with running(handler) as queue:
        queue.add(ONE)
        await asyncio.sleep(300)
        waits = handler.waits(ONE)
        for number, wait in enumerate(waits):
            wanted = min(LONGEST_DELAY, FIRST_DELAY * 2**number)
            assert 0.8 * wanted <= wait <= 1.2 * wanted
        assert len(waits) > 20


@virtual
async def test_success_forgets_the_failures_before_it() -> None:
    handler = Handler({ONE: [PortError("down")] * 6 + [0.0, PortError("down")]})
    async with running(handler) as queue:
        queue.add(ONE)
        await asyncio.sleep(10)
        assert handler.waits(ONE)[-1] <= 1.2 * FIRST_DELAY


@virtual
async def test_an_outage_of_days_ends_nothing() -> None:
    """Looks bring the key back again and again, so the failures are many."""
    handler = Handler(always={ONE: PortError("down")})
    async with running(handler) as queue:
        for _ in range(3000):
            queue.add(ONE)
            await asyncio.sleep(0.01)
        queue.add(OTHER)
        await asyncio.sleep(1)
        assert handler.times(OTHER)


@virtual
async def test_a_key_that_hangs_or_fails_does_not_hold_up_the_others() -> None:
    bad = Ref("dispatch", "bad")
    handler = Handler(always={ONE: lasting(1e6), bad: ValueError("a mistake"), OTHER: 1.0})
    async with running(handler) as queue:
        for ref in (ONE, bad, OTHER):
            queue.add(ref)
        await asyncio.sleep(9.5)
        assert handler.waits(OTHER) == [1.0] * 9


@virtual
async def test_a_forgotten_key_does_not_come_back() -> None:
    """Neither the one that waits nor the one that is being handled."""
    handler = Handler({ONE: [5.0], OTHER: [lasting(3)]})
    async with running(handler) as queue:
        queue.add(ONE)
        queue.add(OTHER)
        await asyncio.sleep(1)
        queue.forget(ONE)
        queue.add(OTHER)
        queue.forget(OTHER)
        await asyncio.sleep(10 * RESYNC)
        assert (handler.times(ONE), handler.times(OTHER)) == ([0], [0])
        queue.add(ONE)
        await asyncio.sleep(2 * RESYNC)
        assert len(handler.times(ONE)) > 2


@virtual
async def test_what_goes_on_failing_is_told_ever_more_seldom() -> None:
    handler = Handler(always={ONE: PortError("Redis is down"), OTHER: ValueError("a mistake")})
    with capture_logs([structlog.processors.format_exc_info]) as logs:
        async with running(handler) as queue:
            queue.add(ONE)
            queue.add(OTHER)
            await asyncio.sleep(3600)
    assert len(handler.times(ONE)) > 200
    told = [entry for entry in logs if entry["object"] == str(ONE)]
    assert [entry["failures"] for entry in told] == [1, 2, 4, 8, 16, 32, 64, 128]
    assert all(entry["error"] == "Redis is down" for entry in told)
    assert all("a mistake" in entry["exception"] for entry in logs if entry["object"] == str(OTHER))


@virtual
async def test_at_its_end_it_leaves_no_timer() -> None:
    handler = Handler({ONE: [5.0]})
    async with running(handler) as queue:
        queue.add(ONE)
        await asyncio.sleep(1)
    await asyncio.sleep(10)
    assert handler.times(ONE) == [0]
