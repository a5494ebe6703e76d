"""The least there is behind a server that speaks ASGI, for `benchmarks.strangers`."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any


async def app(scope: Mapping[str, Any], _receive: object, send: Callable[[Mapping[str, Any]], Awaitable[None]]) -> None:
    """Answer everything alike."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})
