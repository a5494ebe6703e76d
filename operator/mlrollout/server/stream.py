"""The event stream of OFREP: a client is told to evaluate anew, whenever a rollout has changed."""

import asyncio
import json
import random

from aiohttp import web

from .access import known
from .changes import CHANGES
from .guard import LIMIT
from .metrics import METRICS
from .problem import Problem
from .ticket import TICKETS

PATH = "/ofrep/v1/events"
MOST_STREAMS = 2000
ALIVE_EVERY = 15.0
"""Seconds between two signs of life; a proxy that hears nothing may hang up."""
TAKE_WITHIN = 10.0
"""Seconds for a client to take what it is sent, once the buffers of its connection are full."""

_STREAMS: web.AppKey[set[web.StreamResponse]] = web.AppKey("streams")


def add(app: web.Application) -> None:
    """Add the route."""
    app[_STREAMS] = set()
    app.router.add_get(PATH, stream, allow_head=False)


def offer(app: web.Application) -> dict[str, object]:
    """How a client is told of the stream."""
    uri = f"{PATH}?ticket={app[TICKETS].now()}"
    return {"type": "sse", "endpoint": {"requestUri": uri}, "inactivityDelaySec": 120}


async def stream(request: web.Request) -> web.StreamResponse:
    """Tell of changes until the client goes.

    It begins with one event, unless the client says by `Last-Event-ID` that it knows how things stand: what changed
    while it was not listening would otherwise be lost.
    """
    if not request.app[TICKETS].valid(request.query.get("ticket", "")):
        known(request)
    streams = request.app[_STREAMS]
    if len(streams) >= MOST_STREAMS:
        raise Problem(503, "Too many streams are open. Poll instead, or try again.", headers={"Retry-After": "30"})
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"})
    streams.add(response)
    request.app[METRICS].streams.set(len(streams))
    try:
        request[LIMIT].reschedule(None)
        await response.prepare(request)
        await _tell(request, response)
    except (ConnectionError, TimeoutError):
        pass  # it is gone, or takes nothing any more
    finally:
        streams.discard(response)
        request.app[METRICS].streams.set(len(streams))
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
