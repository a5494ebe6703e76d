"""An event loop whose clock jumps: waiting costs nothing, and the same program runs the same way each time.

There is no I/O on it. Where nothing is ready the clock jumps to the next timer; where there is no
timer either, nobody can ever wake anybody, and that is an error rather than a hang. So is a moment without an end.
"""

import asyncio
import functools
import itertools
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn, ParamSpec, TypeVar, TypeVarTuple, Unpack

P = ParamSpec("P")
T = TypeVar("T")
Ts = TypeVarTuple("Ts")


MOST_AT_ONCE = 1_000_000
"""Rounds of the loop in one moment: where there are more, somebody waits for a time that never comes."""


class DeadlockError(AssertionError):
    """Every task waits, and nothing is left that could wake one; or some never wait."""


class _Task(asyncio.Task[Any]):
    """A task whose place in a set depends on when it was made, not on where in memory it lies."""

    def __init__(self, *arguments: Any, number: int, **options: Any) -> None:
        self._number = number
        super().__init__(*arguments, **options)

    def __hash__(self) -> int:
        return self._number


class VirtualTimeLoop(asyncio.BaseEventLoop):
    """Starts at time 0. What is handed to threads is done at once, in the loop's own thread."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0
        self._rounds = 0  # in this moment
        self._selector = self  # the base class asks it for I/O when it has nothing to run
        numbers = itertools.count()
        self.set_task_factory(lambda loop, coro, **options: _Task(coro, loop=loop, number=next(numbers), **options))

    def time(self) -> float:
        return self._now

    def select(self, timeout: float | None) -> list[Any]:
        """Jump to the next timer; `timeout` is 0 where something is ready."""
        if timeout is None:
            self._deadlock()
        self._rounds += 1
        timers = self._scheduled  # type: ignore[attr-defined]  # the base class's heap of them
        # The base class runs what is due within a nanosecond at once, also while something is ready. Whoever then
        # looked at a clock that had not moved would wait on, for ever.
        soon = self._now + self._clock_resolution  # type: ignore[attr-defined]  # likewise
        if timers and (timeout > 0 or self._now < timers[0].when() < soon):
            self._now = timers[0].when()
            self._rounds = 0
        if self._rounds > MOST_AT_ONCE:
            self._rounds = 0  # what is cancelled now may end
            raise DeadlockError(f"the moment at {self._now!r} s does not end")
        return []

    def stand_still(self, seconds: float) -> None:
        """What `stand_still` below does."""
        self._now += seconds

    def _process_events(self, events: list[Any]) -> None:
        pass

    def _write_to_self(self) -> None:
        pass

    def run_in_executor(self, _: Any, func: Callable[[Unpack[Ts]], T], *args: *Ts) -> asyncio.Future[T]:
        done: asyncio.Future[T] = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - it belongs to whoever awaits
            done.set_exception(error)
        return done

    def _deadlock(self) -> NoReturn:
        waiting = sorted(repr(task.get_coro()) for task in asyncio.all_tasks(self))
        raise DeadlockError(f"at {self._now:g} s nothing can wake: " + "; ".join(waiting))


def run(main: Coroutine[Any, Any, T]) -> T:
    """`asyncio.run` on virtual time."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main)


def stand_still(seconds: float) -> None:
    """Let time pass in which nothing runs, as in a process that is stopped."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualTimeLoop)
    loop.stand_still(seconds)


def virtual(test: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, T]:
    """A test that is a coroutine, on virtual time."""

    @functools.wraps(test)
    def on_virtual_time(*arguments: P.args, **named: P.kwargs) -> T:
        return run(test(*arguments, **named))

    return on_virtual_time
