"""The example application as a process, before a Redis and a Prometheus of its own."""

from collections.abc import Iterator

import pytest

from devstack.prometheus_server import PrometheusServer
from tests.components.example.place import Place, running

ASLEEP = 1e-6


@pytest.fixture(scope="module")
def shared_quiet() -> Iterator[Place]:
    with running(ASLEEP) as place:
        yield place


@pytest.fixture(scope="module")
def shared_busy() -> Iterator[Place]:
    with running(400) as place:
        yield place


@pytest.fixture
def quiet(shared_quiet: Place) -> Place:
    """An application whose users are all asleep, at the beginning of a new attempt."""
    shared_quiet.begin()
    return shared_quiet


@pytest.fixture
def busy(shared_busy: Place) -> Place:
    """An application with its users, at the beginning of a new attempt."""
    shared_busy.begin()
    return shared_busy


@pytest.fixture
def fresh() -> Iterator[Place]:
    """A quiet application that has just started, before a Redis that the test may break."""
    with running(ASLEEP) as place:
        yield place


@pytest.fixture(scope="module")
def prometheus(shared_busy: Place) -> Iterator[PrometheusServer]:
    """A Prometheus that reads the busy application."""
    with PrometheusServer() as server:
        server.set_targets("app", [shared_busy.app.address])
        yield server
