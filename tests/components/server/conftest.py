from collections.abc import Iterator
from dataclasses import replace

import pytest

from devstack.redis_server import RedisServer
from tests.components.assignment.place import BEGUN, KEY, Place, placed, until
from tests.components.server.place import ADMIN_LINE, APP_LINE, NAME, HttpServer, served

ORIGIN = "https://dispatch.example.com"


@pytest.fixture(scope="module")
def redis_server() -> Iterator[RedisServer]:
    with RedisServer() as running:
        yield running


@pytest.fixture(scope="module")
def shared(redis_server: RedisServer) -> Iterator[HttpServer]:
    """One for many tests, with an application's token and an administrator's."""
    rollouts = [
        {"name": NAME, "key": KEY},
        {"name": "ranking/v2", "key": "ranking:percentage", "values": {"control": "old", "treatment": "new"}},
    ]
    with served(
        redis_server.url, {"rollouts": rollouts, "origins": [ORIGIN], "rate": 100_000}, [APP_LINE, ADMIN_LINE]
    ) as running:
        yield running


@pytest.fixture
def place(redis_server: RedisServer) -> Iterator[Place]:
    with placed(redis_server) as found:
        yield found


@pytest.fixture
def server(shared: HttpServer, place: Place) -> HttpServer:
    """The shared one, with everybody in treatment."""
    # Above what an earlier test has left: the server goes back to no lesser record.
    attempt = int(place.redis.incr("attempt"))
    place.record = replace(BEGUN, attempt=attempt)
    place.put(100)
    until(lambda: standing(shared) == (attempt, 100), "treatment for everybody")
    return shared


def standing(server: HttpServer) -> tuple[int, float]:
    """Attempt and percentage, as the server knows them."""
    metadata = server.flag()["metadata"]
    return metadata.get("attempt", 0), metadata["percentage"]


@pytest.fixture
def own_server(redis_server: RedisServer) -> Iterator[HttpServer]:
    """One that the test may end."""
    with served(redis_server.url, tokens=[APP_LINE, ADMIN_LINE]) as running:
        yield running
