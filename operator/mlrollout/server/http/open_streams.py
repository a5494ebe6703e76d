"""The event streams that are open. Where there is no room the oldest is ended, so that nobody can be kept out."""

import asyncio
from collections import Counter
from dataclasses import dataclass

MOST_PER_TICKET = 8
"""Streams that may be open with one ticket: the pages of one user."""


@dataclass(frozen=True, slots=True, eq=False)
class Stream:
    """An event stream that is open.

    Attributes:
        holder: Whose ticket it was opened with; empty for a token, which many processes may share.
        address: Where its client is.
        life: Its time: at its end the stream ends.
    """

    holder: str
    address: str
    life: asyncio.Timeout


class Streams:
    """All event streams that are open.

    Args:
        most: Streams in all.
        most_per_address: Streams of one address.
    """

    def __init__(self, most: int, most_per_address: int) -> None:
        self._most = most
        self._most_per_address = most_per_address
        self._open: dict[Stream, None] = {}

    def __len__(self) -> int:
        return len(self._open)

    def add(self, stream: Stream) -> None:
        """Add a stream, and end the oldest of those that are too many."""
        if stream.holder:
            self._keep(MOST_PER_TICKET, [one for one in self._open if one.holder == stream.holder])
        self._keep(self._most_per_address, [one for one in self._open if one.address == stream.address])
        if len(self._open) >= self._most:
            # Of the address that has most: a crowd from one place must not push out everybody else.
            (most, _), *_ = Counter(one.address for one in self._open).most_common(1)
            self._end(next(one for one in self._open if one.address == most))
        self._open[stream] = None

    def discard(self, stream: Stream) -> None:
        """Forget a stream that has ended."""
        self._open.pop(stream, None)

    def _keep(self, most: int, oldest_first: list[Stream]) -> None:
        for one in oldest_first[: max(0, len(oldest_first) - most + 1)]:
            self._end(one)

    def _end(self, stream: Stream) -> None:
        self.discard(stream)
        stream.life.reschedule(0.0)
