"""The application: what is asked before every route, and the routes."""

from collections.abc import Sequence

from aiohttp import web

from . import health, ofrep, openapi, operations, stream
from .access import Callers
from .changes import CHANGES, Changes
from .config import Config
from .guard import Headers, guard
from .metrics import METRICS, Metrics, measure
from .problem import LARGEST_BODY, NAMES, problems
from .served import ROLLOUTS, Rollouts
from .stream import STREAMS
from .streams import Streams
from .ticket import TICKETS, Tickets


def make(config: Config, rollouts: Rollouts, callers: Sequence[Callers], tickets: Tickets) -> web.Application:
    """The application for these rollouts, which `callers` know who may use."""
    metrics = Metrics()
    for one in rollouts.values():
        metrics.satisfaction(one.entry.prefix)
    app = web.Application(
        client_max_size=LARGEST_BODY,
        middlewares=[
            measure(metrics),
            problems({ofrep.PREFIX: ofrep.shown}),
            guard(callers, config, metrics),
        ],
    )
    app[ROLLOUTS] = rollouts
    app[NAMES] = rollouts
    app[METRICS] = metrics
    app[TICKETS] = tickets
    app[STREAMS] = Streams(config.limits.streams, config.limits.streams_per_address)
    app[CHANGES] = Changes(rollouts)
    app.on_startup.append(_listen)
    app.on_shutdown.append(_hang_up)
    app.on_response_prepare.append(Headers(config.origins))
    for part in (health, ofrep, stream, operations, openapi):
        part.add(app)
    return app


async def _listen(app: web.Application) -> None:
    app[CHANGES].begin()


async def _hang_up(app: web.Application) -> None:
    app[CHANGES].close()
