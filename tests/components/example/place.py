"""A Redis, an application that reads it, and the operator's hand on it."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace

import redis
from mlrollout.domain.record import Record, encode

from devstack.demo.application import KEY, DispatchApp
from devstack.processes import wait_until
from devstack.redis_server import RedisServer

GOOD = "ranker-2026-11-03"
BAD = "ranker-2026-11-17"


class Place:
    """One application and its Redis.

    Attributes:
        server: the Redis, as a process
        redis: a client of it
        app: the application
    """

    def __init__(self, server: RedisServer, client: redis.Redis, app: DispatchApp) -> None:
        self.server = server
        self.redis = client
        self.app = app
        self._record = Record(attempt=0, latched=False, sequence=0, percentage=0, revision=GOOD)

    def begin(self, revision: str = GOOD) -> None:
        """Deploy a model and begin a new attempt with it, at 0 %."""
        self.app.deploy(revision)
        attempt = self._record.attempt + 1
        self._record = Record(attempt=attempt, latched=False, sequence=0, percentage=0, revision=revision)
        self.put(0)

    def step(self, percentage: int, *, latched: bool = False) -> Record:
        """The next record of the attempt, neither written nor pushed."""
        sequence = self._record.sequence + 1
        self._record = replace(self._record, sequence=sequence, percentage=percentage, latched=latched)
        return self._record

    def write(self, record: Record) -> None:
        """As the operator's script does: key and record at once."""
        self.redis.mset({KEY: record.percentage, f"{KEY}:record": encode(record)})

    def push(self, text: str) -> None:
        """Tell the application, once it listens."""
        eventually(lambda: self.redis.publish(f"{KEY}:changes", text), "somebody who listens")

    def put(self, percentage: int) -> None:
        """Take a step, and come back when the application acts on it."""
        record = self.step(percentage)
        self.write(record)
        self.push(encode(record))
        self.reaches(percentage)

    def reaches(self, percentage: int) -> None:
        """Come back when the application acts on this percentage."""
        eventually(lambda: self.percentage == percentage, f"{percentage} % in the application")

    @property
    def percentage(self) -> int:
        """What the application acts on."""
        known: int = self.app.model()["percentage"]
        return known


@contextmanager
def running(per_second: float) -> Iterator[Place]:
    """A place of its own, with this many requests per second."""
    with (
        RedisServer() as server,
        closing(redis.Redis.from_url(server.url)) as client,
        DispatchApp(server.url, rate=per_second, map_fails=0.0) as app,
    ):
        yield Place(server, client, app)


def eventually(condition: Callable[[], object], what: str) -> None:
    """Wait until something is so, longer than any machine needs."""
    wait_until(lambda: bool(condition()) or None, within=30, what=what)
