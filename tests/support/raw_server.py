"""An HTTP server in the hands of the test: what it sends, how slowly, and when it hangs up."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

Behaviour = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass
class RawServer:
    """Answers its n-th request with its n-th behaviour, and all later ones with the last.

    Attributes:
        behaviours: What it does.
        requests: What it was asked, head and body.
        connections: How many connections were made to it.
        hung_up: Set once a client has closed a connection.
    """

    behaviours: tuple[Behaviour, ...]
    requests: list[str] = field(default_factory=list)
    connections: int = 0
    hung_up: asyncio.Event = field(default_factory=asyncio.Event)
    port: int = 0
    _change: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def asked(self, times: int) -> None:
        """Come back when it has been asked so often."""
        async with self._change:
            await self._change.wait_for(lambda: len(self.requests) >= times)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        answering: list[asyncio.Future[None]] = []
        try:
            while True:
                behave = await self._request(reader)
                answering.append(asyncio.ensure_future(self._answer(behave, writer)))
        except (asyncio.IncompleteReadError, ConnectionError):
            self.hung_up.set()
        finally:
            for each in answering:
                each.cancel()
            writer.close()

    async def _request(self, reader: asyncio.StreamReader) -> Behaviour:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next((line for line in head.lower().split("\r\n") if line.startswith("content-length:")), ":0")
        body = await reader.readexactly(int(length.partition(":")[2]))
        behave = self.behaviours[min(len(self.requests), len(self.behaviours) - 1)]
        async with self._change:
            self.requests.append(head + body.decode())
            self._change.notify_all()
        return behave

    async def _answer(self, behave: Behaviour, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            await behave(writer)
            await writer.drain()


@asynccontextmanager
async def raw_server(*behaviours: Behaviour) -> AsyncIterator[RawServer]:
    server = RawServer(behaviours)
    serving: set[asyncio.Future[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.add(asyncio.ensure_future(server.serve(reader, writer)))

    listener = await asyncio.start_server(connected, "127.0.0.1", 0)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        for each in serving:
            each.cancel()
        await asyncio.gather(*serving, return_exceptions=True)


# --- behaviours ------------------------------------------------------------------------------


def http(status: str, body: bytes, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def sends(data: bytes) -> Behaviour:
    async def behave(writer: asyncio.StreamWriter) -> None:
        writer.write(data)

    return behave


def vector(*values: str, at: float = 1_700_000_000.0, **extra: Any) -> bytes:
    """The reply of a Prometheus."""
    series = [{"metric": {"series": str(i)}, "value": [at, value]} for i, value in enumerate(values)]
    data = {"resultType": "vector", "result": series}
    return json.dumps({"status": "success", "data": data, **extra}).encode()


def matrix(*samples: list[list[Any]]) -> bytes:
    """The same to a range selector, of series with these samples."""
    series = [{"metric": {"series": str(i)}, "values": values} for i, values in enumerate(samples)]
    return json.dumps({"status": "success", "data": {"resultType": "matrix", "result": series}}).encode()


def answers(body: bytes, *headers: str, status: str = "200 OK") -> Behaviour:
    return sends(http(status, body, *headers))


async def is_silent(_writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def hangs_up(writer: asyncio.StreamWriter) -> None:
    writer.close()


def drips(data: bytes) -> Behaviour:
    """One byte at a time, and the last one never."""

    async def behave(writer: asyncio.StreamWriter) -> None:
        for byte in data[:-1]:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.005)
        await is_silent(writer)

    return behave
