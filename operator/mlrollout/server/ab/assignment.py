"""Which path a user gets."""

from aiohttp import web

from mlrollout.assignment import Group
from mlrollout.server.auth.access import known_caller, user_asked_for
from mlrollout.server.auth.callers import Role
from mlrollout.server.http.problem import HttpProblem
from mlrollout.server.rollout_lookup import rollout_from_path

from .models import AssignmentAnswer

NO_TEXT = "\ufffd"
"""What stands in a query for bytes that are no UTF-8. Many different ids would become one user by it."""


async def assignment(request: web.Request) -> AssignmentAnswer:
    """Which path a user gets.

    Whatever is wrong with the user's id is answered by control; who may not ask for that user is told so.
    """
    caller = known_caller(request)
    served, asked = rollout_from_path(request), request.query.get("user_id")
    user_id = await user_asked_for(caller, served, asked, Role.ASSIGN) or ""
    found = served.assign("" if NO_TEXT in user_id else user_id, _revision(request))
    return AssignmentAnswer(group=found.group, ml_enabled=found.group is Group.TREATMENT, reason=found.reason)


def _revision(request: web.Request) -> str | None:
    """The revision that the caller runs; `None` where it does not say.

    Raises:
        HttpProblem: It says so, and names none: a percentage that one revision has earned is not for any.
    """
    revision = request.query.get("revision")
    if revision == "":
        raise HttpProblem(422, "revision must not be empty: name what the caller runs, or leave it out.")
    return revision
