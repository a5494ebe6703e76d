"""The whole: a real operator under its shipped permissions, on real parts.

`KUBECONFIG`, `REDIS_URL` and `PROMETHEUS_URL` name parts to use instead of started ones, as for `make up`; a given
Prometheus has to scrape what the tests export, at the port that `MLROLLOUT_EXPORTS_PORT` names.
"""

import os
import uuid
from collections.abc import Iterator

import pytest

from devstack import chart
from devstack.stack import Given, Stack
from tests.support.api_proxy import ApiProxy, api_proxy
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
def own_house(vacant_house: House) -> House:
    """A house on a stack of its own, for a test that breaks parts of it."""
    vacant_house.stack.start_operator()
    return vacant_house


@pytest.fixture
def vacant_house() -> Iterator[House]:
    """The same, without an operator."""
    with Stack() as stack:
        stack.install()
        yield from houses(stack)


@pytest.fixture(scope="session")
def proxied() -> Iterator[tuple[Stack, ApiProxy]]:
    """A stack of its own, whose two operators reach the API server through a proxy."""
    with Stack() as stack:
        stack.install()
        with api_proxy(stack.cluster) as proxy:
            kubeconfig = proxy.kubeconfig(stack.cluster, chart.NAMESPACE, chart.SERVICE_ACCOUNT)
            for name in ("one", "two"):
                stack.start_operator(name, env={"KUBECONFIG": kubeconfig})
            yield stack, proxy


@pytest.fixture(scope="session")
def proxied_exports(proxied: tuple[Stack, ApiProxy]) -> Iterator[Exports]:
    yield from _exports(proxied[0])


@pytest.fixture
def proxied_house(proxied: tuple[Stack, ApiProxy], proxied_exports: Exports) -> Iterator[House]:
    """A house of two operators behind the proxy, which is well again afterwards."""
    stack, proxy = proxied
    for house in _house(stack, proxied_exports):
        yield house
        proxy.be_well()


def _exports(stack: Stack) -> Iterator[Exports]:
    with target("", port=int(os.environ.get("MLROLLOUT_EXPORTS_PORT", "0"))) as scraped:
        if stack.prometheus is not None:
            stack.prometheus.set_targets("app", [scraped.address])
        yield Exports(scraped)


def houses(stack: Stack) -> Iterator[House]:
    """One house with exports of its own."""
    for exports in _exports(stack):
        yield from _house(stack, exports)


def _house(stack: Stack, exports: Exports) -> Iterator[House]:
    house = House(stack, exports, f"t-{uuid.uuid4().hex[:8]}")
    try:
        yield house
    finally:
        house.close()
