from collections.abc import Iterator

import pytest
from mlrollout import Rollout

from devstack.redis_server import RedisServer
from tests.components.assignment.place import KEY, Place, placed, reaches


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with RedisServer() as running:
        yield running


@pytest.fixture
def place(server: RedisServer) -> Iterator[Place]:
    with placed(server) as found:
        found.redis.flushall()
        yield found


@pytest.fixture
def own_place() -> Iterator[Place]:
    """One whose server the test may break."""
    with RedisServer() as running, placed(running) as found:
        yield found


@pytest.fixture
def at_100(place: Place) -> Iterator[Rollout]:
    """A client of `place` that gives treatment to everybody."""
    place.put(100)
    with Rollout(KEY, redis=place.server.url) as rollout:
        reaches(rollout, 100)
        yield rollout
