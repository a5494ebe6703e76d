"""The door: which connections are let in, and which are closed where there is no room."""

import asyncio
from collections import Counter
from collections.abc import Container
from typing import Protocol

import structlog

from .metrics import ConnectionMetrics
from .rate_limiter import RateLimiter
from .site import site

log = structlog.get_logger(__name__)

_LOGGED_EVERY = 60.0
"""Seconds between two lines of the log about the same thing that strangers bring about."""


class Guest(Protocol):
    """A connection, as the door sees it."""

    @property
    def idle(self) -> bool:
        """Whether it asks for nothing now."""

    def end(self, why: str) -> None:
        """Close it at once."""


class Door:
    """Lets connections in, and closes idle ones where there is no room.

    Of those that ask for nothing, the oldest is closed first.

    Args:
        most: Connections in all.
        most_per_address: From one address.
        metrics: Where the connections are counted.
        proxies: Addresses that stand for many, and of which there may be any number.
    """

    def __init__(
        self, most: int, most_per_address: int, metrics: ConnectionMetrics, proxies: Container[str] = ()
    ) -> None:
        self._most = most
        self._most_per_address = most_per_address
        self._proxies = proxies
        self._metrics = metrics
        self._inside: dict[Guest, str] = {}
        self._from: Counter[str] = Counter()
        self._lines = RateLimiter(1 / _LOGGED_EVERY)

    def enter(self, connection: Guest, host: str) -> bool:
        """Let a connection in, if there is room or can be made."""
        address = site(host)
        if host not in self._proxies and self._from[address] >= self._most_per_address and not self._free(address):
            self.closes("address")
            return False
        if len(self._inside) >= self._most and not self._free():
            self.closes("full")
            return False
        self._inside[connection] = address
        self._from[address] += 1
        self._metrics.open.set(len(self._inside))
        return True

    def leave(self, connection: Guest) -> None:
        """A connection has ended; one that was never let in changes nothing."""
        address = self._inside.pop(connection, None)
        if address is not None:
            self._from[address] -= 1
            if not self._from[address]:
                del self._from[address]
            self._metrics.open.set(len(self._inside))

    def closes(self, why: str, **facts: str) -> None:
        """Count that a connection is closed, and log it once in a while."""
        self._metrics.closed.labels(why).inc()
        if not self._lines.take(why):
            log.warning("Connections are closed", why=why, counted_by=self._metrics.closed_name, **facts)

    def _free(self, address: str | None = None) -> bool:
        """Close the oldest idle connection, of that address or of any; whether there was one."""
        for connection, its in self._inside.items():
            if connection.idle and address in (None, its):
                self.leave(connection)
                connection.end("idle")
                return True
        return False


def hush(loop: asyncio.AbstractEventLoop) -> None:
    """Have the event loop log once in a while that descriptors ran out, and not for each connection it can't accept."""
    lines = RateLimiter(1 / _LOGGED_EVERY)

    def handle(running: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        error = context.get("exception")
        if "socket" not in context or not isinstance(error, OSError):
            running.default_exception_handler(context)
        elif not lines.take("accept"):
            log.error("No connection can be accepted: raise the limit of open files", error=error.strerror)

    loop.set_exception_handler(handle)
