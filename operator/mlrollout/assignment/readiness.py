"""Waiting until Redis has been read: in threads, and in asyncio without one."""

import asyncio
import threading
from contextlib import suppress

_Waiter = tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]


class Readiness:
    """Whether something is there; who waits for that is woken when it is, or when it never will be.

    No waiter of asyncio holds a thread: one that nobody wakes would keep the whole loop from ending.
    """

    def __init__(self) -> None:
        self.ready = False
        """Whether it is there."""
        self._over = threading.Event()
        self._changing = threading.Lock()
        self._waiters: set[_Waiter] = set()

    def set(self) -> None:
        """It is there."""
        self.ready = True
        self.close()

    def close(self) -> None:
        """Nothing more is to be waited for."""
        with self._changing:
            self._over.set()
            waiters, self._waiters = self._waiters, set()
        for loop, woken in waiters:
            with suppress(RuntimeError):  # the loop is closed: whoever waited is gone
                loop.call_soon_threadsafe(_wake, woken)

    def wait(self, timeout: float | None) -> bool:
        """Wait so many seconds at most; `None` for no end. Answers whether it is there."""
        self._over.wait(timeout)
        return self.ready

    async def wait_async(self, timeout: float | None) -> bool:  # noqa: ASYNC109 - as without asyncio
        """Likewise, in a task: a cancellation ends it at once."""
        loop = asyncio.get_running_loop()
        waiter = loop, loop.create_future()
        with self._changing:
            if self._over.is_set():
                return self.ready
            self._waiters.add(waiter)
        try:
            await asyncio.wait([waiter[1]], timeout=timeout)
        finally:
            with self._changing:
                self._waiters.discard(waiter)
        return self.ready


def _wake(woken: asyncio.Future[None]) -> None:
    if not woken.done():
        woken.set_result(None)
