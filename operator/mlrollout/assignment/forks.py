"""Forks: a child has none of its parent's threads, but their locks as they were held, and half of what they did.

Where a thread is importing a module at the moment of a fork, that module stays half loaded in the child for good (seen
with `encodings.idna`: every request of a forked worker then failed). So a fork waits until our threads rest.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from types import TracebackType
from typing import Protocol
from weakref import WeakSet

FORK_WITHIN = 3.0
"""Seconds for which a fork waits at most."""


class Forkable(Protocol):
    """Something with threads, locks or a file that belong to one process."""

    def begin(self) -> None:
        """Make the threads, locks and files of this process; called again in each forked child."""


class Work:
    """The work of one of our threads: no fork takes place inside its `with` block, except in `rest`."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        _at_work.add(self)

    def __enter__(self) -> None:
        self.lock.acquire()

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self.lock.release()

    @contextmanager
    def rest(self) -> Iterator[None]:
        """Let forks take place in this block: the thread waits for something there."""
        self.lock.release()
        try:
            yield
        finally:
            self.lock.acquire()


_living: WeakSet[Forkable] = WeakSet()
_at_work: WeakSet[Work] = WeakSet()
_stopped = threading.local()


def begin_in_children(one: Forkable) -> None:
    """Call its `begin` in every process that is forked from this one, for as long as it lives."""
    _living.add(one)


def _stop_work() -> None:
    ends = monotonic() + FORK_WITHIN
    held = [work.lock for work in tuple(_at_work) if work.lock.acquire(timeout=max(0.0, ends - monotonic()))]
    _stopped.held = held


def _go_on() -> None:
    for lock in _stopped.held:
        lock.release()
    _stopped.held = []


def _begin() -> None:
    _go_on()
    for one in tuple(_living):
        one.begin()


os.register_at_fork(before=_stop_work, after_in_parent=_go_on, after_in_child=_begin)
