"""From a request to the rollout that it is about."""

from aiohttp import web

from .http.problem import HttpProblem
from .rollouts import Rollouts, ServedRollout

ROLLOUTS: web.AppKey[Rollouts] = web.AppKey("rollouts")


def rollout_from_path(request: web.Request) -> ServedRollout:
    """The rollout that the path names as `{rollout}`.

    Raises:
        HttpProblem: There is none.
    """
    name, rollouts = request.match_info["rollout"], request.app[ROLLOUTS]
    try:
        return rollouts[name]
    except KeyError:
        there = ", ".join(rollouts)
        raise HttpProblem(404, f"There is no rollout {name[:100]!r} here. There are: {there}.") from None
