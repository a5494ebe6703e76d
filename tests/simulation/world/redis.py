"""The Redis of a simulated world: its history, what its replica had, and pushes to clients."""

import asyncio
from collections.abc import Callable

from mlrollout.domain.record import Record
from mlrollout.domain.traffic import Outcome, Traffic, Written

from tests.support import redis_model
from tests.support.redis_model import EMPTY, State

from .history import Changed, History, Issued

Push = Callable[[Record], None]
"""Takes in an accepted record."""


class Redis(redis_model.Redis):
    """One Redis, what its replica had, and who listens.

    Args:
        history: Where changes are recorded.
    """

    def __init__(self, history: History) -> None:
        super().__init__()
        self._history = history
        self._past: list[tuple[float, dict[str, State]]] = []
        self.listeners: dict[str, list[Push]] = {}
        self.watchers: list[Callable[[str, Traffic], None]] = []
        """Told of a key's traffic whenever it changes."""

    def answer(self, issued: Issued, lease: float | None) -> Written:
        """Merge a record that an instance sends."""
        before = self.at(issued.key)
        written = self.write(issued.key, issued.write, lease=lease, by=issued)
        if written.outcome is Outcome.APPLIED and self.at(issued.key).record != before.record:
            for push in self.listeners.get(issued.key, ()):
                push(issued.write.record)
        return written

    def flush(self) -> None:
        """Lose everything."""
        for key in tuple(self.states):
            self.put(key, EMPTY, "loss")

    def fail_over(self, seconds: float) -> None:
        """Go back to what a replica had heard of so many seconds ago."""
        now = asyncio.get_running_loop().time()
        older = [states for at, states in self._past if at <= now - seconds]
        replica = older[-1] if older else {}
        for key in {**self.states, **replica}:
            self.put(key, replica.get(key, EMPTY), "failover")

    def changed(self, key: str, before: State, after: State, by: Issued | str) -> None:
        now = asyncio.get_running_loop().time()
        self._past.append((now, dict(self.states)))
        if (after.key, after.record) == (before.key, before.record):
            return
        who, cause = (by.by, by) if isinstance(by, Issued) else (by, None)
        self._history.append(Changed(now, who, key, before.traffic, after.traffic, cause))
        for watcher in self.watchers:
            watcher(key, after.traffic)
