from collections.abc import AsyncIterator, Iterator

import pytest
from mlrollout.adapters.prometheus import PrometheusSource

from devstack.processes import wait_until
from devstack.prometheus_server import PrometheusServer
from tests.support.target import target

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
