"""The dispatch service as a process, before a real Redis."""

from collections.abc import Iterator
from contextlib import closing

import pytest
import redis

from devstack.redis_server import RedisServer
from tests.dispatch.api.place import Place, running


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture(scope="session")
def shared(redis_server: RedisServer) -> Iterator[Place]:
    """One service for all tests that break nothing."""
    with running(redis_server) as place:
        yield place


@pytest.fixture
def place(shared: Place) -> Iterator[Place]:
    """The shared service, everybody in treatment and nothing switched to fail."""
    shared.faults(ml="ok", assign="ok")
    shared.put(100)
    yield shared
    shared.leave()


@pytest.fixture
def client(redis_server: RedisServer) -> Iterator[redis.Redis]:
    with closing(redis.Redis.from_url(redis_server.url)) as client:
        yield client
