"""A network between client and server that can be made to fail."""

import asyncio
from contextlib import suppress
from typing import Self


class Proxy:
    """Forwards connections to a port; the target may be changed, and connections made to go silent."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = 0
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1")
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in self._writers:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    def silence(self) -> None:
        """Swallow whatever comes on the connections that stand now; new ones work."""
        for task in self._tasks:
            task.cancel()

    def cut(self) -> None:
        """End the connections that stand now."""
        for writer in self._writers:
            writer.close()
        self._writers.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self.target)
        self._writers |= {writer, back}
        for source, sink in ((reader, back), (there, writer)):
            self._tasks.add(asyncio.create_task(_forward(source, sink)))


async def _forward(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while data := await source.read(65536):
        sink.write(data)
    sink.close()
