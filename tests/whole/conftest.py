"""The whole: a real operator under its shipped permissions, on real parts.

`KUBECONFIG`, `REDIS_URL` and `PROMETHEUS_URL` name parts to use instead of started ones, as for `make up`; a given
Prometheus has to scrape what the tests export, at the port that `MLROLLOUT_EXPORTS_PORT` names.
"""

import os
import uuid
from collections.abc import Iterator

import pytest

from devstack.stack import Given, Stack
from tests.support.target import target
from tests.whole.house import Exports, House


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


@pytest.fixture(scope="session")
def exports(stack: Stack) -> Iterator[Exports]:
    """What is scraped, for all tests of a worker: Prometheus takes seconds to see a new target."""
    yield from _exports(stack)


@pytest.fixture
def house(stack: Stack, exports: Exports) -> Iterator[House]:
    yield from _house(stack, exports)


@pytest.fixture
def own_house() -> Iterator[House]:
    """A house on a stack of its own, for a test that breaks parts of it."""
    with Stack() as stack:
        stack.install()
        stack.start_operator()
        for exports in _exports(stack):
            yield from _house(stack, exports)


def _exports(stack: Stack) -> Iterator[Exports]:
    with target("", port=int(os.environ.get("MLROLLOUT_EXPORTS_PORT", "0"))) as scraped:
        if stack.prometheus is not None:
            stack.prometheus.set_targets("app", [scraped.address])
        yield Exports(scraped)


def _house(stack: Stack, exports: Exports) -> Iterator[House]:
    house = House(stack, exports, f"t-{uuid.uuid4().hex[:8]}")
    try:
        yield house
    finally:
        house.close()
