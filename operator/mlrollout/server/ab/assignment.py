"""Which path a user gets."""

from urllib.parse import parse_qsl

from aiohttp import web

from mlrollout.assignment import Group
from mlrollout.server.auth.access import known_caller, user_asked_for
from mlrollout.server.auth.callers import Role
from mlrollout.server.http.problem import HttpProblem
from mlrollout.server.rollout_lookup import rollout_from_path

from .models import AssignmentAnswer


async def assignment(request: web.Request) -> AssignmentAnswer:
    """Which path a user gets.

    Whatever is wrong with the user's id is answered by control; who may not ask for that user is told so.
    """
    caller = known_caller(request)
    served, asked = rollout_from_path(request), _asked(request)
    user_id = await user_asked_for(caller, served, asked, Role.ASSIGN) or ""
    found = served.assign(user_id, _revision(request))
    return AssignmentAnswer(group=found.group, ml_enabled=found.group is Group.TREATMENT, reason=found.reason)


def _asked(request: web.Request) -> str | None:
    """The user who is asked for; `None` for nobody.

    Bytes that are no UTF-8 become half surrogates here, which are no user's. The library makes the same U+FFFD of them
    all, which is a character as any other: many different ids would become one user by it, and one user nobody.
    """
    pairs = parse_qsl(request.rel_url.raw_query_string, keep_blank_values=True, errors="surrogateescape")
    return next((value for name, value in pairs if name == "user_id"), None)


def _revision(request: web.Request) -> str | None:
    """The revision that the caller runs; `None` where it does not say.

    Raises:
        HttpProblem: It says so, and names none: a percentage that one revision has earned is not for any.
    """
    revision = request.query.get("revision")
    if revision == "":
        raise HttpProblem(422, "revision must not be empty: name what the caller runs, or leave it out.")
    return revision
