"""`TrafficStore` over Redis.

A call ends within `CALL_WITHIN` seconds, whatever Redis and the network do, and is tried at most
twice: a connection that died unnoticed must not cost an error. Trying a write twice is harmless,
because a record that stands already is simply found standing.
"""

import asyncio
from contextlib import suppress
from importlib.resources import files
from typing import Any, Self

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import (
    MasterDownError,
    ReadOnlyError,
    RedisClusterException,
    RedisError,
)
from redis.exceptions import TimeoutError as RedisTimeoutError

from mlrollout.domain.record import UnreadableRecordError, decode, encode
from mlrollout.domain.traffic import Outcome, Traffic, Write, Written

from .address import Address, Tls, parse
from .client import Client
from .failure import explain

CALL_WITHIN = 0.6
"""Seconds for a whole call."""

SCRIPT = files(__package__).joinpath("order.lua").read_text(encoding="utf-8")
"""Sent whole each time: by its hash it is no faster, and would be unknown after each restart of Redis."""

_DEAD = (RedisConnectionError, RedisTimeoutError, ReadOnlyError, MasterDownError)
_FAILED = (RedisError, RedisClusterException, OSError)


class RedisTrafficStore:
    """The percentage in one Redis."""

    def __init__(self, address: Address, tls: Tls | None = None) -> None:
        self._address = address
        self._client = Client(address, tls or Tls())

    @classmethod
    def from_url(cls, url: str, tls: Tls | None = None) -> Self:
        """A store that connects at its first call.

        Args:
            url: `redis://`, `rediss://`, `unix://`, `redis+sentinel://` or `rediss+sentinel://`.
            tls: Files for the schemes with TLS; without them, the system's authorities are trusted.

        Raises:
            TrafficError: The URL can't be read.
        """
        return cls(parse(url), tls)

    async def read(self, key: str) -> Traffic:
        """What stands under the key now."""
        return _traffic(*await self._call(key, "MGET", key, _record(key)))

    async def write(self, key: str, write: Write, *, lease: float | None = None) -> Written:
        """Merge a record into Redis by the order; `order.lua` is where that happens."""
        outcome, *texts = await self._call(
            key,
            *("EVAL", SCRIPT, 2, key, _record(key)),
            encode(write.record),
            "raise" if write.raises else "",
            encode(write.expect) if write.expect else "",
            max(1, round(lease * 1000)) if lease is not None else 0,
        )
        return Written(Outcome(outcome.decode()), _traffic(*texts))

    async def close(self) -> None:
        """Give up the connections."""
        with suppress(*_FAILED):
            async with asyncio.timeout(CALL_WITHIN):
                await self._client.close()

    async def _call(self, key: str, *command: str | int) -> Any:  # noqa: ANN401 - the server's answer
        try:
            async with asyncio.timeout(CALL_WITHIN):
                return await self._try_twice((key, _record(key)), *command)
        except _FAILED as error:
            raise explain(error, self._address, key) from None

    async def _try_twice(self, keys: tuple[str, str], *command: str | int) -> Any:  # noqa: ANN401 - likewise
        try:
            return await self._client.execute(keys, *command)
        except _DEAD:
            await self._client.drop_idle()
        return await self._client.execute(keys, *command)


def _record(key: str) -> str:
    return f"{key}:record"


def _traffic(key: bytes | None, record: bytes | None) -> Traffic:
    text = None if key is None else key.decode(errors="replace")
    if record is None:
        return Traffic(text, None)
    try:
        return Traffic(text, decode(record.decode(errors="replace")))
    except UnreadableRecordError as error:
        return Traffic(text, None, str(error))
