"""What a server is shown that a Secret of an object's namespace holds."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping

import structlog

from mlrollout.api import duration
from mlrollout.ports import AbsentError, ObjectsError

from .access import AGAIN, FILES, OPEN, Access, UnusableAccessError, access_of

log = structlog.get_logger(__name__)


class AccessOfSecret:
    """What one Secret says; to be made where an event loop runs.

    The Secret is read before the first request, and again beside later ones: what was read last goes on, whether the
    API server answers or not, for a guard must not hang on it. A Secret that two reads in a row find gone was taken
    away from us, and is shown no more: one read may fall between a deletion and what is made in its place.

    Args:
        where: Which Secret, for people.
        read: Reads what is in it.
    """

    def __init__(self, where: str, read: Callable[[], Awaitable[Mapping[str, bytes]]]) -> None:
        self._where = where
        self._read = read
        self._access = OPEN
        self._contents: Mapping[str, bytes] | None = None
        self._missing = False
        self._reading: asyncio.Task[None] | None = None
        self._began = 0.0

    def current(self) -> Access:
        """What was read last; nothing before."""
        return self._access

    async def ready(self, deadline: float) -> float:
        """Come back when something has been read; with the seconds that are left.

        Raises:
            UnusableAccessError: There is nothing to show; the text says why, and holds nothing of the Secret.
        """
        began = time.monotonic()
        reading = self._read_again(began)
        if self._contents is None:
            await self._first(reading, deadline)
        return max(0.0, deadline - (time.monotonic() - began))

    def close(self) -> None:
        """Give up a read that is under way."""
        if self._reading is not None:
            self._reading.cancel()

    async def _first(self, reading: asyncio.Task[None], deadline: float) -> None:
        try:
            async with asyncio.timeout(deadline):
                await asyncio.shield(reading)
        except TimeoutError:
            limit = duration.render(deadline)
            raise UnusableAccessError(f"{self._where} could not be read within {limit}") from None
        except ObjectsError as error:
            raise UnusableAccessError(str(error)) from error

    def _read_again(self, now: float) -> asyncio.Task[None]:
        """The read that is under way, or the last one; a new one every few seconds, however many requests there are."""
        if self._reading is None or (self._reading.done() and now - self._began >= AGAIN):
            self._began = now
            self._reading = asyncio.create_task(self._take(), name=f"read {self._where}")
            # Whether anybody waits for it or not, its failure is told to who asks next.
            self._reading.add_done_callback(lambda done: None if done.cancelled() else done.exception())
        return self._reading

    async def _take(self) -> None:
        """Take what the Secret holds now; where it can't be read or used, what it held before goes on."""
        missing, self._missing = self._missing, False
        try:
            contents = _known(self._where, await self._read())
            if contents != self._contents:
                self._access, self._contents = access_of(self._where, contents), contents
        except (ObjectsError, UnusableAccessError) as error:
            self._missing = isinstance(error, AbsentError)
            if self._missing and missing:
                self._access, self._contents = OPEN, None
            if self._contents is None:
                raise
            log.warning("What a Secret shows can't be read; going on with what it was", error=str(error))


def _known(where: str, contents: Mapping[str, bytes]) -> Mapping[str, bytes]:
    """What is shown of a Secret. With a slip in a key's name, its server would be asked as nobody."""
    found = {name: one for name, one in contents.items() if name in FILES}
    if not found:
        raise UnusableAccessError(f"{where} has nothing to show: it has none of {', '.join(FILES)}")
    return found
