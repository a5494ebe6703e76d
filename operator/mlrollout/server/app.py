"""The application: what is asked before every route, and the routes."""

from collections.abc import Sequence

from aiohttp import web

from . import health
from .access import Callers
from .config import Config
from .guard import Headers, guard
from .limits import Rate
from .metrics import METRICS, Metrics, measure
from .problem import LARGEST_BODY, problems
from .served import ROLLOUTS, Rollouts


def make(config: Config, rollouts: Rollouts, callers: Sequence[Callers]) -> web.Application:
    """The application for these rollouts, which `callers` know who may use."""
    metrics = Metrics()
    app = web.Application(
        client_max_size=LARGEST_BODY,
        middlewares=[
            measure(metrics),
            problems({}),
            guard(callers, config.origins, Rate(config.rate)),
        ],
    )
    app[ROLLOUTS] = rollouts
    app[METRICS] = metrics
    app.on_response_prepare.append(Headers(config.origins))
    health.add(app)
    return app
