"""Redis."""

from collections.abc import Sequence
from typing import Protocol

from mlrollout.domain.claim import Claim
from mlrollout.domain.traffic import Traffic, Write, Written

from .errors import TrafficError


class TrafficStore(Protocol):
    """The percentage in Redis, under the order of records."""

    async def read(self, key: str) -> Traffic:
        """What stands under the key now.

        Raises:
            TrafficError: It can't be known.
        """
        ...

    async def read_many(self, keys: Sequence[str]) -> Sequence[Traffic | TrafficError]:
        """What stands under each of many keys, or why that can't be known, in their order; few requests for all.

        A node that does not answer spoils nothing but its own keys. Raises nothing.
        """
        ...

    async def write(self, key: str, write: Write, *, lease: float | None = None) -> Written:
        """Merge a record into Redis by the order, atomically, and tell the clients if anything changed.

        Args:
            key: The key of the percentage.
            write: What shall stand, and whether it may raise.
            lease: Seconds after which the keys expire unless renewed; `None` for never.

        Raises:
            TrafficError: Whether the write took place is unknown.
        """
        ...

    async def claim(self, key: str, claim: Claim, seconds: float) -> None:
        """Leave word for whoever has the key that another object wants it, for so long; the last one's stands.

        Raises:
            TrafficError: It may not have been left.
        """
        ...

    async def claimed(self, key: str) -> Claim | None:
        """Who has last said that they want the key.

        Raises:
            TrafficError: It can't be known.
        """
        ...

    async def close(self) -> None:
        """Give up the connections."""
        ...
