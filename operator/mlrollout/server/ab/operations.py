"""Every operation of the A/B API, as one table: the routes and the OpenAPI document are made from it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from mlrollout.server.http.problem import ANY_NAME

from . import assignment, blocks, change_handlers, monitoring, stats, survey
from .figures import LONGEST_WINDOW
from .models import (
    ActAnswer,
    ApiAnswer,
    ApiRequest,
    AssignmentAnswer,
    BlocksAnswer,
    MonitoringAnswer,
    RatingTicketAnswer,
    RatingTicketRequest,
    RollbackRequest,
    RolloutRequest,
    SatisfactionAnswer,
    SatisfactionRequest,
    StatsAnswer,
)

Handler = Callable[[web.Request], Awaitable[ApiAnswer]]

_ALWAYS: Mapping[int, str] = {
    400: "The request is malformed.",
    401: "Nobody knows the caller.",
    403: "The caller may not, or a page of another host calls.",
    404: "There is no such rollout.",
    429: "Too many requests: see Retry-After.",
    503: "What is needed can't be reached, or took too long: see the detail.",
}
_WITH_BODY: Mapping[int, str] = {
    408: "The body did not arrive in time.",
    413: "The body is larger than 64 KiB.",
    415: "The body is not declared as JSON.",
    422: "The body is JSON, and makes no sense: `errors` lists the places.",
}


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation.

    Attributes:
        name: Its name in the document.
        path: Below the rollout's.
        handler: What answers; the first line of its docstring is the summary.
        answer: What is answered.
        role: What the caller needs, in words.
        body: What is sent; `None` for a `GET`.
        must_say: Whether anything must be sent.
        query: The parameters in the query, by name.
        good: What each status of success means.
        bad: What each further status means.
    """

    name: str
    path: str
    handler: Handler
    answer: type[ApiAnswer]
    role: str
    body: type[ApiRequest] | None = None
    must_say: bool = True
    query: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    good: Mapping[int, str] = field(default_factory=lambda: {200: "The answer."})
    bad: Mapping[int, str] = field(default_factory=dict)

    @property
    def method(self) -> str:
        """The method of HTTP."""
        return "POST" if self.body else "GET"

    @property
    def problems(self) -> Mapping[int, str]:
        """What each status of failure means."""
        return dict(sorted({**_ALWAYS, **(_WITH_BODY if self.body else {}), **self.bad}.items()))


_NO_OBJECT = {501: "The configuration names no object for the rollout, or there is no cluster."}

OPERATIONS = (
    Operation(
        "assignment",
        "ab-test/assignment",
        assignment.assignment,
        AssignmentAnswer,
        "The user's own session, or the role assign.",
        query={
            "user_id": {
                "description": "The user; left out with a session. An id that is none is nobody's, and in control.",
                "schema": {"type": "string"},
                "example": "kim",
            },
            "revision": {
                "description": "The revision that the caller runs, in place of the configuration's. While another one "
                "is rolled out the user is in control; left out with neither, that is not asked.",
                "schema": {"type": "string", "minLength": 1},
                "example": "ranker-2026-11-03",
            },
        },
        good={200: "The group; control wherever anything is unknown."},
        bad={422: "The revision is empty."},
    ),
    Operation(
        "stats",
        "ab-test/stats",
        stats.stats,
        StatsAnswer,
        "The role view or admin; in a cluster the right to get the MLRollout.",
    ),
    Operation(
        "rollout",
        "ab-test/rollout",
        change_handlers.rollout,
        ActAnswer,
        "The role admin; in a cluster the right to patch the MLRollout.",
        body=RolloutRequest,
        good={200: "It stands there already.", 202: "The operator is asked; it acts within moments."},
        bad={409: "This percentage can't be asked for now: `percentages` lists what can.", **_NO_OBJECT},
    ),
    Operation(
        "rollback",
        "ab-test/rollback",
        change_handlers.rollback,
        ActAnswer,
        "The role admin; in a cluster the right to patch the MLRollout.",
        body=RollbackRequest,
        must_say=False,
        good={202: "The operator is asked; it acts within moments."},
        bad={409: "There is no such MLRollout.", **_NO_OBJECT},
    ),
    Operation(
        "satisfaction",
        "ab-test/satisfaction",
        survey.satisfaction,
        SatisfactionAnswer,
        "The user's own session with a ticket of the application's; or the role rate.",
        body=SatisfactionRequest,
        good={200: "It does not count: `because` says why.", 201: "The rating is counted."},
        bad={409: "The user has rated this dispatch already."},
    ),
    Operation(
        "rating-ticket",
        "ab-test/rating-ticket",
        survey.rating_ticket,
        RatingTicketAnswer,
        "The role rate.",
        body=RatingTicketRequest,
        good={201: "The ticket."},
        bad={501: "The configuration names no key to sign tickets with."},
    ),
    Operation(
        "monitoring",
        "monitoring/metrics",
        monitoring.monitoring,
        MonitoringAnswer,
        "The role view or admin; in a cluster the right to get the MLRollout.",
        query={
            "window_minutes": {
                "description": "How far back to look.",
                "schema": {"type": "integer", "minimum": 1, "maximum": LONGEST_WINDOW, "default": 60},
                "example": 60,
            }
        },
        bad={422: "The window is none.", 501: "The configuration names no Prometheus."},
    ),
    Operation(
        "blocks",
        "monitoring/blocks",
        blocks.blocks,
        BlocksAnswer,
        "The role view or admin; in a cluster the right to get the MLRollout.",
        query={
            "guardrail": {
                "description": "The one that is wanted; left out: every one that tests block by block.",
                "schema": {"type": "string"},
                "example": "errors",
            },
            "attempt": {
                "description": "An attempt that is over: its number in the history, or -1 for the last one.",
                "schema": {"type": "integer", "default": 0},
                "example": -1,
            },
        },
        bad={
            404: "There is no such rollout, no such MLRollout, or nothing was counted of what is wanted.",
            422: "The attempt is no number, or the blocks are too many for one answer: ask for one guardrail.",
            501: "The configuration names no object for the rollout or no Prometheus, or there is no cluster.",
        },
    ),
)


def path(operation: Operation, name: str) -> str:
    """The operation's path; `name` stands for the rollout."""
    return f"/api/{name}/{operation.path}"


def add(app: web.Application) -> None:
    """Add the routes."""
    for operation in OPERATIONS:
        app.router.add_route(operation.method, path(operation, f"{{rollout:{ANY_NAME}}}"), _answering(operation))


def _answering(operation: Operation) -> Callable[[web.Request], Awaitable[web.Response]]:
    usual = max(operation.good)

    async def answer(request: web.Request) -> web.Response:
        found = await operation.handler(request)
        # Where there are two, the lesser one says that nothing had to be done.
        return web.Response(
            body=found.model_dump_json(by_alias=True).encode(),
            status=usual if found.changed else min(operation.good),
            content_type="application/json",
        )

    return answer
