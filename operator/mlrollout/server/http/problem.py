"""Failed requests: their answers as `application/problem+json` (RFC 9457), or in another dialect."""

import json
import traceback
from collections.abc import Callable, Collection, Mapping
from http import HTTPStatus
from typing import Any

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from mlrollout.listening.headers import EVERY_ANSWER

log = structlog.get_logger(__name__)

LARGEST_BODY = 64 * 1024
"""Bytes that a request's body may have."""

LONGEST_PATH = 200
"""Characters of a path that an answer repeats to whoever sent it."""

NAMES: web.AppKey[Collection[str]] = web.AppKey("names")
"""The names in paths that the server knows: only these are logged."""
ANY_NAME = r"[\s\S]+"
"""The pattern of a name in a route: anything, line breaks and slashes as well, so that the route itself can say 404."""

_LAST = {"Connection": "close"}
"""The header of an answer that ends its connection, from which nothing more can be read."""

Dialect = Callable[[web.Request, "HttpProblem"], web.Response]


class HttpProblem(Exception):  # noqa: N818 - RFC 9457 calls it a problem
    """A request that fails: its answer has this status and says why.

    Args:
        status: The HTTP status.
        detail: What happened, what it means and what to do; it holds no secret.
        headers: Further ones of the answer.
        members: Further ones of the document.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        **members: Any,  # noqa: ANN401 - JSON
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = dict(headers or {})
        self.members = members


def shown(_request: web.Request, problem: HttpProblem) -> web.Response:
    """A problem as the A/B API has it."""
    return plain(problem)


def plain(problem: HttpProblem) -> web.Response:
    """The document of RFC 9457."""
    document = {
        "type": "about:blank",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
        **problem.members,
    }
    return json_response(document, problem, "application/problem+json")


def refusal(status: int, detail: str) -> web.Response:
    """The document for what is refused before any route is found; no other place adds `EVERY_ANSWER` to it."""
    response = plain(HttpProblem(status, detail))
    response.headers.update(EVERY_ANSWER)
    return response


def json_response(document: Mapping[str, Any], problem: HttpProblem, content_type: str) -> web.Response:
    """A problem's answer with this document."""
    return web.Response(
        body=json.dumps(document).encode(),
        status=problem.status,
        headers={**problem.headers, "Content-Type": content_type},
    )


def problems(dialects: Mapping[str, Dialect]) -> Middleware:
    """Answer whatever is raised; `dialects` are those of paths that begin with their keys."""

    @web.middleware
    async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except HttpProblem as problem:
            found = problem
        except web.HTTPException as error:
            found = _of_aiohttp(request, error)
        except (ConnectionError, TimeoutError) as error:
            log.warning("A request was given up", path=told_path(request), error=type(error).__name__)
            found = HttpProblem(
                503, "The answer took too long, and was given up. Try again.", headers={"Retry-After": "1"}
            )
        except web.RequestPayloadError:
            found = HttpProblem(400, "The body is not framed as its head says. Send it again.", headers=_LAST)
        except Exception as error:  # noqa: BLE001 - whatever it is, the next request is answered
            log_fault(request, error)
            found = HttpProblem(500, "The server failed at this request. Its log says why.")
        dialect = next((one for prefix, one in dialects.items() if request.path.startswith(prefix)), shown)
        return dialect(request, found)

    return answer


def log_fault(request: web.Request, error: Exception) -> None:
    """Log what a request failed by, without the text of it, which may hold what was sent, and so a token."""
    log.error("A request failed", path=told_path(request), error=type(error).__name__, at=_at(error))


def told_path(request: web.Request) -> str:
    """A path as it is logged: the route, and in it the name if the server knows it.

    What a stranger made up is not logged: it may be a token in the wrong place, or a forged line.
    """
    match = request.match_info
    resource = match.route.resource
    if resource is None:
        return "none"
    path = resource.canonical
    for part, name in match.items():
        path = path.replace(f"{{{part}}}", name) if name in request.app[NAMES] else path
    return path


def _of_aiohttp(request: web.Request, error: web.HTTPException) -> HttpProblem:
    match error.status:
        case 404:
            return HttpProblem(
                404, f"There is nothing at {request.path[:LONGEST_PATH]}. docs/server.md lists what there is."
            )
        case 405:
            allowed = error.headers.get("Allow", "")
            return HttpProblem(405, f"{request.path[:LONGEST_PATH]} takes {allowed} only.", headers={"Allow": allowed})
        case 413:
            return too_large()
        case _:
            return HttpProblem(error.status, error.reason)


def too_large() -> HttpProblem:
    """A body above the limit."""
    return HttpProblem(413, f"The body is larger than {LARGEST_BODY // 1024} KiB. Send less.", headers=_LAST)


def _at(error: BaseException) -> list[str]:
    """Where an exception came from, the innermost place last."""
    return [f"{one.filename}:{one.lineno} {one.name}" for one in traceback.extract_tb(error.__traceback__)[-8:]]
