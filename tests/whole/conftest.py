"""The whole: a real operator under its shipped permissions, on real parts.

`KUBECONFIG`, `REDIS_URL` and `PROMETHEUS_URL` name parts to use instead of started ones, as for `make up`;
a given Prometheus has to scrape the address that `MLROLLOUT_TEST_TARGET` names (host:port to listen on).
"""

import os
import uuid
from collections.abc import Iterator

import pytest

from devstack.stack import Given, Stack
from tests.support.target import target
from tests.whole.house import House


def _given() -> Given:
    return Given(
        kubeconfig=os.environ.get("KUBECONFIG") or None,
        redis_url=os.environ.get("REDIS_URL") or None,
        prometheus_url=os.environ.get("PROMETHEUS_URL") or None,
    )


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """One stack with one operator per test worker; its objects are kept apart by namespace and key."""
    with Stack(given=_given()) as running:
        running.install()
        running.start_operator()
        yield running


@pytest.fixture
def own_stack() -> Iterator[Stack]:
    """A stack for a test that breaks parts of it."""
    with Stack() as running:
        running.install()
        running.start_operator()
        yield running


@pytest.fixture
def house(stack: Stack) -> Iterator[House]:
    yield from _house(stack)


@pytest.fixture
def own_house(own_stack: Stack) -> Iterator[House]:
    yield from _house(own_stack)


def _house(stack: Stack) -> Iterator[House]:
    with target("") as metrics:
        if stack.prometheus is not None:
            stack.prometheus.set_targets("app", [metrics.address])
        house = House(stack, metrics, f"t-{uuid.uuid4().hex[:8]}")
        try:
            yield house
        finally:
            house.close()
