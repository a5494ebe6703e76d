"""A server that is asked for a revision, whoever may stand there."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from yarl import URL

from mlrollout.adapters.http.access import UnusableAccessError, nothing
from mlrollout.adapters.http.access_of_secret import AccessOfSecret
from mlrollout.adapters.http.peer import Peer, UnusableReplyError, in_time
from mlrollout.ports import RevisionUnknownError

CREDENTIALS = "it asks for credentials, or refuses those that it was shown: see docs/revisions.md"
OVERLOADED = "it is starting, or has too much to do"

T = TypeVar("T")


class Site:
    """One address; to be made where an event loop runs.

    Args:
        address: A `checked` one.
        access: What a Secret says that is shown there; `None` for nothing.
    """

    def __init__(self, address: URL, access: AccessOfSecret | None) -> None:
        self._access = access
        self._peer = Peer(address, nothing if access is None else access.current)

    async def ask(self, who: str, question: Callable[[Peer], Awaitable[T]], deadline: float) -> T:
        """The answer to a question.

        Args:
            who: What stands there, for people: `MLflow`.
            question: What is asked.
            deadline: Seconds for everything: reading the Secret, connecting, waiting, reading.

        Raises:
            RevisionUnknownError: There is none; the text says why, and nothing of what was sent.
        """
        try:
            left = deadline if self._access is None else await self._access.ready(deadline)
            return await in_time(question(self._peer), left)
        except UnusableAccessError as error:
            reason = str(error)
        except UnusableReplyError as error:
            reason = f"{who} at {self._peer} {error}"
        raise RevisionUnknownError(reason)

    async def close(self) -> None:
        """Give up the connections."""
        if self._access is not None:
            self._access.close()
        await self._peer.close()
