"""Who has taken part in an attempt, and where the rollout stands."""

from aiohttp import web

from mlrollout.adapters.redis import Ratings
from mlrollout.assignment import Group
from mlrollout.ports import TrafficError
from mlrollout.server.auth.access import permitted_rollout
from mlrollout.server.auth.callers import Role
from mlrollout.server.backends import BACKENDS, counts_unavailable

from .models import Satisfaction, StatsAnswer


async def stats(request: web.Request) -> StatsAnswer:
    """Who has taken part in this attempt, and where it stands."""
    served = await permitted_rollout(request, Role.VIEW)
    state, backends = served.rollout.state, request.app[BACKENDS]
    attempt = state.record.attempt if state.record else 0
    try:
        users = await backends.users.count(served.rollout.key, attempt)
        ratings = await backends.survey.totals(served.rollout.key, attempt)
    except TrafficError as error:
        raise counts_unavailable(request, error) from None
    return StatsAnswer(
        total_users=users.total,
        control_count=users.control,
        treatment_count=users.treatment,
        treatment_percentage=round(100 * users.treatment / users.total, 2) if users.total else None,
        rollout_percentage=state.percentage,
        holdback=state.holdback,
        stage=state.record.stage if state.record else "",
        revision=state.record.revision if state.record else "",
        attempt=state.record.ordinal if state.record else 0,
        reason=state.reason,
        satisfaction={group: _satisfaction(ratings.get(group, Ratings())) for group in Group},
    )


def _satisfaction(ratings: Ratings) -> Satisfaction:
    return Satisfaction(ratings=ratings.number, average=ratings.average)
