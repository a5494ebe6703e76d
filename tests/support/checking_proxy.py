"""A proxy in front of a real Prometheus that lets through only who shows what it asks for."""

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web


class CheckingProxy:
    """What it asks for may change while it runs.

    Attributes:
        asks: The headers that a request must have, by name.
        seen: The headers of the requests so far.
    """

    def __init__(self, behind: str, asks: Mapping[str, str]) -> None:
        self._behind = behind
        self.asks = dict(asks)
        self.seen: list[Mapping[str, str]] = []
        self.address = ""

    async def answer(self, request: web.Request) -> web.Response:
        """Prometheus' answer, or 401."""
        self.seen.append(dict(request.headers))
        if any(request.headers.get(name) != value for name, value in self.asks.items()):
            return web.Response(status=401)
        form = dict(await request.post())
        async with (
            aiohttp.ClientSession() as session,
            session.request(request.method, self._behind + request.path_qs, data=form) as response,
        ):
            body, kind = await response.read(), response.headers["Content-Type"]
            return web.Response(body=body, status=response.status, headers={"Content-Type": kind})


@asynccontextmanager
async def checking(
    behind: str, asks: Mapping[str, str] | None = None, tls: ssl.SSLContext | None = None
) -> AsyncIterator[CheckingProxy]:
    """A proxy on loopback.

    Args:
        behind: The address of the real Prometheus.
        asks: The headers that it asks for.
        tls: With which it serves; `None` for plain HTTP.
    """
    proxy = CheckingProxy(behind, asks or {})
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", proxy.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    try:
        await site.start()
        port = runner.addresses[0][1]
        proxy.address = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
        yield proxy
    finally:
        await runner.cleanup()
