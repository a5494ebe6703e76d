"""Answers of Redis that are bounded in bytes, for an application's own process.

Anybody who may write a key or publish on a channel would otherwise decide how much memory it takes. The operator's
answers are bounded by its adapter.
"""

from typing import Any

from redis._parsers.resp2 import _RESP2Parser
from redis._parsers.socket import SERVER_CLOSED_CONNECTION_ERROR, SocketBuffer
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import InvalidResponse
from redis.utils import SENTINEL

MOST = 4 * 1024 * 1024
"""Bytes of one answer: what a Cluster says of itself may be long; a key and its record take some 500."""
_PART = 64
"""Bytes that any part of an answer counts for at least, as it takes that much here."""


class _BoundedBuffer(SocketBuffer):
    """The library's buffer of what a socket has sent, which takes no more of an answer than it is told."""

    left = MOST

    def read(self, length: int, timeout: float | object = SENTINEL) -> bytes:
        """So many bytes."""
        self._spend(length)
        return super().read(length, timeout=timeout)

    def readline(self, timeout: float | object = SENTINEL) -> bytes:
        """Up to the end of a line. A line is short, so each piece of it is asked whether it is."""
        buffer = self._buffer
        if buffer is None:
            raise RedisConnectionError(SERVER_CLOSED_CONNECTION_ERROR)
        found = buffer.readline()
        while not found.endswith(b"\r\n"):
            if len(found) > self.left:
                self._spend(len(found))
            self._read_from_socket(timeout=timeout)
            found += buffer.readline()
        self._spend(len(found))
        return found[:-2]

    def _spend(self, size: int) -> None:
        self.left -= max(size, _PART)
        if self.left < 0:
            raise InvalidResponse("the answer is too large")


class BlockingParser(_RESP2Parser):
    """The library's parser, on a buffer with an end."""

    def on_connect(self, connection: Any) -> None:  # noqa: ANN401 - the library's, of several kinds
        """Begin on a connection that stands."""
        super().on_connect(connection)  # type: ignore[no-untyped-call]  # the library left it so
        self._buffer = _BoundedBuffer(connection._sock, self.socket_read_size, connection.socket_timeout)  # noqa: SLF001 - likewise

    def read_response(self, disable_decoding: bool = False, timeout: float | object = SENTINEL) -> Any:  # noqa: ANN401, FBT001, FBT002 - the base's
        """The answer.

        Raises:
            InvalidResponse: It is too large, or none.
        """
        if isinstance(self._buffer, _BoundedBuffer):
            self._buffer.left = MOST
        try:
            return super().read_response(disable_decoding=disable_decoding, timeout=timeout)
        except (ValueError, TypeError, RecursionError):
            raise InvalidResponse("this is no answer of Redis") from None


def begin_bounded(connection: Any) -> None:  # noqa: ANN401 - likewise
    """Log in on a connection, all of whose answers are bounded; given to the library as `redis_connect_func`."""
    connection.set_parser(BlockingParser)
    connection.on_connect()


def go_on_bounded(connection: Any) -> None:  # noqa: ANN401 - likewise
    """Likewise for a Cluster, whose client logs in by itself before it calls this."""
    connection.set_parser(BlockingParser)
    connection._parser.on_connect(connection)  # noqa: SLF001 - the library has no other way to change it later
