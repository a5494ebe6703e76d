"""Whoever is notified."""

from collections.abc import Mapping
from typing import Protocol

from mlrollout.notify.address import ReceiverAddress
from mlrollout.notify.message import OutgoingMessage


class Receivers(Protocol):
    """Whoever is to be told."""

    async def send(self, address: ReceiverAddress, message: OutgoingMessage) -> None:
        """Have a message arrive.

        Raises:
            MessageRefusedError: The receiver does not take this one.
            ReceiverError: It may not have arrived.
        """
        ...

    async def render(self, template: str, variables: Mapping[str, object]) -> str:
        """What a template of the administrator's becomes, in bounded time.

        Raises:
            WordingError: It can't be used.
        """
        ...

    async def close(self) -> None:
        """Give up the connections."""
        ...
