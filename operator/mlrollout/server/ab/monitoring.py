"""How the dispatches of the last minutes went, by Prometheus."""

import time

from aiohttp import web

from mlrollout.assignment import Group
from mlrollout.ports import SourceError
from mlrollout.server.auth.access import permitted_rollout
from mlrollout.server.auth.callers import Role
from mlrollout.server.backends import BACKENDS
from mlrollout.server.http.problem import HttpProblem

from . import figures
from .models import MonitoringAnswer, Point


async def monitoring(request: web.Request) -> MonitoringAnswer:
    """How the dispatches of the last minutes went, by Prometheus."""
    served = await permitted_rollout(request, Role.VIEW)
    minutes = _minutes(request.query.get("window_minutes", "60"))
    prometheus, prefix = request.app[BACKENDS].figures, served.entry.prefix
    if prometheus is None:
        raise HttpProblem(501, "The server knows no Prometheus: name it as `prometheus` in the server's configuration.")
    window = figures.QueryRange.until(int(time.time()), minutes)
    try:
        whole = await prometheus.at(figures.query(prefix, minutes * figures.MINUTE), window.last)
        parts = await prometheus.over(figures.query(prefix, window.step), window.first, window.last, window.step)
    except SourceError as error:
        raise HttpProblem(503, f"{error} Traffic goes on as it is meanwhile.", headers={"Retry-After": "5"}) from None
    series = figures.series(window, ((one.labels, one.points) for one in parts))
    counts = figures.counts((one.labels, one.points[0][1]) for one in whole)
    return MonitoringAnswer(
        **_grouped(counts),
        window_minutes=minutes,
        step_seconds=window.step,
        series=[Point(**_grouped(part), at=moment) for moment, part in series.items()],
    )


def _grouped(counts: figures.FigureCounts) -> dict[str, object]:
    groups = {group: figures.figures(counts, [group]) for group in Group}
    return {**dict(figures.figures(counts)), "groups": groups}


def _minutes(text: str) -> int:
    # By its length first: of a text of thousands of digits Python makes no number.
    if (
        len(text) <= len(str(figures.LONGEST_WINDOW))
        and text.isascii()
        and text.isdigit()
        and 1 <= int(text) <= figures.LONGEST_WINDOW
    ):
        return int(text)
    raise HttpProblem(422, f"window_minutes must be a whole number from 1 to {figures.LONGEST_WINDOW}.")
