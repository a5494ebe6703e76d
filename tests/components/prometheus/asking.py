"""Asking a server of which nothing is known."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from mlrollout.adapters.prometheus import PrometheusSource
from mlrollout.evidence.answer import Answer
from mlrollout.ports import SourceError

from tests.support import raw_server as raw
from tests.support.raw_server import RawServer

SECRET = "s3cret"  # noqa: S105 - what must never be repeated
GOOD = raw.answers(raw.vector("0.07"))


@asynccontextmanager
async def asking(address: str) -> AsyncIterator[Callable[..., Awaitable[Answer]]]:
    """A source that is closed afterwards; each question has five seconds unless told."""
    source = PrometheusSource(address)

    async def ask(promql: str = "x", *, deadline: float = 5.0, at: float | None = None) -> Answer:
        return await source.query(promql, deadline=deadline, at=at)

    try:
        yield ask
    finally:
        await source.close()


async def refused(server: RawServer, *, deadline: float = 5.0, at: float | None = None) -> str:
    """What is said of the server's answer."""
    async with asking(server.address) as ask:
        with pytest.raises(SourceError) as error:
            await ask(deadline=deadline, at=at)
    assert SECRET not in repr(error.value)
    assert "\n" not in str(error.value)
    return str(error.value).removeprefix(f"Prometheus at {server.address} ")
