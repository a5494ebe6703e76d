"""Calls to one Redis, each with an end.

A call ends within `CALL_WITHIN` seconds, whatever Redis and the network do, and is tried at most
twice: a connection that died unnoticed must not cost an error. So trying one twice must be harmless.
"""

import asyncio
from contextlib import suppress
from typing import Any, Self

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import MasterDownError, ReadOnlyError
from redis.exceptions import TimeoutError as RedisTimeoutError

from mlrollout.ports import KeyRefusedError, TrafficError
from mlrollout.redis_server.address import Address, Tls, parse
from mlrollout.redis_server.failure import FAILED, UnusableError, explain, is_no_string

from .client import Client

CALL_WITHIN = 0.6
"""Seconds for a whole call."""

_DEAD = (RedisConnectionError, RedisTimeoutError, ReadOnlyError, MasterDownError)


class Calls:
    """What is sent to one Redis."""

    def __init__(self, address: Address, tls: Tls | None = None) -> None:
        self._address = address
        self._client = Client(address, tls or Tls())

    @classmethod
    def from_url(cls, url: str, tls: Tls | None = None) -> Self:
        """Connects at the first call.

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

    async def call(self, key: str, *command: str | bytes | int) -> Any:  # noqa: ANN401 - the server's answer
        """The answer to a command about a key and what stands beside it.

        Raises:
            KeyRefusedError: This Redis can't serve this key.
            TrafficError: There is no answer; whether the command took effect is unknown.
        """
        try:
            async with asyncio.timeout(CALL_WITHIN):
                return await self._try_twice(key, *command)
        except UnusableError as error:
            raise TrafficError(str(error)) from None
        except FAILED as error:
            raise _told(error, self._address, key) from None

    async def close(self) -> None:
        """Give up the connections."""
        with suppress(*FAILED):
            async with asyncio.timeout(CALL_WITHIN):
                await self._client.close()

    async def _try_twice(self, key: str, *command: str | bytes | int) -> Any:  # noqa: ANN401 - likewise
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
