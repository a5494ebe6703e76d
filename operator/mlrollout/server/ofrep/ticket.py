"""A ticket to be told of changes, for browsers: their `EventSource` can send no token, only a URL.

It lets its holder hear *that* something changed, and nothing else, until the day after the next begins.
"""

import hashlib
import hmac
from collections.abc import Callable
from time import time

from aiohttp import web

_DAY = 86_400
_LENGTH = 32  # characters of a hash that stand in a ticket


class Tickets:
    """Makes tickets and knows its own.

    Args:
        key: The secret; processes that have the same one know each other's.
        clock: Seconds since the epoch.
    """

    def __init__(self, key: bytes, clock: Callable[[], float] = time) -> None:
        self._key = key
        self._clock = clock

    @property
    def ends(self) -> int:
        """The day, since the epoch, on which tickets of today hold no longer."""
        return int(self._clock() // _DAY) + 2

    def now(self, whose: str) -> str:
        """The ticket of today for somebody: one for all day, so that no stream is torn for a new one."""
        return self._signed(self.ends, self._hash(f"whose:{whose}"))

    def holder(self, ticket: str) -> str | None:
        """Whose it is, by a name that tells nothing of them; `None` where this is none, or too old."""
        day, _, rest = ticket.partition(".")
        if not (day.isascii() and day.isdigit() and len(day) < len("1000000")):
            return None
        whose = rest.partition(".")[0]
        expected = self._signed(int(day), whose)
        good = ticket.isascii() and hmac.compare_digest(ticket, expected)
        return whose if good and self._clock() < int(day) * _DAY else None

    def _signed(self, day: int, whose: str) -> str:
        told = f"{day}.{whose}"
        return f"{told}.{self._hash(told)}"

    def _hash(self, text: str) -> str:
        return hmac.new(self._key, text.encode(errors="surrogatepass"), hashlib.sha256).hexdigest()[:_LENGTH]


TICKETS = web.AppKey("tickets", Tickets)
