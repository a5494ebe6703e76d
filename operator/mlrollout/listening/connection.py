"""Connections, with limits on what a stranger may hold of one. aiohttp itself limits next to nothing of it.

aiohttp parses and answers. What is added: a head has an end in time and in bytes, an answer that nobody takes has one,
the door is asked before anybody comes in, and what can't be read is answered like everything else, with nothing of it
in the log.
"""

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from aiohttp import StreamReader, hdrs, web
from aiohttp.http_exceptions import LineTooLong
from aiohttp.http_parser import RawRequestMessage
from aiohttp.web_protocol import RequestHandler
from multidict import CIMultiDict, CIMultiDictProxy

from .door import Door

HEAD_WITHIN = 10.0
"""Seconds for a request's head to arrive as a whole, from its first byte or from the connection's beginning."""
TAKE_WITHIN = 10.0
"""Seconds for a client to take what it is sent, once the buffers of its connection are full."""
LARGEST_HEAD = 32 * 1024
"""Bytes that a request's head may have."""
MOST_FIELDS = 64
"""Header fields that a request may have."""

Refuse = Callable[[int, str], web.Response]
"""The answer with this status that says why, to what is refused before any route is found."""

_SLICE = 16 * 1024
"""Bytes that are parsed at once: so much of a head may come in uncounted, behind the end of another request."""


class Connection(RequestHandler):
    """One connection: aiohttp's, with limits."""

    __slots__ = ("_arrives", "_body", "_door", "_head", "_is_taken", "_readable", "_refuse")

    def __init__(
        self,
        manager: "Server",
        door: Door,
        refuse: Refuse,
        **options: Any,  # noqa: ANN401 - aiohttp's own, handed on
    ) -> None:
        super().__init__(manager, **options)
        self._door = door
        self._refuse = refuse
        self._body: StreamReader | None = None
        self._head = 0
        self._readable = True
        self._arrives = Deadline(self._loop, lambda: self.end("slow head"))
        self._is_taken = Deadline(self._loop, lambda: self.end("slow answer"))

    @property
    def idle(self) -> bool:
        """Whether it asks for nothing now."""
        return self._current_request is None and not self._messages

    def end(self, why: str) -> None:
        """Close it at once, with whatever stands in its buffers."""
        self._door.closes(why)
        transport = self.transport
        self.force_close()
        if transport is not None:
            transport.abort()

    # --- what arrives --------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, unless there is no room."""
        peer = transport.get_extra_info("peername")
        if not self._door.enter(self, str(peer[0]) if isinstance(peer, tuple) else ""):
            transport.abort()  # type: ignore[attr-defined]  # of every transport that can write
            return
        super().connection_made(transport)
        self._arrives.begin(HEAD_WITHIN)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Stop its clocks, and give its place back."""
        self._arrives.stop()
        self._is_taken.stop()
        self._door.leave(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what has arrived, and count it as long as it is a head."""
        for start in range(0, max(len(data), 1), _SLICE):
            if self._readable:
                self._parse(data[start : start + _SLICE])

    def _parse(self, data: bytes) -> None:
        heads, in_head = self._request_count, self._body is None or self._body.is_eof()
        super().data_received(data)
        if self._request_count != heads:
            message, self._body = self._messages[-1]
            # Behind what can't be read nothing can: aiohttp would keep every further piece, with a refusal of its own.
            self._readable = isinstance(message, RawRequestMessage)
            self._head = 0
            self._arrives.stop()
        elif in_head and data and not self._buffer_paused:
            self._head += len(data)
            if self._head > LARGEST_HEAD:
                self._refuse_head()
            else:
                self._arrives.begin(HEAD_WITHIN)

    def _refuse_head(self) -> None:
        transport, idle = self.transport, self.idle
        if transport is None:
            return
        self._door.closes("large head")
        if idle:
            transport.write(_raw(self._refuse(431, _TOO_LARGE)))
        self.force_close()
        transport.close()

    # --- what is sent --------------------------------------------------------------------------

    def pause_writing(self) -> None:
        """Its buffers are full: from now on the client has `TAKE_WITHIN` seconds to take something."""
        super().pause_writing()
        self._is_taken.begin(TAKE_WITHIN)

    def resume_writing(self) -> None:
        """The client has taken something: its buffers have room again."""
        super().resume_writing()
        self._is_taken.stop()

    # --- what goes wrong -----------------------------------------------------------------------

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - aiohttp's quotes what was sent
    ) -> web.StreamResponse:
        """Answer what can't be read, and what fails outside every route.

        What was sent is told to nobody: it may hold a token.
        """
        if request.writer.output_size > 0:
            raise ConnectionError("another answer has begun")
        if status != HTTPStatus.BAD_REQUEST:
            self._door.closes("failed", error=type(exc).__name__)
            response = self._refuse(500, "The server failed at this request.")
        else:
            self._door.closes("unreadable")
            too_large = isinstance(exc, LineTooLong)
            response = self._refuse(431, _TOO_LARGE) if too_large else self._refuse(400, _UNREADABLE)
        response.force_close()
        return response

    def log_exception(self, *_args: object, exc_info: BaseException | None = None, **_kw: object) -> None:
        """Count and log only the type of an exception: the text of aiohttp's exceptions quotes what was sent."""
        self._door.closes("failed", error=type(exc_info).__name__)


