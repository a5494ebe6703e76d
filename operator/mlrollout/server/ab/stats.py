"""The A/B API: assignment, statistics and monitoring of a rollout."""

import time

from aiohttp import web

from mlrollout.adapters.redis import Ratings
from mlrollout.assignment import Group
from mlrollout.ports import SourceError, TrafficError
from mlrollout.server.auth.access import Caller, Role, forbidden, known, require
from mlrollout.server.backends import BACKENDS
from mlrollout.server.http.problem import Problem
from mlrollout.server.rollouts import Served, named

from . import figures
from .models import AssignmentAnswer, MonitoringAnswer, Point, Satisfaction, StatsAnswer

NO_TEXT = "\ufffd"
"""What stands in a query for bytes that are no UTF-8: many users would be one."""


async def assignment(request: web.Request) -> AssignmentAnswer:
    """Which path a user gets.

    Whatever is wrong with the user's id is answered by control; who may not ask for that user is told so.
    """
    caller = known(request)
    served, asked = named(request), request.query.get("user_id")
    user_id = await speaks_for(caller, served, asked, Role.ASSIGN) or ""
    found = served.assign("" if NO_TEXT in user_id else user_id, _revision(request))
    return AssignmentAnswer(group=found.group, ml_enabled=found.group is Group.TREATMENT, reason=found.reason)


def _revision(request: web.Request) -> str | None:
    """The revision that the caller runs; `None` where it does not say.

    Raises:
        Problem: It says so, and names none: a percentage that one revision has earned is not for any.
    """
    revision = request.query.get("revision")
    if revision == "":
        raise Problem(422, "revision must not be empty: name what the caller runs, or leave it out.")
    return revision


async def speaks_for(caller: Caller, served: Served, asked: str | None, role: Role) -> str | None:
    """Who is meant: whose session it is, or who is asked for.

    Raises:
        Problem: The caller may not speak for them.
    """
    if caller.user is not None and asked in (None, caller.user):
        return caller.user
    if not await caller.may(role, served):
        raise forbidden(caller, f"the role {role}")
    return asked


# --- statistics --------------------------------------------------------------------------------


async def stats(request: web.Request) -> StatsAnswer:
    """Who has taken part in this attempt, and where it stands."""
    served = await permitted(request, Role.VIEW)
    state, backends = served.rollout.state, request.app[BACKENDS]
    attempt = state.record.attempt if state.record else 0
    try:
        users = await backends.users.count(served.rollout.key, attempt)
        ratings = await backends.survey.totals(served.rollout.key, attempt)
    except TrafficError as error:
        raise redis_gone(request, error) from None
    return StatsAnswer(
        total_users=users.total,
        control_count=users.control,
        treatment_count=users.treatment,
        treatment_percentage=round(100 * users.treatment / users.total, 2) if users.total else None,
        rollout_percentage=state.percentage,
        stage=state.record.stage if state.record else "",
        revision=state.record.revision if state.record else "",
        attempt=state.record.ordinal if state.record else 0,
        reason=state.reason,
        satisfaction={group: _satisfaction(ratings.get(group, Ratings())) for group in Group},
    )


def _satisfaction(ratings: Ratings) -> Satisfaction:
    return Satisfaction(ratings=ratings.number, average=ratings.average)


async def permitted(request: web.Request, role: Role) -> Served:
    """The rollout of the path, where the caller has the role for it.

    Raises:
        Problem: They have not, nobody knows them, or there is no such rollout.
    """
    known(request)  # a stranger is not told which rollouts there are
    served = named(request)
    await require(request, role, served)
    return served


def redis_gone(request: web.Request, error: TrafficError) -> Problem:
    """What is told where Redis can't be asked; which one that is, the log says."""
    request.app[BACKENDS].tell("Redis can't be asked for counts", error)
    return Problem(
        503, "What is counted can't be reached now. Try again once it is back.", headers={"Retry-After": "1"}
    )


# --- monitoring --------------------------------------------------------------------------------


async def metrics(request: web.Request) -> MonitoringAnswer:
    """How the dispatches of the last minutes went, by Prometheus."""
    served = await permitted(request, Role.VIEW)
    minutes = _minutes(request.query.get("window_minutes", "60"))
    prometheus, prefix = request.app[BACKENDS].figures, served.entry.prefix
    if prometheus is None:
        raise Problem(501, "The server knows no Prometheus: name it as `prometheus` in the server's configuration.")
    window = figures.Window.until(int(time.time()), minutes)
    try:
        whole = await prometheus.at(figures.query(prefix, minutes * figures.MINUTE), window.last)
        parts = await prometheus.over(figures.query(prefix, window.step), window.first, window.last, window.step)
    except SourceError as error:
        raise Problem(503, f"{error} Traffic goes on as it is meanwhile.", headers={"Retry-After": "5"}) from None
    series = figures.series(window, ((one.labels, one.points) for one in parts))
    counts = figures.counts((one.labels, one.points[0][1]) for one in whole)
    return MonitoringAnswer(
        **_grouped(counts),
        window_minutes=minutes,
        step_seconds=window.step,
        series=[Point(**_grouped(part), at=moment) for moment, part in series.items()],
    )


def _grouped(counts: figures.Counts) -> dict[str, object]:
    groups = {group: figures.figures(counts, [group]) for group in Group}
    return {**dict(figures.figures(counts)), "groups": groups}


def _minutes(text: str) -> int:
    if text.isascii() and text.isdigit() and 1 <= int(text[:6]) <= figures.LONGEST_WINDOW:
        return int(text)
    raise Problem(422, f"window_minutes must be a whole number from 1 to {figures.LONGEST_WINDOW}.")
