"""A path in a thread is waited for only so long, and hanging ones delay nobody."""

import gc
import threading
import weakref
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import suppress
from contextvars import ContextVar
from functools import partial

import pytest
from mlrollout.assignment.threads import Threads

from tests.pure.assignment.calls import World

LONG = 60.0
"""Seconds; never waited out."""
SHORT = 0.001
"""Seconds; waited out."""


@pytest.fixture
def released() -> Iterator[threading.Event]:
    """What hangs waits for this, at most until the test ends."""
    event = threading.Event()
    yield event
    event.set()


def test_what_hangs_is_abandoned_and_legacy_answers(released: threading.Event) -> None:
    world = World()

    def legacy(user_id: str) -> str:
        return f"legacy {user_id}"

    def hanging(user_id: str) -> str:
        released.wait(LONG)
        return f"ml {user_id}"

    assert world.feature(timeout=SHORT)(legacy=legacy)(hanging)("kim") == "legacy kim"
    assert world.outcomes == [("treatment", True, None)]


def test_when_every_thread_hangs_the_next_call_fails_at_once_and_recovers_with_them(released: threading.Event) -> None:
    threads, began = Threads(2), threading.Semaphore(0)

    def hanging() -> None:
        began.release()
        released.wait(LONG)

    for _ in range(2):
        # A thread that is slow to begin finds the call withdrawn, and is idle again: then the next try hangs in it.
        while not began.acquire(blocking=False):
            with pytest.raises(TimeoutError):
                threads.run(hanging, SHORT)
    with pytest.raises(TimeoutError, match="each of the 2 threads still runs an earlier call"):
        threads.run(int, LONG)

    released.set()
    assert _sooner_or_later(threads) == 0


def _sooner_or_later(threads: Threads) -> int:
    while True:
        try:
            return threads.run(int, LONG)
        except TimeoutError:
            threading.Event().wait(SHORT)


def test_one_thread_is_enough_for_calls_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    class Lingering(Future[int]):
        """Keeps its thread busy for a moment when the caller has its answer already."""

        def set_result(self, result: int) -> None:
            super().set_result(result)
            threading.Event().wait(0.05)

    monkeypatch.setattr("mlrollout.assignment.threads.Future", Lingering)
    threads = Threads(1)

    assert [threads.run(partial(abs, number), LONG) for number in range(3)] == [0, 1, 2]


def test_threads_are_used_again() -> None:
    threads = Threads(32)

    assert len({threads.run(threading.get_ident, LONG) for _ in range(50)}) <= 2


def test_as_many_as_there_are_threads_run_at_once() -> None:
    threads, together = Threads(8), threading.Barrier(8)
    answers = list[int]()
    callers = [
        threading.Thread(target=lambda: answers.append(threads.run(lambda: together.wait(LONG), LONG)))
        for _ in range(8)
    ]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()

    assert sorted(answers) == list(range(8))


def test_the_callers_context_goes_with_the_call() -> None:
    request = ContextVar("request", default="")
    request.set("mine")

    assert Threads(1).run(request.get, LONG) == "mine"


def test_the_pool_keeps_no_answer_alive() -> None:
    class Answer:
        pass

    threads = Threads(1)
    answer = weakref.ref(threads.run(Answer, LONG))
    threads.run(int, LONG)
    gc.collect()

    assert answer() is None


def test_a_failure_keeps_nothing_alive_that_only_a_collection_would_free() -> None:
    class Order:
        def fail(self) -> None:
            raise ValueError

    threads, order = Threads(1), Order()
    freed = weakref.ref(order)
    gc.disable()
    try:
        with suppress(ValueError):
            threads.run(order.fail, LONG)
        threads.run(int, LONG)  # what that thread has done is over
        del order
        assert freed() is None
    finally:
        gc.enable()


def test_a_hanging_thread_keeps_no_process_from_ending(released: threading.Event) -> None:
    with pytest.raises(TimeoutError):
        Threads(1).run(lambda: released.wait(LONG), SHORT)

    assert all(thread.daemon for thread in threading.enumerate() if thread.name == "mlrollout path")
