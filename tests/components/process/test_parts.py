"""The process and its parts: where one ends by itself, all end, and it is told which."""

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from mlrollout.runtime.leadership import Leadership
from mlrollout.runtime.operator import Operator
from mlrollout.runtime.process import PartEndedError, run_parts
from mlrollout.runtime.web import Health
from structlog.testing import capture_logs

from tests.pure.runtime.small_world import Place, SmallWorld
from tests.support.leases import Link, MemoryLease


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Kopf finds nothing to log in with, and gives up."""
    for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    # Two threads that draw a traceback at the same time trip over a fault of Python 3.11's `ast`.
    logging.getLogger("kopf").setLevel(logging.CRITICAL)
    with capture_logs():
        yield
    logging.getLogger("kopf").setLevel(logging.NOTSET)


async def test_where_kopf_gives_up_everything_ends_with_an_error() -> None:
    world = SmallWorld()
    health = Health(watching=True)
    led: list[bool] = []
    place = Place(world)
    operator = Operator(objects=world.api, connections=place, clock=world)
    leadership = Leadership(Link(MemoryLease()), "me", world, led.append)

    with pytest.raises(PartEndedError, match="the part watch of the operator has ended by itself"):
        await asyncio.wait_for(run_parts(health, operator, world.api, leadership), 30)

    assert "watch" in health.live()
    assert led == [True, False]
