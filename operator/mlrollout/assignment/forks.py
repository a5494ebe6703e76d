"""What must begin anew in a forked child, which has none of its parent's threads and any of its locks held."""

import os
from typing import Protocol
from weakref import WeakSet


class Forkable(Protocol):
    """Something with threads, locks or a file of its process's own."""

    def begin(self) -> None:
        """Begin, or begin anew in a forked child."""


_living: WeakSet[Forkable] = WeakSet()


def begin_in_children(one: Forkable) -> None:
    """Have it begin anew in every process that is forked from this one, for as long as it lives."""
    _living.add(one)


def _begin() -> None:
    for one in tuple(_living):
        one.begin()


os.register_at_fork(after_in_child=_begin)
