"""`/livez`, `/readyz`, `/metrics`: for probes and Prometheus."""

from time import monotonic

from aiohttp import web

from mlrollout.listening.rendering import Rendering

from .metrics import METRICS
from .rollout_lookup import ROLLOUTS

READ_WITHIN = 5.0
"""Seconds that Redis is given to be read first. After that the server answers without: control for everybody is
better for an application than no answer."""


def add(app: web.Application) -> None:
    """Add the routes."""
    began = monotonic()

    async def livez(_request: web.Request) -> web.Response:
        return web.Response(text="ok")

    async def readyz(request: web.Request) -> web.Response:
        unread = [name for name, served in request.app[ROLLOUTS].items() if not served.rollout.ready]
        if not unread:
            return web.Response(text="ok")
        waits = monotonic() - began < READ_WITHIN
        said = f"Redis has not been read yet for {', '.join(unread)}"
        return web.Response(text=said if waits else f"{said}: control for everybody", status=503 if waits else 200)

    app.router.add_get("/livez", livez)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", Rendering(app[METRICS].render).answer)
