from collections.abc import AsyncIterator, Iterator

import pytest
from mlrollout.adapters.prometheus import PrometheusSource

from devstack import certificates
from devstack.processes import wait_until
from devstack.prometheus_server import PrometheusServer, ScrapeJob
from tests.components.prometheus.observer import Observer
from tests.support.target import target

JOBS = ("dying", "dated", "busy", "dire", "failing", "app", "front", "nightly", "late", "slow", "shared")
"""Of the server that is looked at for evidence; each test has a target of its own."""

METRICS = """
good 0.0125
small 1e-09
zero 0
numbers{parity="odd"} 1
numbers{parity="even"} 2
twice{side="left"} 1
twice{side="right"} 1
"""


@pytest.fixture(scope="module")
def prometheus() -> Iterator[PrometheusServer]:
    """A Prometheus that scrapes `METRICS`; nobody stops it."""
    with target(METRICS) as scraped, PrometheusServer() as server:
        server.set_targets("app", [scraped.address])
        wait_until(lambda: server.query("good") or None, within=20, what="a first scrape")
        yield server


@pytest.fixture
async def source(prometheus: PrometheusServer) -> AsyncIterator[PrometheusSource]:
    made = PrometheusSource(prometheus.url)
    yield made
    await made.close()


@pytest.fixture(scope="module")
def server() -> Iterator[PrometheusServer]:
    with PrometheusServer(jobs=[*map(ScrapeJob, JOBS), ScrapeJob("slower", "3s")]) as running:
        yield running


@pytest.fixture
async def observer(server: PrometheusServer) -> AsyncIterator[Observer]:
    source = PrometheusSource(server.url)
    yield Observer(source)
    await source.close()


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> certificates.Certificates:
    return certificates.make(tmp_path_factory.mktemp("ours"))
