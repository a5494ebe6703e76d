"""Waiting until Redis has been read ends: with the read, the time-out, the cancellation or the rollout."""

import asyncio
import threading
from collections.abc import Iterator
from time import monotonic

import pytest
from mlrollout import Rollout

from tests.components.assignment.place import IN_TIME, KEY, Place, until

NOWHERE = "redis://127.0.0.1:1"


@pytest.fixture
def waiting() -> Iterator[Rollout]:
    with Rollout(KEY, redis=NOWHERE) as rollout:
        yield rollout


async def test_asyncio_waits_for_the_read_and_takes_no_thread(place: Place) -> None:
    place.server.pause()
    with Rollout(KEY, redis=place.server.url) as rollout:
        waits = [asyncio.create_task(rollout.wait_ready_async()) for _ in range(50)]
        await asyncio.sleep(0.1)
        assert not any("asyncio" in thread.name for thread in threading.enumerate())
        place.server.resume()
        async with asyncio.timeout(IN_TIME):
            assert await asyncio.gather(*waits) == [True] * 50
        assert await rollout.wait_ready_async(0)


async def test_a_time_out_ends_it(waiting: Rollout) -> None:
    assert not await waiting.wait_ready_async(0.05)
    assert not await waiting.wait_ready_async(0)
    assert not waiting.wait_ready(0.05)


def test_a_cancelled_start_ends(waiting: Rollout) -> None:
    async def start() -> None:
        await asyncio.wait_for(waiting.wait_ready_async(), 0.05)

    ended = threading.Event()

    def run() -> None:
        with pytest.raises(TimeoutError):
            asyncio.run(start())
        ended.set()

    threading.Thread(target=run, daemon=True).start()
    assert ended.wait(IN_TIME), "asyncio.run ends with the task that was cancelled"


def test_closing_wakes_whoever_waits(waiting: Rollout) -> None:
    found = list[bool]()
    threads = [
        threading.Thread(target=lambda: found.append(waiting.wait_ready()), daemon=True),
        threading.Thread(target=lambda: found.append(asyncio.run(waiting.wait_ready_async())), daemon=True),
    ]
    for thread in threads:
        thread.start()
    waiting.close()
    until(lambda: found == [False, False], "both to wake")

    began = monotonic()
    assert not waiting.wait_ready()
    assert not asyncio.run(waiting.wait_ready_async())
    assert monotonic() - began < 1


def test_a_loop_that_is_gone_harms_nobody(waiting: Rollout) -> None:
    loop = asyncio.new_event_loop()
    task = loop.create_task(waiting.wait_ready_async())
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()

    waiting.close()
    assert not waiting.wait_ready()
    task._log_destroy_pending = False  # type: ignore[attr-defined]  # that nobody awaits it is the point
