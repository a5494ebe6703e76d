"""A ticket to be told of changes, for browsers: their `EventSource` can send no token, only a URL.

It lets its holder hear *that* something changed, and nothing else, until the day after the next begins.
"""

import hashlib
import hmac
from collections.abc import Callable
from time import time

from aiohttp import web

_DAY = 86_400


class Tickets:
    """Makes tickets and knows its own.

    Args:
        key: The secret; processes that have the same one know each other's.
        clock: Seconds since the epoch.
    """

    def __init__(self, key: bytes, clock: Callable[[], float] = time) -> None:
        self._key = key
        self._clock = clock

    def now(self) -> str:
        """The ticket of today: one for all and for all day, so that no stream is torn for a new one."""
        return self._signed(int(self._clock() // _DAY) + 2)

    def valid(self, ticket: str) -> bool:
        """Whether this is one, and not too old."""
        day, _, _ = ticket.partition(".")
        if not (day.isascii() and day.isdigit() and len(day) < len("1000000")):
            return False
        return (
            hmac.compare_digest(ticket.encode(errors="surrogatepass"), self._signed(int(day)).encode())
            and self._clock() < int(day) * _DAY
        )

    def _signed(self, day: int) -> str:
        return f"{day}.{hmac.new(self._key, str(day).encode(), hashlib.sha256).hexdigest()[:32]}"


TICKETS = web.AppKey("tickets", Tickets)
