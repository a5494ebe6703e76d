"""The wall clock."""

from typing import Protocol


class Clock(Protocol):
    """The wall clock. Waiting is asyncio's own, so that a test's event loop can bend it."""

    def now(self) -> float:
        """Seconds since the epoch."""
        ...
