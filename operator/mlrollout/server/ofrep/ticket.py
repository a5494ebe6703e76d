"""A ticket for the event stream, for browsers: their `EventSource` can send no token, only a URL.

It lets its holder learn *that* something changed, and nothing else, until the day after the next begins.
"""

import hashlib
import hmac
from collections.abc import Callable
from time import time

from aiohttp import web

_DAY = 86_400
_LENGTH = 32  # characters of a hash that stand in a ticket


class Tickets:
    """Makes tickets, and tells its own from others.

    Args:
        key: The secret; processes that have the same one know each other's.
        clock: Seconds since the epoch.
    """

    def __init__(self, key: bytes, clock: Callable[[], float] = time) -> None:
        self._key = key
        self._clock = clock

    @property
    def ends(self) -> int:
        """The day, counted from the epoch, on which tickets of today end."""
        return int(self._clock() // _DAY) + 2

    @property
    def signer(self) -> str:
        """A name for the secret that tells nothing of it: tickets of another signer are worth nothing here."""
        return self._hash("signer:")

    def now(self, whose: str) -> str:
        """Today's ticket for somebody: the same all day, so that no stream has to be opened again for a new one."""
        return self._signed(self.ends, self._hash(f"whose:{whose}"))

    def holder(self, ticket: str) -> str | None:
        """Whose ticket it is, as a hash that tells nothing of them; `None` where it is no ticket, or too old."""
        day, _, rest = ticket.partition(".")
        if not (day.isascii() and day.isdigit() and len(day) < len("1000000")):
            return None
        whose = rest.partition(".")[0]
        expected = self._signed(int(day), whose)
        good = ticket.isascii() and hmac.compare_digest(ticket, expected)
        return whose if good and self._clock() < int(day) * _DAY else None

    def _signed(self, day: int, whose: str) -> str:
        content = f"{day}.{whose}"
        return f"{content}.{self._hash(content)}"

    def _hash(self, text: str) -> str:
        return hmac.new(self._key, text.encode(errors="surrogatepass"), hashlib.sha256).hexdigest()[:_LENGTH]


TICKETS = web.AppKey("tickets", Tickets)
