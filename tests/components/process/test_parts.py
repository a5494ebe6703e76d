"""The process and its parts, with the real Kopf where it can only give up: nothing ends, and work goes on."""

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from mlrollout.adapters.kubernetes import log_in
from mlrollout.runtime.kopf_app import watch
from mlrollout.runtime.leadership import Leadership
from mlrollout.runtime.metrics import OperatorMetrics
from mlrollout.runtime.operator import Operator
from mlrollout.runtime.process import run_parts
from mlrollout.runtime.view import OnObject, Stands, View
from structlog.testing import capture_logs

from tests.pure.runtime.small_world import Place, SmallWorld
from tests.support.leases import Link, MemoryLease


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Kopf finds nothing to log in with, and gives up."""
    for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    logging.getLogger("kopf").setLevel(logging.CRITICAL)
    yield
    logging.getLogger("kopf").setLevel(logging.NOTSET)


async def test_where_kopf_gives_up_the_work_goes_on_and_it_is_begun_anew() -> None:
    world, metrics = SmallWorld(), OperatorMetrics()
    led: list[bool] = []
    begun = asyncio.Semaphore(0)
    operator = Operator(objects=world.api, connections=Place(world), clock=world)
    leadership = Leadership(Link(MemoryLease()), "me", world, led.append)

    async def counted(heard: OnObject, stands: Stands) -> None:
        begun.release()
        await watch(heard, stands, log_in=log_in)

    view = View(operator, world.api, counted, world, metrics)
    with capture_logs() as logs:
        running = asyncio.create_task(run_parts(operator, view, leadership, metrics))
        async with asyncio.timeout(60):
            for _ in range(3):
                await begun.acquire()
        assert view.missing() == ""
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    assert led == [True, False]
    assert [line["event"] for line in logs].count("A part ended by itself; it is begun anew") == 0
    told = [line["cause"] for line in logs if line["event"].startswith("The watch of the objects ended")]
    assert len(told) == 1
    assert "nothing to log in with" in told[0]
