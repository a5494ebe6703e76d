"""Calls to one Redis, each with an end.

A call ends within `CALL_WITHIN` seconds, whatever Redis and the network do, and is tried at most
twice: a connection that died unnoticed must not cost an error. So trying one twice must be harmless.
"""

import asyncio
from collections import ChainMap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import MasterDownError, NoPermissionError, ReadOnlyError
from redis.exceptions import TimeoutError as RedisTimeoutError

from mlrollout.ports import KeyRefusedError, LoginRefusedError, TrafficError
from mlrollout.redis_common.address import Address, Tls, parse
from mlrollout.redis_common.failure import FAILED, UnusableRedisError, explain, is_no_string, refuses_login

from .bounded import NoAnswerError, TooLargeError
from .client import KeyAndRecord, RedisClient, Texts
from .login import LoginOfFile

CALL_WITHIN = 0.6
"""Seconds for a whole call."""

_PART = 100
"""Pairs of keys in one request: few enough that what else is sent meanwhile waits for less than a millisecond."""

_SPARED_FOR = 10.0
"""Seconds for which a key that holds more than any should is not read with others: each time costs a connection, and
the others their common request."""

_DEAD = (RedisConnectionError, RedisTimeoutError, ReadOnlyError, MasterDownError)


@contextmanager
def _heeding_cancellation() -> Iterator[None]:
    """End with a task that was cancelled meanwhile, where the library went on as if it had not been.

    It sends inside `asyncio.wait_for`, which in Python 3.11 forgets a cancellation where what it waits for is done.
    Work that ends by nothing else, as the operator's queue, would never end, nor its process.
    """
    task = asyncio.current_task()
    before = 0 if task is None else task.cancelling()
    try:
        yield
    finally:
        if task is not None and task.cancelling() > before:
            raise asyncio.CancelledError


class Calls:
    """What is sent to one Redis."""

    def __init__(self, address: Address, tls: Tls | None = None, file: Path | None = None) -> None:
        self._address = address
        self._client = RedisClient(address, tls or Tls(), None if file is None else LoginOfFile(file, address))
        self._too_large: dict[str, float] = {}
        """Until when each key is spared that holds more than any should, by the loop's clock."""

    @classmethod
    def from_url(cls, url: str, tls: Tls | None = None, file: Path | None = None) -> Self:
        """Connects at the first call.

        Args:
            url: `redis://`, `rediss://`, `unix://`, `redis+sentinel://` or `rediss+sentinel://`.
            tls: Files for the schemes with TLS; without them, the system's authorities are trusted.
            file: Where the URL stands, if in a file: name and password are read there again for each connection.

        Raises:
            TrafficError: The URL can't be read.
        """
        try:
            return cls(parse(url), tls, file)
        except UnusableRedisError as error:
            raise TrafficError(str(error)) from None

    async def call(self, key: str, *command: str | bytes | int) -> Any:  # noqa: ANN401 - the server's answer
        """The answer to a command about a key and what stands beside it.

        Raises:
            KeyRefusedError: This Redis can't serve this key.
            TrafficError: There is no answer; whether the command took effect is unknown.
        """
        with _heeding_cancellation():
            try:
                async with asyncio.timeout(CALL_WITHIN):
                    return await self._try_twice(key, *command)
            except UnusableRedisError as error:
                raise TrafficError(str(error)) from None
            except FAILED as error:
                self._client.ask_another_sentinel()
                raise _told(error, self._address, key) from None

    async def read(self, pairs: Mapping[str, KeyAndRecord]) -> Mapping[str, Texts | TrafficError]:
        """What stands under pairs of keys, by the first of each: one request for every hundred of one node.

        A node that does not answer spoils nothing but its own keys.
        """
        now = asyncio.get_running_loop().time()
        self._too_large = {key: until for key, until in self._too_large.items() if until > now}
        spared = {key: self._failure(TooLargeError(), key) for key in pairs if key in self._too_large}
        asked = [key for key in pairs if key not in spared]
        with _heeding_cancellation():
            try:
                async with asyncio.timeout(CALL_WITHIN):
                    groups = await self._client.groups(asked)
            except (*FAILED, UnusableRedisError) as error:
                self._client.ask_another_sentinel()
                return spared | dict.fromkeys(asked, self._failure(error, next(iter(asked), "")))
        found = await asyncio.gather(*(self._read_group(group, pairs) for group in groups))
        return spared | {key: answer for group in found for key, answer in group.items()}

    async def _read_group(
        self, keys: Sequence[str], pairs: Mapping[str, KeyAndRecord]
    ) -> dict[str, Texts | TrafficError]:
        """The pairs of one node, part after part; where one part has no answer, the next would not either."""
        found: dict[str, Texts | TrafficError] = {}
        for first in range(0, len(keys), _PART):
            part = keys[first : first + _PART]
            try:
                async with asyncio.timeout(CALL_WITHIN):
                    found |= zip(part, await self._read_part([pairs[key] for key in part]), strict=True)
            except (NoPermissionError, TooLargeError) as error:
                # One key that its user may not read, or that holds more than any should: no reason to be blind for the
                # others.
                alone = [await self._read_group([key], pairs) for key in part] if part[1:] else []
                found |= ChainMap(*alone) if alone else {part[0]: self._failure(error, part[0])}
                if isinstance(error, TooLargeError) and not alone:
                    self._too_large[part[0]] = asyncio.get_running_loop().time() + _SPARED_FOR
            except KeyRefusedError as error:
                found[part[0]] = error
            except FAILED as error:
                self._client.ask_another_sentinel()
                failure = self._failure(error, part[0])
                return found | dict.fromkeys(keys[first:], failure)
        return found

    async def _read_part(self, pairs: Sequence[KeyAndRecord]) -> Sequence[Texts]:
        try:
            return await self._client.read(pairs)
        except _DEAD:
            await self._client.drop_idle()
        return await self._client.read(pairs)

    def _failure(self, error: BaseException, key: str) -> TrafficError:
        return TrafficError(str(error)) if isinstance(error, UnusableRedisError) else _told(error, self._address, key)

    def nonsense(self) -> TrafficError:
        """For an answer of another kind than was asked for."""
        return TrafficError(explain(NoAnswerError(), self._address))

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
    kind = LoginRefusedError if refuses_login(error) else TrafficError
    return kind(explain(error, address))
