"""`/metrics`, however many ask for it at once."""

import asyncio
from collections.abc import Callable

from aiohttp import web


class Rendering:
    """Shows what `render` answers with, made in a thread: one at a time, and the next for all who have asked meanwhile.

    Whoever asked often enough would take all threads that there are, and the time of the one that guards.
    """

    def __init__(self, render: Callable[[], bytes]) -> None:
        self._render = render
        self._one_at_a_time = asyncio.Lock()
        self._next: asyncio.Future[bytes] | None = None

    async def answer(self, _request: web.Request) -> web.Response:
        """What there is to show; nothing of it is older than the request."""
        if self._next is None:
            self._next = asyncio.ensure_future(self._begin())
        # Shielded: who hangs up must not end it for the others.
        text = await asyncio.shield(self._next)
        return web.Response(body=text, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    async def _begin(self) -> bytes:
        async with self._one_at_a_time:
            self._next = None  # whoever asks from now on may want what has happened since
            return await asyncio.to_thread(self._render)
