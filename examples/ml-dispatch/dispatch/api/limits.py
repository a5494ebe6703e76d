"""What is taken from strangers: bodies up to a size, within a time; and what every answer tells browsers."""

import asyncio
from collections.abc import Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .errors import answer

LARGEST_BODY = 64 * 1024
SECONDS = 10.0


class Bounded:
    """Reads a body before anybody works on it: one that is too large, or does not come, costs nothing else."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 413 or 408, or have the request answered."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        try:
            async with asyncio.timeout(SECONDS):
                body = await _read(receive)
        except TimeoutError:
            return await answer(408, "too_slow", f"The body did not arrive within {SECONDS:g} s.")(scope, receive, send)
        if body is None:
            too_large = answer(413, "too_large", f"A body has at most {LARGEST_BODY} bytes.", {"Connection": "close"})
            return await too_large(scope, receive, send)
        return await self._app(scope, _again(body, receive), send)


async def _read(receive: Receive) -> bytes | None:
    """The body; `None` as soon as it is too large."""
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > LARGEST_BODY:
            return None
        if message["type"] == "http.disconnect" or not message.get("more_body"):
            return bytes(body)


def _again(body: bytes, receive: Receive) -> Receive:
    """Hand the body over, and then what follows it."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def handed() -> Message:
        return waiting.pop() if waiting else await receive()

    return handed


class Told:
    """Adds the headers that keep a browser from guessing, framing and keeping.

    Args:
        app: What is answered.
        flag_server: Where the page may ask besides.
    """

    def __init__(self, app: ASGIApp, flag_server: str) -> None:
        self._app = app
        # A page is asked for anew each time, so that a deploy reaches who opens it; the files that it names have names
        # of their own in each build.
        self._headers: Mapping[bytes, bytes] = {
            b"x-content-type-options": b"nosniff",
            b"referrer-policy": b"same-origin",
            b"content-security-policy": (
                f"default-src 'self'; connect-src 'self' {flag_server}; style-src 'self'; "
                "img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
            ).encode(),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Have it answered, with the headers."""
        kept = b"no-cache" if scope.get("path") == "/" else b"no-store"
        hashed = scope.get("path", "").startswith("/assets/")

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                caching = [] if hashed else [(b"cache-control", kept)]
                message["headers"] = [*message.get("headers", []), *self._headers.items(), *caching]
            await send(message)

        await self._app(scope, receive, told)
