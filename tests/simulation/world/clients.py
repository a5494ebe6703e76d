"""An application process: its `TrafficView` of Redis, with pushes that come late, out of order or never.

It reads again in a slow poll and on each reconnect; cut off for longer than its staleness bound it answers control.
"""

import asyncio
import random
from collections.abc import Callable

from mlrollout.assignment.view import TrafficView
from mlrollout.domain.record import Record

from .history import History, Served
from .redis import Redis

POLL = 5.0
STALE = 12.0
PUSH_WITHIN = 0.05
"""Seconds that a push takes at most."""
LATE_PUSH = 3.0
"""Likewise where it comes late and out of its order."""


class Client:
    """One application process."""

    def __init__(self, name: str, key: str, redis: Redis, history: History, chance: random.Random) -> None:
        self.name = name
        self.key = key
        self._redis = redis
        self._history = history
        self._chance = chance
        self._loop = asyncio.get_running_loop()
        self._view = TrafficView(max_staleness=STALE)
        self._told: Served | None = None
        self.pushes_lost = 0.0
        """Share of pushes that are lost or late."""
        self.cut = False
        redis.listeners.setdefault(key, []).append(self._pushed)
        self._poll()

    @property
    def percentage(self) -> int:
        """The share of users it gives treatment."""
        return 0 if self._loop.time() - self._view.confirmed >= STALE else self._view.percentage

    @property
    def record(self) -> Record | None:
        """The greatest record that it has heard of."""
        return self._view.record

    def reconnect(self) -> None:
        """The connection is back; whatever was pushed meanwhile is gone."""
        self.cut = False
        self._read()

    def _poll(self) -> None:
        if not self.cut:
            self._read()
        self._tell()
        self._loop.call_later(POLL, self._poll)

    def _read(self) -> None:
        self._view = self._view.read(self._redis.read(self.key), self._loop.time())
        self._tell()

    def _pushed(self, record: Record) -> None:
        if self.cut:
            return
        luck = self._chance.random()
        if luck < self.pushes_lost / 2:
            return
        late = luck < self.pushes_lost
        self._later(self._take, record, LATE_PUSH if late else PUSH_WITHIN)

    def _later(self, take: Callable[[Record], None], record: Record, within: float) -> None:
        self._loop.call_later(self._chance.random() * within, take, record)

    def _take(self, record: Record) -> None:
        if self.cut:
            return
        before = self._view
        self._view = before.push(record)
        if before.wants_read(record):
            self._read()
        self._tell()

    def _tell(self) -> None:
        record = self._view.record
        rank = record.rank if record is not None else None
        owner = record.owner if record is not None else ""
        told = Served(self._loop.time(), self.name, self.key, self.percentage, rank, owner, not self.cut)
        before = self._told
        if before is None or (told.percentage, told.rank, owner) != (before.percentage, before.rank, before.owner):
            self._history.append(told)
            self._told = told
