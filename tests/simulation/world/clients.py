"""An application process that asks for the percentage, as the Redis contract tells it to.

It keeps the greatest record it has seen and the key as last read. A push that lowers applies at once, one
that raises only makes it read. It reads again in a slow poll and on each reconnect; cut off for longer than
its staleness bound it answers control.
"""

import asyncio
import random
from collections.abc import Callable

from mlrollout.domain.record import Record, greater
from mlrollout.domain.traffic import Traffic

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
        self._record: Record | None = None
        self._percentage: int | None = None
        self._contact = -STALE
        self._told: Served | None = None
        self.pushes_lost = 0.0
        """Share of pushes that are lost or late."""
        self.cut = False
        redis.listeners.setdefault(key, []).append(self._pushed)
        self._poll()

    @property
    def percentage(self) -> int:
        """The share of users it gives treatment."""
        if self._record is None or self._percentage is None or self._loop.time() - self._contact > STALE:
            return 0
        return min(self._percentage, self._record.percentage)

    def knows_better(self, record: Record) -> bool:
        """Whether it has seen a greater record of another owner."""
        mine = self._record
        return mine is not None and mine.owner != record.owner and mine.rank > record.rank

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
        traffic = self._redis.read(self.key)
        self._contact = self._loop.time()
        self._percentage = _key(traffic)
        if traffic.record is not None:
            self._learn(traffic.record)
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
        if self.cut or (self._record is not None and record.rank <= self._record.rank):
            return
        if record.percentage > self.percentage:
            self._read()
        else:
            self._learn(record)
            self._tell()

    def _learn(self, record: Record) -> None:
        self._record = record if self._record is None else greater(self._record, record)

    def _tell(self) -> None:
        rank = self._record.rank if self._record is not None else None
        told = Served(self._loop.time(), self.name, self.key, self.percentage, rank, not self.cut)
        before = self._told
        if before is None or (told.percentage, told.rank) != (before.percentage, before.rank):
            self._history.append(told)
            self._told = told


def _key(traffic: Traffic) -> int | None:
    """Absent and unreadable mean control, of the key and of its record alike."""
    return traffic.percentage if traffic.record is not None else None
