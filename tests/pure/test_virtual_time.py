import asyncio
import math

import pytest

from tests.support import virtual_time
from tests.support.virtual_time import DeadlockError, run


async def _now() -> float:
    return asyncio.get_running_loop().time()


def test_waiting_moves_the_clock_and_costs_nothing() -> None:
    async def main() -> float:
        await asyncio.sleep(14 * 86400)
        return await _now()

    assert run(main()) == 14 * 86400


def test_the_clock_stands_still_while_something_is_ready() -> None:
    async def main() -> float:
        for _ in range(100):
            await asyncio.sleep(0)
        return await _now()

    assert run(main()) == 0


def test_timers_fire_in_their_order_at_their_exact_time() -> None:
    seen = []

    async def after(delay: float) -> None:
        await asyncio.sleep(delay)
        seen.append((delay, await _now()))

    async def main() -> None:
        await asyncio.gather(*(after(delay) for delay in (0.3, 0.1, 1e6, 0.2)))

    run(main())

    assert seen == [(0.1, 0.1), (0.2, 0.2), (0.3, 0.3), (1e6, 1e6)]


def test_a_timeout_cuts_what_never_ends() -> None:
    async def main() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(5):
                await asyncio.Event().wait()
        return await _now()

    assert run(main()) == 5


def test_where_nothing_can_wake_anybody_it_says_who_waits() -> None:
    async def wait_for_ever() -> None:
        await asyncio.Event().wait()

    with pytest.raises(DeadlockError, match="wait_for_ever"):
        run(wait_for_ever())


def test_cleaning_up_after_a_deadlock_still_runs() -> None:
    cleaned = []

    async def main() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(1)
            cleaned.append(await _now())

    with pytest.raises(DeadlockError):
        run(main())
    assert cleaned == [1]


def test_threads_are_done_at_once() -> None:
    async def main() -> tuple[int, float]:
        return await asyncio.to_thread(lambda: 42), await _now()

    assert run(main()) == (42, 0)


def test_an_error_in_a_thread_reaches_who_awaits_it() -> None:
    async def main() -> None:
        await asyncio.to_thread(int, "x")

    with pytest.raises(ValueError, match="invalid literal"):
        run(main())


def test_sets_of_tasks_keep_the_order_in_which_they_were_made() -> None:
    async def main() -> list[str]:
        tasks = {asyncio.create_task(asyncio.sleep(1), name=str(number)) for number in range(50)}
        done, _ = await asyncio.wait(tasks)
        return [task.get_name() for task in done]

    assert run(main()) == [str(number) for number in range(50)]


def test_waits_as_short_as_the_clock_can_tell_end_where_something_is_always_ready() -> None:
    """Those that ended a little early were begun anew for ever: found by the simulated schedule 1000040237."""

    async def wait(until: float) -> float:
        while await _now() < until:  # noqa: ASYNC110 - it is the clock that is waited for
            await asyncio.sleep(until - await _now())
        return await _now() - until

    async def main() -> list[float]:
        await asyncio.sleep(2.7)
        until = math.nextafter(await _now(), math.inf)
        first = asyncio.ensure_future(wait(until))
        for _ in range(2):
            await asyncio.sleep(0)  # so that each wakes while the other is ready
        return [await wait(until), await first]

    assert run(main()) == [0, 0]


def test_a_moment_without_an_end_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(virtual_time, "MOST_AT_ONCE", 1000)

    async def main() -> None:
        await asyncio.sleep(3.5)
        while True:  # noqa: ASYNC110 - it never ends
            await asyncio.sleep(0)

    with pytest.raises(DeadlockError, match=r"the moment at 3\.5 s does not end"):
        run(main())
