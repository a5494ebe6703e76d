"""The operator's own small HTTP server: `/livez`, `/readyz`, `/metrics`."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from .metrics import Metrics


@dataclass(slots=True)
class Health:
    """What the process knows of its own well-being.

    Attributes:
        watching: Whether the first list of objects has been taken in.
        failed: Why the process is beyond help; empty while it is not.
    """

    watching: bool = False
    failed: str = ""

    def live(self) -> str:
        """What is wrong beyond help; empty if nothing."""
        return self.failed

    def ready(self) -> str:
        """What is missing until work can be done; empty if nothing. A standby is ready, too."""
        return self.failed or ("" if self.watching else "the list of MLRollout objects has not been read yet")


async def serve(host: str, port: int, health: Health, metrics: Metrics) -> web.AppRunner:
    """Begin to answer; the caller cleans the runner up.

    Raises:
        OSError: The address can't be had.
    """
    app = web.Application(client_max_size=1024)
    app.router.add_get("/livez", _check(health.live))
    app.router.add_get("/readyz", _check(health.ready))

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
