"""An event loop that looks each name up in a thread of its own.

asyncio has six threads or so for all names, and a lookup can't be given up: where a few names hang, whoever chose them,
no other is looked up for half a minute, and neither is Redis' after a failover.
"""

import asyncio
import socket
from contextlib import suppress
from threading import Thread
from typing import Any

MOST = 64
"""Names that may be looked up at a time, of those that were never found; objects choose them."""
_REMEMBERED = 1024
"""Names that were found, and are looked up however many others hang."""

NameLookup = tuple[Any, ...]
Addresses = list[tuple[Any, ...]]


class LookupLoop(asyncio.SelectorEventLoop):
    """asyncio's own loop but for names. Whatever asks for one, aiohttp or redis-py, asks the loop."""

    def __init__(self) -> None:
        super().__init__()
        self._under_way: dict[NameLookup, asyncio.Future[Addresses]] = {}
        self._found: set[Any] = set()

    async def getaddrinfo(
        self,
        host: Any,  # noqa: ANN401 - the base's
        port: Any,  # noqa: ANN401 - likewise
        *,
        family: int = 0,
        type: int = 0,  # noqa: A002 - likewise
        proto: int = 0,
        flags: int = 0,
    ) -> Addresses:
        """The addresses of a name; who asks for one that is being looked up, waits for the same answer.

        Raises:
            socket.gaierror: It has none; or too many names are being looked up, and this one was never found.
        """
        asked = host, port, family, type, proto, flags
        if asked not in self._under_way:
            self._begin(asked)
        return await asyncio.shield(self._under_way[asked])

    def _begin(self, asked: NameLookup) -> None:
        if len(self._under_way) >= MOST and asked[0] not in self._found:
            raise socket.gaierror(socket.EAI_AGAIN, "too many names are being looked up")
        thread = Thread(target=self._look_up, args=asked, name="name lookup", daemon=True)  # no end waits for it
        try:
            thread.start()
        except RuntimeError as error:
            raise socket.gaierror(socket.EAI_MEMORY, "there is no thread to look a name up") from error
        self._under_way[asked] = self.create_future()

    def _look_up(self, *asked: Any) -> None:  # noqa: ANN401 - as above
        """In a thread: have the name looked up, and the loop told."""
        found: Addresses | Exception
        try:
            found = socket.getaddrinfo(*asked)
        except Exception as error:  # noqa: BLE001 - whoever asked is told
            found = error
        with suppress(RuntimeError):  # the loop is closed
            self.call_soon_threadsafe(self._answer, asked, found)

    def _answer(self, asked: NameLookup, found: Addresses | Exception) -> None:
        answer = self._under_way.pop(asked)
        if isinstance(found, Exception):
            answer.set_exception(found)
            answer.exception()  # nobody may wait any more
        else:
            if len(self._found) < _REMEMBERED:
                self._found.add(asked[0])
            answer.set_result(found)
