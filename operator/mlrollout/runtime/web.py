"""The operator's own small HTTP server: `/livez`, `/readyz`, `/metrics`."""

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

from .metrics import OperatorMetrics


async def serve(host: str, port: int, missing: Callable[[], str], metrics: OperatorMetrics) -> web.AppRunner:
    """Begin to answer; the caller cleans the runner up.

    Args:
        host: Where to listen.
        port: Likewise; 0 for any free one.
        missing: What is missing until the process is ready; empty where nothing is. A standby is ready, too.
        metrics: What to show.

    Raises:
        OSError: The address can't be had.
    """
    app = web.Application(client_max_size=1024)
    # It lives as long as its loop turns: a restart would forget what it guards, and could mend nothing else.
    app.router.add_get("/livez", _check(lambda: ""))
    app.router.add_get("/readyz", _check(missing))

    async def render(_request: web.Request) -> web.Response:
        text = await asyncio.to_thread(metrics.render)
        return web.Response(body=text, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    app.router.add_get("/metrics", render)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    return runner


def _check(wrong: Callable[[], str]) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(_request: web.Request) -> web.Response:
        problem = wrong()
        return web.Response(text=problem or "ok", status=503 if problem else 200)

    return answer
