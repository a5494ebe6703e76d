"""The event stream of OFREP: a client is told to evaluate anew, whenever a rollout has changed."""

import asyncio
import json
import random
from contextlib import suppress

from aiohttp import web

from mlrollout.server.auth.access import known_caller
from mlrollout.server.auth.guard import LIMIT
from mlrollout.server.http.addresses import ADDRESS
from mlrollout.server.metrics import METRICS

from .changes import CHANGES
from .open_streams import Stream, Streams
from .ticket import TICKETS

PATH = "/ofrep/v1/events"
ALIVE_EVERY = 15.0
"""Seconds between two signs of life; a proxy that hears nothing may hang up."""
TAKE_WITHIN = 10.0
"""Seconds for a client to take what it is sent, once the buffers of its connection are full."""
COME_BACK_AFTER = 60.0
"""Seconds after which a client may come back whose stream had to go: sooner it would only push out another."""

STREAMS = web.AppKey("streams", Streams)


def add(app: web.Application) -> None:
    """Add the route."""
    app.router.add_get(PATH, stream, allow_head=False)


def offer(request: web.Request, user_id: str) -> dict[str, object]:
    """The event stream as an answer offers it, with a ticket for the user who was asked for."""
    ticket = request.app[TICKETS].now(f"{known_caller(request).name}\0{user_id}")
    return {"type": "sse", "endpoint": {"requestUri": f"{PATH}?ticket={ticket}"}, "inactivityDelaySec": 120}


async def stream(request: web.Request) -> web.StreamResponse:
    """Send an event for each change, until the client goes.

    It begins with one event, unless the client says by `Last-Event-ID` that it knows how things stand: what changed
    while it was not listening would otherwise be lost.
    """
    holder = request.app[TICKETS].holder(request.query.get("ticket", ""))
    if holder is None:
        holder = known_caller(request).user or ""
    streams, gauge = request.app[STREAMS], request.app[METRICS].streams
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"})
    request[LIMIT].reschedule(None)
    with suppress(ConnectionError, TimeoutError):  # it is gone, takes nothing any more, or had to go
        async with asyncio.timeout(None) as life:
            mine = Stream(holder, request[ADDRESS], life)
            streams.add(mine)
            gauge.set(len(streams))
            try:
                await response.prepare(request)
                await _tell(request, response)
            finally:
                streams.discard(mine)
                gauge.set(len(streams))
        return response
    with suppress(ConnectionError, TimeoutError):
        await _send(response, f"retry: {COME_BACK_AFTER * 1000:.0f}\n\n")
    return response


async def _tell(request: web.Request, response: web.StreamResponse) -> None:
    changes = request.app[CHANGES]
    seen = request.headers.get("Last-Event-ID", "")
    # Clients that were cut off together should not come back together.
    await _send(response, f"retry: {random.randint(1000, 4000)}\n\n")  # noqa: S311 - jitter is no secret
    while not changes.closed:
        if not await changes.other_than(seen, ALIVE_EVERY):
            await _send(response, ": alive\n\n")
        elif not changes.closed:
            seen = changes.version
            event = json.dumps({"type": "refetchEvaluation", "etag": seen})
            await _send(response, f"id: {seen}\ndata: {event}\n\n")


async def _send(response: web.StreamResponse, text: str) -> None:
    async with asyncio.timeout(TAKE_WITHIN):
        await response.write(text.encode())
