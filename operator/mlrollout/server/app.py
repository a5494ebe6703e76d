"""The application: what is asked before every route, and the routes."""

from collections.abc import Sequence

from aiohttp import web

from . import health
from .ab import openapi, operations
from .auth.callers import Callers
from .auth.guard import Headers, guard
from .config import Config
from .http.event_stream import STREAMS
from .http.open_streams import Streams
from .http.problem import LARGEST_BODY, NAMES, problems
from .metrics import METRICS, ServerMetrics, measure
from .ofrep import flags, stream
from .ofrep.changes import CHANGES, Changes
from .ofrep.ticket import TICKETS, Tickets
from .rollout_lookup import ROLLOUTS
from .rollouts import Rollouts


def make(config: Config, rollouts: Rollouts, callers: Sequence[Callers], tickets: Tickets) -> web.Application:
    """The application for these rollouts, which `callers` know who may use."""
    metrics = ServerMetrics()
    for one in rollouts.values():
        metrics.satisfaction(one.entry.prefix)
    app = web.Application(
        client_max_size=LARGEST_BODY,
        middlewares=[
            measure(metrics),
            problems({flags.PREFIX: flags.shown}),
            guard(callers, config, metrics, stream.holder),
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
    for part in (health, flags, stream, operations, openapi):
        part.add(app)
    return app


async def _listen(app: web.Application) -> None:
    app[CHANGES].begin()


async def _hang_up(app: web.Application) -> None:
    app[CHANGES].close()
