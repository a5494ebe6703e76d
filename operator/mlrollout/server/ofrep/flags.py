"""OFREP, the remote evaluation protocol of OpenFeature (0.3): a rollout is a flag."""

import json
import re
from collections.abc import Mapping
from http import HTTPStatus

from aiohttp import web

from mlrollout.server.auth.access import forbidden, known_caller
from mlrollout.server.auth.callers import Caller, Role
from mlrollout.server.http.body import MalformedError, parse, read
from mlrollout.server.http.problem import ANY_NAME, HttpProblem, json_response
from mlrollout.server.rollout_lookup import ROLLOUTS
from mlrollout.server.rollouts import ServedRollout

from .changes import CHANGES
from .evaluation import Asked, ContextError, asked, evaluate, tag
from .stream import offer
from .ticket import TICKETS

PREFIX = "/ofrep/"
CATCH_UP_WITHIN = 1.0
"""Seconds that a server waits for a change that another server has told the client of."""
_TAGS = re.compile(r'(?:W/)?"([^"]*)"')
_PACKED = re.compile(r"[-;:+.]+(?:gzip|br|zstd|deflate|df)$")
_FLAGS = "/ofrep/v1/evaluate/flags"


def add(app: web.Application) -> None:
    """Add the routes."""
    app.router.add_post(_FLAGS, all_flags)
    app.router.add_post(f"{_FLAGS}/{{key:{ANY_NAME}}}", one_flag)


class OfrepProblem(HttpProblem):
    """A problem with an error code of OFREP."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(status, detail)
        self.code = code


def shown(request: web.Request, problem: HttpProblem) -> web.Response:
    """A problem as an error document of OFREP."""
    code = problem.code if isinstance(problem, OfrepProblem) else "GENERAL"
    document = {"errorCode": code, "errorDetails": problem.detail}
    key = request.match_info.get("key")
    return json_response(document if key is None else {"key": key, **document}, problem, "application/json")


async def one_flag(request: web.Request) -> web.Response:
    """Evaluate one flag for the context's user."""
    caller, key = known_caller(request), request.match_info["key"]
    served = request.app[ROLLOUTS].get(key)
    context = await _context(request)
    await _check(caller, context.user_id, served)
    if served is None:
        raise OfrepProblem(
            404, "FLAG_NOT_FOUND", f"There is no flag {key[:100]!r} here. A flag is named as its rollout."
        )
    return _json(evaluate(served, context))


async def all_flags(request: web.Request) -> web.Response:
    """Evaluate every flag for the context's user, unless the client has the same evaluations already."""
    caller = known_caller(request)
    context = await _context(request)
    await _check(caller, context.user_id)
    await _catch_up(request)
    flags = [evaluate(served, context) for served in request.app[ROLLOUTS].values()]
    document = {"flags": flags, "eventStreams": [offer(request, context.user_id)]}
    # Not of the ticket itself, which is the user's own; but a new day's must get to the client, and so must one in
    # place of a ticket that this server refuses: another's, or one from before its file of tokens changed.
    tickets = request.app[TICKETS]
    name = tag([flags, tickets.ends, tickets.signer])
    etag = f'W/"{name}"'  # weak: the same evaluations come with another ticket to each user
    if _has(request, name):
        return web.Response(status=HTTPStatus.NOT_MODIFIED, headers={"ETag": etag})
    return _json(document, {"ETag": etag})


async def _check(caller: Caller, user_id: str, served: ServedRollout | None = None) -> None:
    """Refuse a caller without the role, unless they ask for themselves."""
    if caller.user != user_id and not await caller.may(Role.ASSIGN, served):
        raise forbidden(caller, f"the role {Role.ASSIGN}")


async def _catch_up(request: web.Request) -> None:
    """A client told of a change by another server must not get an answer older than it."""
    changes, heard = request.app[CHANGES], request.query.get("flagConfigEtag", "")
    if heard not in {"", changes.version}:
        await changes.other_than(changes.version, CATCH_UP_WITHIN)


async def _context(request: web.Request) -> Asked:
    body = await read(request)
    try:
        return asked(parse(body) if body.strip() else {})
    except MalformedError as error:
        raise OfrepProblem(400, "PARSE_ERROR", str(error)) from None
    except ContextError as error:
        raise OfrepProblem(400, error.code, str(error)) from None


def _has(request: web.Request, name: str) -> bool:
    """Whether the client has the answer of this tag. A proxy that packs answers weakens their tags, or adds how."""
    given = request.headers.get("If-None-Match", "")
    return given.strip() == "*" or any(_PACKED.sub("", one) == name for one in _TAGS.findall(given))


def _json(document: Mapping[str, object], headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(body=json.dumps(document).encode(), content_type="application/json", headers=headers)
