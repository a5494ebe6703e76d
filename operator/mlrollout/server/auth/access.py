"""What a caller may do: asked by every route that is not for everybody."""

from aiohttp import web

from mlrollout.server.http.problem import HttpProblem
from mlrollout.server.rollout_lookup import rollout_from_path
from mlrollout.server.rollouts import ServedRollout

from .callers import CALLER, UNKNOWN, Caller, Role, shows_token


def known_caller(request: web.Request) -> Caller:
    """The caller of a request.

    Raises:
        HttpProblem: Nobody knows them.
    """
    caller: Caller | None = request.get(CALLER)
    if caller is None and UNKNOWN in request:
        raise request[UNKNOWN]
    if caller is None:
        why = "The token is not valid" if shows_token(request) else "This needs a token"
        raise HttpProblem(
            401,
            f"{why}: send a valid one as `Authorization: Bearer …` or `X-API-Key`.",
            headers={"WWW-Authenticate": 'Bearer realm="mlrollout"'},
        )
    return caller


async def require(request: web.Request, role: Role, served: ServedRollout | None = None) -> Caller:
    """The caller, if they have the role.

    Raises:
        HttpProblem: They have not, or nobody knows them.
    """
    caller = known_caller(request)
    if not await caller.may(role, served):
        raise forbidden(caller, f"the role {role}")
    return caller


def forbidden(caller: Caller, lacking: str) -> HttpProblem:
    """The answer to a caller who lacks a right."""
    return HttpProblem(403, f"{caller.name} lacks {lacking} that this needs. Use a token that has it.")


async def permitted_rollout(request: web.Request, role: Role) -> ServedRollout:
    """The rollout of the path, if the caller has the role for it.

    Raises:
        HttpProblem: They have not; nobody knows them; or there is no such rollout.
    """
    known_caller(request)  # a stranger is not told which rollouts there are
    served = rollout_from_path(request)
    await require(request, role, served)
    return served


async def user_asked_for(caller: Caller, served: ServedRollout, asked: str | None, role: Role) -> str | None:
    """The user that a request is about: the one whose session it is, or the one who is asked for.

    Raises:
        HttpProblem: The caller may not speak for them.
    """
    if caller.user is not None and asked in (None, caller.user):
        return caller.user
    if not await caller.may(role, served):
        raise forbidden(caller, f"the role {role}")
    return asked
