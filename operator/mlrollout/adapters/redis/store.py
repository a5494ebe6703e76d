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
from redis.exceptions import MasterDownError, ReadOnlyError
from redis.exceptions import TimeoutError as RedisTimeoutError

from mlrollout.domain.record import encode
from mlrollout.domain.traffic import Outcome, Traffic, Write, Written
from mlrollout.ports import KeyRefusedError, TrafficError
from mlrollout.redis_server.address import Address, Tls, parse
from mlrollout.redis_server.failure import FAILED, UnusableError, explain, is_no_string
from mlrollout.redis_server.names import record_of

from .client import Client

CALL_WITHIN = 0.6
"""Seconds for a whole call."""

SCRIPT = files(__package__).joinpath("order.lua").read_text(encoding="utf-8")
"""Sent whole each time: by its hash it is no faster, and would be unknown after each restart of Redis."""

_DEAD = (RedisConnectionError, RedisTimeoutError, ReadOnlyError, MasterDownError)


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
        try:
            return cls(parse(url), tls)
        except UnusableError as error:
            raise TrafficError(str(error)) from None

    async def read(self, key: str) -> Traffic:
        """What stands under the key now."""
        return Traffic.parse(*await self._call(key, "MGET", key, record_of(key)))

    async def write(self, key: str, write: Write, *, lease: float | None = None) -> Written:
        """Merge a record into Redis by the order; `order.lua` is where that happens."""
        outcome, *texts = await self._call(
            key,
            *("EVAL", SCRIPT, 2, key, record_of(key)),
            encode(write.record),
            "raise" if write.raises else "",
            encode(write.expect) if write.expect else "",
            max(1, round(lease * 1000)) if lease is not None else 0,
        )
        return Written(Outcome(outcome.decode()), Traffic.parse(*texts))

    async def close(self) -> None:
        """Give up the connections."""
        with suppress(*FAILED):
            async with asyncio.timeout(CALL_WITHIN):
                await self._client.close()

    async def _call(self, key: str, *command: str | int) -> Any:  # noqa: ANN401 - the server's answer
        try:
            async with asyncio.timeout(CALL_WITHIN):
                return await self._try_twice(key, *command)
        except UnusableError as error:
            raise TrafficError(str(error)) from None
        except FAILED as error:
            raise _told(error, self._address, key) from None

    async def _try_twice(self, key: str, *command: str | int) -> Any:  # noqa: ANN401 - likewise
        try:
            return await self._client.execute(key, *command)
        except _DEAD:
            await self._client.drop_idle()
        return await self._client.execute(key, *command)


def _told(error: BaseException, address: Address, key: str) -> TrafficError:
    """The error of the port for one of the client library's."""
    if is_no_string(error):
        return KeyRefusedError(
            f"The key {key} holds something other than a string, so it is another program's. "
            "Name another key, or delete this one."
        )
    return TrafficError(explain(error, address))