class Deadline:
    """Calls something after a time, unless it is stopped before. Beginning it while it runs changes nothing."""

    __slots__ = ("_call", "_loop", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
        self._loop = loop
        self._call = call
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, seconds: float) -> None:
        """Let it run from now, if it does not run already."""
        if self._timer is None:
            self._timer = self._loop.call_later(seconds, self._call)

    def stop(self) -> None:
        """Stop it; nothing is called."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class Server(web.Server):
    """Makes connections that know the door."""

    def __init__(self, door: Door, refuse: Refuse, made: web.Server, **options: Any) -> None:  # noqa: ANN401 - likewise
        super().__init__(made.request_handler, request_factory=_expecting_nothing(made), **options)
        self._door = door
        self._refuse = refuse

    def __call__(self) -> RequestHandler:
        """A new connection."""
        return Connection(self, self._door, self._refuse, loop=self._loop, **self._kwargs)


class Runner(web.AppRunner):
    """Runs the application so that every connection must pass the door."""

    __slots__ = ("_door", "_refuse")

    def __init__(
        self,
        app: web.Application,
        door: Door,
        refuse: Refuse,
        **options: Any,  # noqa: ANN401 - likewise
    ) -> None:
        # Bodies are not unpacked: a small one may unpack to gigabytes, and nobody needs it.
        super().__init__(
            app,
            access_log=None,
            auto_decompress=False,
            max_headers=MOST_FIELDS,
            **options,
        )
        self._door = door
        self._refuse = refuse

    async def _make_server(self) -> web.Server:
        return Server(self._door, self._refuse, await super()._make_server(), **self._kwargs)


def _expecting_nothing(made: web.Server) -> Callable[..., web.BaseRequest]:
    """Make requests without `Expect`: aiohttp would refuse what it does not know of it before any of our checks."""

    def make(message: RawRequestMessage, *more: Any) -> web.BaseRequest:  # noqa: ANN401 - aiohttp's own, handed on
        expects = message.headers.get(hdrs.EXPECT, "") if message.headers else ""
        if expects and expects.lower() != "100-continue":
            kept = CIMultiDict(message.headers)
            del kept[hdrs.EXPECT]
            message = message._replace(headers=CIMultiDictProxy(kept))
        return made.request_factory(message, *more)

    return make


_TOO_LARGE = f"The head is larger than {LARGEST_HEAD // 1024} KiB, or a line of it than 8 KiB. Send less."
_UNREADABLE = "This is no HTTP request that can be read. Look for stray characters in its head."


def _raw(response: web.Response) -> bytes:
    """An answer for a connection that has no request yet."""
    body = bytes(response.body) if isinstance(response.body, bytes) else b""
    headers = {**response.headers, "Content-Length": str(len(body)), "Connection": "close"}
    lines = [f"HTTP/1.1 {response.status} {HTTPStatus(response.status).phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body
