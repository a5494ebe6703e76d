"""Forks: a child has none of its parent's threads, but their locks as they were held, and half of what they did.

Where a thread is importing a module at the moment of a fork, that module stays half loaded in the child for good (seen
with `encodings.idna`: every request of a forked worker then failed). So a fork waits until our threads rest.

Not every fork is Python's own: a server in C may call the hook for the child alone, or none at all.
"""

import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from types import TracebackType
from typing import Protocol
from weakref import WeakSet

log = logging.getLogger("mlrollout")

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


_first: WeakSet[Forkable] = WeakSet()
_living: WeakSet[Forkable] = WeakSet()
_at_work: WeakSet[Work] = WeakSet()
_stopped = threading.local()
_begun: dict[int, object] = {os.getpid(): None}
"""Processes, by their ids, in which everything has begun: this one and those that it descends from."""


def begin_in_children(one: Forkable, *, first: bool = False) -> None:
    """Call its `begin` in every process that is forked from this one, for as long as it lives.

    Args:
        one: What begins there.
        first: Begin it before the others: a rollout, without which everybody is in control.
    """
    (_first if first else _living).add(one)


def begin_here() -> None:
    """Begin in this process where nobody has said that it was forked. Only the first call begins; it takes no lock.

    A fork by C code that calls no hook of Python's leaves a child without the thread that follows Redis, and with locks
    that nobody will ever release.
    """
    mark = object()
    if os.getpid() in _begun or _begun.setdefault(os.getpid(), mark) is not mark:
        return
    _begin()
    log.warning(
        "This process was forked without a word to Python, so the threads of its parent begin anew only now: have the "
        "server that forks call Python's hooks (uWSGI: enable-threads), or load the application after the fork"
    )


def _stop_work() -> None:
    ends = monotonic() + FORK_WITHIN
    held = [work.lock for work in tuple(_at_work) if work.lock.acquire(timeout=max(0.0, ends - monotonic()))]
    _stopped.held = held


def _go_on() -> None:
    # Nothing is held where the fork was told of in the child alone, nor where another thread of C code forked.
    for lock in getattr(_stopped, "held", ()):
        lock.release()
    _stopped.held = []


def _begin() -> None:
    _go_on()
    _begun[os.getpid()] = None
    # What was at work is no more, and a fork without a word leaves its locks taken: no later fork may wait for them.
    _at_work.clear()
    for one in (*_first, *_living):
        try:
            one.begin()
        except Exception:  # one that can't is no reason for the others not to
            log.exception("After a fork, %s could not begin in this process, and does without", type(one).__name__)


os.register_at_fork(before=_stop_work, after_in_parent=_go_on, after_in_child=_begin)
