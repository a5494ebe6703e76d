"""A real Redis for each worker, shared by the tests that only use keys of their own."""

from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import pytest
import redis
from mlrollout.adapters.redis import RedisTrafficStore

from devstack.redis_server import RedisServer
from tests.components.redis.awaiting import make_patient
from tests.components.redis.opening import opened


@pytest.fixture(scope="session")
def server() -> Iterator[RedisServer]:
    with RedisServer() as running:
        yield running


@pytest.fixture
def own_server() -> Iterator[RedisServer]:
    """A Redis that the test may break."""
    with RedisServer() as running:
        yield running


@pytest.fixture
def key() -> str:
    return f"ml_dispatch:{uuid4().hex}"


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests that are not about time, on machines that have none to spare."""
    make_patient(monkeypatch)


@pytest.fixture
async def store(server: RedisServer, patient: None) -> AsyncIterator[RedisTrafficStore]:
    async with opened(server.url) as store:
        yield store


@pytest.fixture
async def own_store(own_server: RedisServer) -> AsyncIterator[RedisTrafficStore]:
    async with opened(own_server.url) as store:
        yield store


@pytest.fixture
def raw(server: RedisServer) -> Iterator["redis.Redis"]:
    """What a person with redis-cli does, only faster."""
    with redis.Redis(port=server.port, decode_responses=True) as client:
        yield client
