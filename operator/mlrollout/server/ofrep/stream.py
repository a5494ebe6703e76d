"""The event stream of OFREP: a client is told to evaluate anew, whenever a rollout has changed."""

import json
import random

from aiohttp import web

from mlrollout.server.auth.access import known_caller
from mlrollout.server.auth.guard import LIMIT
from mlrollout.server.http.event_stream import COME_BACK_AFTER, Send, event_stream

from .changes import CHANGES
from .ticket import TICKETS

PATH = "/ofrep/v1/events"
ALIVE_EVERY = 15.0
"""Seconds between two signs of life; a proxy that hears nothing may hang up."""


def add(app: web.Application) -> None:
    """Add the route."""
    app.router.add_get(PATH, stream, allow_head=False)


def offer(request: web.Request, user_id: str) -> dict[str, object]:
    """The event stream as an answer offers it, with a ticket for the user who was asked for."""
    ticket = request.app[TICKETS].now(f"{known_caller(request).name}\0{user_id}")
    return {"type": "sse", "endpoint": {"requestUri": f"{PATH}?ticket={ticket}"}, "inactivityDelaySec": 120}


def holder(request: web.Request) -> str | None:
    """Who shows a good ticket on the stream; `None` elsewhere, and where it is none."""
    return request.app[TICKETS].holder(request.query.get("ticket", "")) if request.path == PATH else None


async def stream(request: web.Request) -> web.StreamResponse:
    """Send an event for each change, until the client goes.

    It begins with one event, unless the client says by `Last-Event-ID` that it knows how things stand: what changed
    while it was not listening would otherwise be lost.
    """
    whose = holder(request)
    if whose is None:
        whose = known_caller(request).user or ""
    request[LIMIT].reschedule(None)
    last = f"retry: {COME_BACK_AFTER * 1000:.0f}\n\n"
    return await event_stream(request, whose, lambda send: _tell(request, send), last)


async def _tell(request: web.Request, send: Send) -> None:
    changes = request.app[CHANGES]
    seen = request.headers.get("Last-Event-ID", "")
    # Clients that were cut off together should not come back together.
    await send(f"retry: {random.randint(1000, 4000)}\n\n")  # noqa: S311 - jitter is no secret
    while not changes.closed:
        if not await changes.other_than(seen, ALIVE_EVERY):
            await send(": alive\n\n")
        elif not changes.closed:
            seen = changes.version
            event = json.dumps({"type": "refetchEvaluation", "etag": seen})
            await send(f"id: {seen}\ndata: {event}\n\n")
