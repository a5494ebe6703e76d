"""The operator's own HTTP server."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
from mlrollout.runtime.metrics import OperatorMetrics
from mlrollout.runtime.web import serve


class Missing:
    """What is missing, as the test says."""

    text = ""

    def __call__(self) -> str:
        return self.text


@pytest.fixture
async def served() -> AsyncIterator[tuple[Missing, OperatorMetrics, str]]:
    missing, metrics = Missing(), OperatorMetrics()
    runner = await serve("127.0.0.1", 0, missing, metrics)
    yield missing, metrics, f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def _get(url: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return response.status, await response.text()


async def test_it_is_ready_where_nothing_is_missing_and_lives_either_way(
    served: tuple[Missing, OperatorMetrics, str],
) -> None:
    missing, _, url = served
    assert await _get(f"{url}/readyz") == (200, "ok")
    missing.text = "the MLRollout objects have not been read yet"
    assert await _get(f"{url}/readyz") == (503, "the MLRollout objects have not been read yet")
    assert await _get(f"{url}/livez") == (200, "ok")


async def test_it_shows_the_metrics(served: tuple[Missing, OperatorMetrics, str]) -> None:
    _, metrics, url = served
    metrics.leads.set(1)
    status, text = await _get(f"{url}/metrics")
    assert status == 200
    assert "mlrollout_leader 1.0" in text.splitlines()


async def test_there_is_nothing_else(served: tuple[Missing, OperatorMetrics, str]) -> None:
    assert (await _get(f"{served[2]}/"))[0] == 404
