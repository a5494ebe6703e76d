from collections.abc import Iterator
from dataclasses import replace

import pytest

from devstack.redis_server import RedisServer
from tests.components.assignment.place import BEGUN, KEY, Place, placed, until
from tests.components.server.ab.calls import ALL_LINES, NAME, Api
from tests.components.server.place import served


@pytest.fixture(scope="module")
def redis_server() -> Iterator[RedisServer]:
    with RedisServer() as running:
        yield running


@pytest.fixture(scope="module")
def shared(redis_server: RedisServer) -> Iterator[Api]:
    """One server for many tests, without a cluster and without a Prometheus."""
    config = {"rollouts": [{"name": NAME, "key": KEY}], "rate": 100_000}
    with served(redis_server.url, config, ALL_LINES) as running:
        yield Api(running)


@pytest.fixture
def place(redis_server: RedisServer) -> Iterator[Place]:
    with placed(redis_server) as found:
        yield found


@pytest.fixture
def api(shared: Api, place: Place) -> Api:
    """The shared one, with everybody in treatment, in an attempt that no other test has."""
    # Above what an earlier test has left: the server goes back to no lesser record.
    place.record = replace(BEGUN, attempt=int(place.redis.incr("attempt")))
    place.put(100)
    until(lambda: shared.stats()["attempt"] == place.record.attempt, "treatment for everybody")
    return shared
