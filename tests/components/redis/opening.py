"""Stores that are closed, however a test ends."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from mlrollout.adapters.redis import RedisTrafficStore
from mlrollout.redis_common.address import Tls


@asynccontextmanager
async def opened(url: str, tls: Tls | None = None, file: Path | None = None) -> AsyncIterator[RedisTrafficStore]:
    store = RedisTrafficStore.from_url(url, tls, file)
    try:
        yield store
    finally:
        await store.close()
