"""A Redis of a test's own, with a rollout in it as the operator writes one."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from time import monotonic, sleep

import redis
from mlrollout import Rollout
from mlrollout.domain.record import Record, encode

from devstack.redis_server import RedisServer

KEY = "ml_dispatch:rollout_percentage"
REVISION = "ranker-2026-11-03"
BEGUN = Record(1, latched=False, sequence=0, percentage=0, revision=REVISION, owner="uid")
IN_TIME = 20.0
"""Seconds within which anything happens that happens at all."""


@dataclass
class Place:
    """Redis, and the operator's hand in it."""

    server: RedisServer
    redis: "redis.Redis"
    record: Record = field(default=BEGUN)

    def step(self, percentage: int, *, latched: bool = False) -> Record:
        """The next record; nothing is written."""
        self.record = replace(
            self.record,
            sequence=self.record.sequence + 1,
            percentage=percentage,
            latched=latched,
            stage="" if latched else "pilot",
        )
        return self.record

    def write(self, record: Record) -> None:
        """As the operator's script does: key and record at once."""
        self.redis.mset({KEY: record.percentage, f"{KEY}:record": encode(record)})

    def push(self, record: Record | str) -> int:
        """Tell whoever listens; answers how many do."""
        text = record if isinstance(record, str) else encode(record)
        return int(self.redis.publish(f"{KEY}:changes", text))

    def put(self, percentage: int, *, latched: bool = False) -> None:
        """Take a step, as the operator does."""
        record = self.step(percentage, latched=latched)
        self.write(record)
        self.push(record)

    def reads(self) -> int:
        """How often clients have read so far."""
        stats: dict[str, dict[str, int]] = self.redis.info("commandstats")
        return stats.get("cmdstat_mget", {"calls": 0})["calls"]

    def read_again(self) -> None:
        """Come back when the one client there is has read anew."""
        before = self.reads()
        # A read that had begun already may have missed what was done just now, so it takes two.
        self.push("Read again!")
        self.push("And again!")
        until(lambda: self.reads() >= before + 2, "two more reads")


@contextmanager
def placed(server: RedisServer) -> Iterator[Place]:
    """A place on a server."""
    with closing(redis.Redis.from_url(server.url)) as client:
        yield Place(server, client)


def until(condition: Callable[[], object], what: str) -> None:
    """Come back when something is so."""
    ends = monotonic() + IN_TIME
    while not condition():
        assert monotonic() < ends, f"{what}: not within {IN_TIME:g} s"
        sleep(0.005)


def reaches(rollout: Rollout, percentage: int) -> None:
    """Come back when the rollout stands there."""
    until(lambda: rollout.percentage == percentage, f"{percentage} % (it is {rollout.state})")
