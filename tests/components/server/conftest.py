from collections.abc import Iterator

import pytest

from devstack.redis_server import RedisServer
from tests.components.assignment.place import KEY, Place, placed, until
from tests.components.server.place import ADMIN_LINE, APP_LINE, NAME, ORIGIN, HttpServer, everybody, served, standing


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
    attempt = everybody(place)
    until(lambda: standing(shared) == (attempt, 100), "treatment for everybody")
    return shared


@pytest.fixture
def own_server(redis_server: RedisServer) -> Iterator[HttpServer]:
    """One that the test may end."""
    with served(redis_server.url, tokens=[APP_LINE, ADMIN_LINE]) as running:
        yield running
