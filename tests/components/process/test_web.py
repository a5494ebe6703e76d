"""The operator's own HTTP server."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
from mlrollout.runtime.metrics import Metrics
from mlrollout.runtime.web import Health, serve


@pytest.fixture
async def served() -> AsyncIterator[tuple[Health, Metrics, str]]:
    health, metrics = Health(), Metrics()
    runner = await serve("127.0.0.1", 0, health, metrics)
    yield health, metrics, f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def _get(url: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return response.status, await response.text()


async def test_it_is_ready_once_the_objects_have_been_read(served: tuple[Health, Metrics, str]) -> None:
    health, _, url = served
    assert await _get(f"{url}/readyz") == (503, "the list of MLRollout objects has not been read yet")
    assert await _get(f"{url}/livez") == (200, "ok")
    health.watching = True
    assert await _get(f"{url}/readyz") == (200, "ok")


async def test_it_is_neither_live_nor_ready_once_a_part_has_ended(served: tuple[Health, Metrics, str]) -> None:
    health, _, url = served
    health.watching, health.failed = True, "the part watch has ended"
    for path in ("livez", "readyz"):
        assert await _get(f"{url}/{path}") == (503, "the part watch has ended")


async def test_it_shows_the_metrics(served: tuple[Health, Metrics, str]) -> None:
    _, metrics, url = served
    metrics.leads.set(1)
    status, text = await _get(f"{url}/metrics")
    assert status == 200
    assert "mlrollout_leader 1.0" in text.splitlines()


async def test_there_is_nothing_else(served: tuple[Health, Metrics, str]) -> None:
    assert (await _get(f"{served[2]}/"))[0] == 404
