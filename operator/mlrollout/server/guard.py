"""What stands before every route: who calls, from what page, how often; and the headers of every answer."""

import asyncio
import math
from collections.abc import Sequence

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from . import audit
from .access import CALLER, Caller, Callers
from .limits import Rate
from .problem import Problem

ANSWER_WITHIN = 15.0
"""Seconds for an answer to begin."""
LIMIT = web.RequestKey("limit", asyncio.Timeout)
"""A request's time; what takes longer on purpose moves it."""

OPEN = frozenset({"/livez", "/readyz", "/metrics"})
"""Paths for probes and Prometheus: nobody is asked who they are."""
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def guard(callers: Sequence[Callers], origins: frozenset[str], rate: Rate) -> Middleware:
    """Let a request through, or not."""

    @web.middleware
    async def pass_on(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path in OPEN:
            return await handler(request)
        _check_page(request, origins)
        if _is_preflight(request, origins):
            return web.Response(status=204)
        async with asyncio.timeout(ANSWER_WITHIN) as limit:
            request[LIMIT] = limit
            caller = await _identify(callers, request)
            if wait := rate.take(f"caller {caller.name}" if caller else f"remote {request.remote}"):
                raise _too_many(wait)
            if caller:
                request[CALLER] = caller
            try:
                return await handler(request)
            except Problem as problem:
                if problem.status in {401, 403}:
                    audit.act(request, "Refused", status=problem.status)
                raise

    return pass_on


async def _identify(callers: Sequence[Callers], request: web.Request) -> Caller | None:
    for way in callers:
        if caller := await way.identify(request):
            return caller
    return None


def _too_many(wait: float) -> Problem:
    seconds = max(1, math.ceil(wait))
    return Problem(429, f"Too many requests. Wait {seconds} s.", headers={"Retry-After": str(seconds)})


# --- pages of other hosts ----------------------------------------------------------------------


def _check_page(request: web.Request, origins: frozenset[str]) -> None:
    """A page of another host may change nothing, whatever its browser lets it send."""
    if request.method in _SAFE:
        return
    origin = request.headers.get("Origin", "").lower()
    if origin in origins:
        return
    elsewhere = origin and origin.partition("://")[2] != request.host.lower()
    if elsewhere or request.headers.get("Sec-Fetch-Site", "none") not in {"none", "same-origin"}:
        raise Problem(
            403,
            "A page of another host may not call this server. If it should, "
            "name its origin in `origins` of the server's configuration.",
        )


def _is_preflight(request: web.Request, origins: frozenset[str]) -> bool:
    return (
        request.method == "OPTIONS"
        and "Access-Control-Request-Method" in request.headers
        and request.headers.get("Origin", "").lower() in origins
    )


class Headers:
    """Those of every answer: never to be stored, never to be guessed at, and for listed pages to be read."""

    def __init__(self, origins: frozenset[str]) -> None:
        self._origins = origins

    async def __call__(self, request: web.Request, response: web.StreamResponse) -> None:
        """Add them."""
        headers = response.headers
        headers["Server"] = "mlrollout"
        headers.setdefault("Cache-Control", "no-store")
        headers["X-Content-Type-Options"] = "nosniff"
        if not self._origins:
            return
        headers["Vary"] = "Origin"
        origin = request.headers.get("Origin", "")
        if origin.lower() in self._origins:
            headers["Access-Control-Allow-Origin"] = origin
            headers["Access-Control-Expose-Headers"] = "ETag, Retry-After"
            if request.method == "OPTIONS":
                headers["Access-Control-Allow-Methods"] = "GET, POST"
                headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type, If-None-Match, X-API-Key"
                headers["Access-Control-Max-Age"] = "600"
