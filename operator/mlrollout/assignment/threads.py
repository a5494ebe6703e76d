"""Calls that are waited for only so long, each in a thread of a bounded pool."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import copy_context
from queue import SimpleQueue
from typing import Any, TypeVar
from weakref import finalize

from .forks import begin_here, begin_in_children

T = TypeVar("T")
CallQueue = SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None]
"""`None` ends the threads: each hands it on to the next."""


class Threads:
    """A pool of threads without a queue: a call begins at once, or is refused at once.

    The standard library's pool queues calls behind those that hang, and waits for these when the process
    ends; here the threads are daemons.

    Args:
        most: How many calls may run at once. One that was given up runs on, and counts until it ends.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self.begin()
        begin_in_children(self)

    def begin(self) -> None:
        """Begin without any threads."""
        self._started = 0
        self._starting = threading.Lock()
        self._idle = threading.Semaphore(0)
        """Counts the threads that wait for a call."""
        self._calls: CallQueue = SimpleQueue()
        finalize(self, self._calls.put, None).atexit = False  # or its idle threads would wait for good

    def run(self, call: Callable[[], T], timeout: float) -> T:
        """Call it in a thread, and wait for its answer.

        Args:
            call: Is called with the context variables of the caller.
            timeout: Seconds to wait for it at most.

        Raises:
            TimeoutError: It has not answered in time, or every thread still runs an earlier call.
            BaseException: What the call itself raises.
        """
        self._ensure_thread()
        answer: Future[T] = Future()
        context = copy_context()
        self._calls.put((answer, lambda: context.run(call)))
        try:
            return answer.result(timeout)
        finally:
            answer.cancel()  # which only matters where it has not begun yet
            del answer  # an exception keeps this frame alive: with its answer in it, each would keep the other

    def _ensure_thread(self) -> None:
        begin_here()  # or it would count on threads of the process that this one was forked from
        if self._idle.acquire(blocking=False):
            return
        with self._starting:
            if self._started == self._most:
                raise TimeoutError(f"each of the {self._most} threads still runs an earlier call")
            thread = threading.Thread(target=_work, args=(self._calls, self._idle), name="mlrollout path", daemon=True)
            thread.start()
            self._started += 1


def _work(calls: CallQueue, idle: threading.Semaphore) -> None:
    while (call := calls.get()) is not None:
        _answer(*call, idle)
        del call  # so that no thread keeps its last answer alive
    calls.put(None)


def _answer(answer: Future[Any], call: Callable[[], Any], idle: threading.Semaphore) -> None:
    if not answer.set_running_or_notify_cancel():
        idle.release()
        return
    # Idle first: whoever has its answer and calls again at once must not be refused.
    try:
        found = call()
    except BaseException as error:  # noqa: BLE001 - the caller's to judge
        idle.release()
        answer.set_exception(error)
        del answer  # likewise
    else:
        idle.release()
        answer.set_result(found)
