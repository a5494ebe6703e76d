"""Answers of Redis that are bounded in bytes: an object may name a Redis of its own, and anything may stand there."""

from typing import Any

from redis._parsers.resp2 import _AsyncRESP2Parser
from redis.asyncio import Redis, RedisCluster
from redis.exceptions import InvalidResponse

from mlrollout.domain.record import LONGEST_IN_BYTES

MOST = 4 * 1024 * 1024
"""Bytes of one answer: a hundred keys with records of 20 KB each, where one takes some 500 bytes."""
LONGEST_TEXT = LONGEST_IN_BYTES
"""Bytes of one text in it: a record that is longer is unreadable, whatever it says."""
_LINE = 64
"""Bytes that any part of an answer counts for at least, as it takes that much here."""


class NoAnswerError(InvalidResponse):
    """What was read is of no kind that Redis answers with, or of another than was asked for."""

    def __init__(self) -> None:
        super().__init__("this is no answer of Redis")


class TooLargeError(InvalidResponse):
    """An answer is larger than any should be; its connection is closed."""

    def __init__(self) -> None:
        super().__init__("the answer is too large")


class BoundedParser(_AsyncRESP2Parser):
    """The library's parser, which reads as much of an answer as it is told that there is."""

    def __init__(self, socket_read_size: int) -> None:
        super().__init__(socket_read_size)
        self._left = MOST

    async def read_response(self, disable_decoding: bool = False) -> Any:  # noqa: ANN401, FBT001, FBT002 - the base's
        """The answer.

        Raises:
            TooLargeError: It is too large.
            NoAnswerError: It is none.
        """
        self._left = MOST
        try:
            return await super().read_response(disable_decoding)
        except (ValueError, TypeError, RecursionError):
            raise NoAnswerError from None

    async def _read(self, length: int) -> bytes:
        if length > LONGEST_TEXT:
            raise TooLargeError
        self._spend(length)
        found: bytes = await super()._read(length)
        return found

    async def _readline(self) -> bytes:
        found: bytes = await super()._readline()
        self._spend(len(found))
        if found.startswith(b"*") and int(found[1:]) * _LINE > self._left:
            raise TooLargeError  # of as many parts as are said to come: to read them up to there takes its time
        return found

    def _spend(self, size: int) -> None:
        self._left -= max(size, _LINE)
        if self._left < 0:
            raise TooLargeError


def are_texts(answer: object, number: int) -> bool:
    """Whether an answer is so many texts, or where one is absent `None`."""
    return (
        isinstance(answer, list)
        and len(answer) == number
        and all(one is None or isinstance(one, bytes) for one in answer)
    )


def bound(client: Redis | RedisCluster) -> None:
    """Have all connections that a client makes from now on read bounded answers."""
    if isinstance(client, Redis):
        told = [client.connection_pool.connection_kwargs]
    else:
        nodes = client.nodes_manager
        told = [client.connection_kwargs, nodes.connection_kwargs]
        told += [node.connection_kwargs for node in nodes.startup_nodes.values()]
    for options in told:
        options["parser_class"] = BoundedParser
