"""One event stream: counted while it is open, ended where there is no room, and given up where nobody takes it."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from aiohttp import web

from mlrollout.server.metrics import METRICS

from .addresses import ADDRESS
from .open_streams import Stream, Streams
from .problem import log_fault

TAKE_WITHIN = 10.0
"""Seconds for a client to take what it is sent, once the buffers of its connection are full."""
COME_BACK_AFTER = 60.0
"""Seconds after which a client may come back whose stream had to go: sooner it would only push out another."""

STREAMS = web.AppKey("streams", Streams)

Send = Callable[[str], Awaitable[None]]
"""Sends text.

Raises:
    ConnectionError: The client is gone.
    TimeoutError: It takes nothing any more.
"""


async def event_stream(
    request: web.Request, holder: str, tell: Callable[[Send], Awaitable[None]], last: str
) -> web.StreamResponse:
    """Send events until the client goes.

    Args:
        request: What asks for them.
        holder: Whose they are; empty where many may share it.
        tell: Sends the events; its end is the stream's.
        last: What is sent where the stream had to make room.
    """
    streams, gauge = request.app[STREAMS], request.app[METRICS].streams
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"})

    async def send(text: str) -> None:
        async with asyncio.timeout(TAKE_WITHIN):
            await response.write(text.encode())

    with suppress(ConnectionError, TimeoutError):  # it is gone, takes nothing any more, or had to go
        async with asyncio.timeout(None) as life:
            mine = Stream(holder, request[ADDRESS], life)
            streams.add(mine)
            gauge.set(len(streams))
            try:
                await response.prepare(request)
                await _told(request, tell, send)
            finally:
                streams.discard(mine)
                gauge.set(len(streams))
        return response
    with suppress(ConnectionError, TimeoutError):
        await send(last)
    return response


async def _told(request: web.Request, tell: Callable[[Send], Awaitable[None]], send: Send) -> None:
    """Tell; a fault ends the stream as if it were over, for an answer that has begun can't become another one."""
    try:
        await tell(send)
    except (ConnectionError, TimeoutError):
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, the client comes back and hears more than nothing
        log_fault(request, error)
