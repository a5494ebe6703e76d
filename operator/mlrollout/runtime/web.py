"""The operator's own small HTTP server: `/livez`, `/readyz`, `/metrics`."""

from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web

from mlrollout.listening.connection import Runner
from mlrollout.listening.descriptors import room
from mlrollout.listening.door import Door
from mlrollout.listening.headers import EVERY_ANSWER
from mlrollout.listening.metrics import ConnectionMetrics
from mlrollout.listening.rendering import Rendering
from mlrollout.startup.settings import SettingsError

from .metrics import OperatorMetrics

log = structlog.get_logger(__name__)

PORT = "operator"
"""What the port is called in the names of its metrics."""
MOST = 256
"""Connections in all: whoever reaches the port must not take the descriptors and the memory that guarding needs."""
MOST_PER_ADDRESS = 32
FEWEST = 16
"""Connections where the process may open next to no files: it guards all the same."""


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
    app.router.add_get("/metrics", Rendering(metrics.render).answer)
    app.on_response_prepare.append(_add_headers)
    door = Door(_room(), MOST_PER_ADDRESS, ConnectionMetrics(PORT, metrics.registry))
    runner = Runner(app, door, _refuse)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    return runner


def _room() -> int:
    try:
        return room(MOST)
    except SettingsError as error:
        log.warning("There are descriptors for next to no connections", connections=FEWEST, error=str(error))
        return FEWEST


def _check(wrong: Callable[[], str]) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(_request: web.Request) -> web.Response:
        problem = wrong()
        return web.Response(text=problem or "ok", status=503 if problem else 200)

    return answer


async def _add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(EVERY_ANSWER)


def _refuse(status: int, detail: str) -> web.Response:
    return web.Response(text=detail, status=status, headers=EVERY_ANSWER)
