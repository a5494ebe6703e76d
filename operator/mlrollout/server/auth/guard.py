"""What stands before every route: who calls, from what page, how often; and the headers of every answer."""

import asyncio
import math
from collections.abc import Callable, Sequence

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from mlrollout.listening.headers import EVERY_ANSWER
from mlrollout.listening.rate_limiter import RateLimiter
from mlrollout.server.config import Config
from mlrollout.server.http.addresses import ADDRESS, Proxies
from mlrollout.server.http.problem import HttpProblem
from mlrollout.server.metrics import ServerMetrics

from . import audit
from .callers import CALLER, UNKNOWN, Caller, Callers
from .loopback import OWN_HEADER

ANSWER_WITHIN = 15.0
"""Seconds for an answer to begin."""
LIMIT = web.RequestKey("limit", asyncio.Timeout)
"""The time-out of a request; a route that takes longer on purpose (a stream) moves it."""

PROBES = frozenset({"/livez", "/readyz"})
"""Paths for probes. They are never refused: to answer costs no more than to refuse, and a refusal restarts the pod."""
OPEN = PROBES | {"/metrics"}
"""Paths for probes and Prometheus: everybody may ask there, and nobody is identified."""
PUBLIC = frozenset({"/openapi.json", "/dashboard", "/dashboard/"})
"""Paths that any page may read or lead to: the answer is the same for everybody, and asking changes nothing."""
PEOPLE = 50
"""How many times as often as one person an application may ask. A person is a user, or whoever is not known."""
Holder = Callable[[web.Request], str | None]
"""Who shows a good ticket; `None` for nobody."""
MOST_LOGGED = 50.0
"""Refusals of people that are logged in a second: strangers must not fill its disk. The metrics count all."""


class Rates:
    """Rate limits. Applications, people, preflight requests and `/metrics` are counted apart: none uses up another's.

    Args:
        rate: Requests a second of one application.
        holder: Who shows a ticket. Behind one address may be a whole company, so each of its holders is counted alone.
    """

    def __init__(self, rate: float, holder: Holder) -> None:
        self._holder = holder
        self._application = RateLimiter(rate)
        self._person = RateLimiter(max(1.0, rate / PEOPLE))
        self._preflight = RateLimiter(rate)
        self._open = RateLimiter(rate)

    def take(self, request: web.Request, caller: Caller | None) -> None:
        """Count a request.

        Raises:
            HttpProblem: It is one too many.
        """
        address = request[ADDRESS]
        if request.path in PROBES:
            return
        if request.path in OPEN:
            wait = self._open.take(address)
        elif caller is not None and caller.user is None:
            wait = self._application.take(caller.name)
        elif caller is not None:
            wait = self._person.take(f"caller {caller.name}")
        elif _is_preflight(request):
            wait = self._preflight.take(address)
        elif holder := self._holder(request):
            wait = self._person.take(f"ticket {holder}")
        else:
            wait = self._person.take(f"address {address}")
        if wait:
            raise _too_many(wait)


def guard(callers: Sequence[Callers], config: Config, metrics: ServerMetrics, holder: Holder) -> Middleware:
    """Let a request through, or not. Nobody is refused before they are counted, and every refusal leaves a trace."""
    proxies, rates, lines = Proxies(config.proxies), Rates(config.rate, holder), RateLimiter(MOST_LOGGED)

    @web.middleware
    async def pass_on(request: web.Request, handler: Handler) -> web.StreamResponse:
        request[ADDRESS] = proxies.client(request)
        if request.path in OPEN:
            rates.take(request, None)
            return await handler(request)
        async with asyncio.timeout(ANSWER_WITHIN) as limit:
            request[LIMIT] = limit
            caller = await _identify(callers, request)
            rates.take(request, caller)
            try:
                check_page(request, config.origins)
                if _is_preflight(request) and _origin(request) in config.origins:
                    return web.Response(status=204)
                return await handler(request)
            except HttpProblem as problem:
                if problem.status in {401, 403}:
                    tell(request, problem, caller)
                raise

    def tell(request: web.Request, problem: HttpProblem, caller: Caller | None) -> None:
        is_application = caller is not None and caller.user is None
        if is_application or not lines.take("people"):
            audit.act(request, "Refused", status=problem.status)
        else:
            metrics.untold.inc()

    return pass_on


async def _identify(callers: Sequence[Callers], request: web.Request) -> Caller | None:
    """Who calls; `None` for a stranger. Why that is unknown is kept: a route that needs a caller refuses with it."""
    try:
        for way in callers:
            if caller := await way.identify(request):
                request[CALLER] = caller
                return caller
    except HttpProblem as problem:
        request[UNKNOWN] = problem
    return None


def _too_many(wait: float) -> HttpProblem:
    seconds = max(1, math.ceil(wait))
    return HttpProblem(429, f"Too many requests. Wait {seconds} s.", headers={"Retry-After": str(seconds)})


# --- pages of other hosts ----------------------------------------------------------------------


def check_page(request: web.Request, origins: frozenset[str]) -> None:
    """Refuse pages of other hosts, whatever a browser lets them send: merely to ask for a user counts the user."""
    if request.method == hdrs.METH_OPTIONS or request.path in PUBLIC:
        return
    origin = _origin(request)
    if origin in origins:
        return
    elsewhere = origin and origin.partition("://")[2] != request.host.lower()
    if elsewhere or request.headers.get("Sec-Fetch-Site", "none") not in {"none", "same-origin"}:
        raise HttpProblem(
            403,
            "A page of another host may not call this server. If it should, "
            "name its origin in `origins` of the server's configuration.",
        )


def _is_preflight(request: web.Request) -> bool:
    return request.method == hdrs.METH_OPTIONS and "Access-Control-Request-Method" in request.headers


def _origin(request: web.Request) -> str:
    return request.headers.get("Origin", "").lower()


class Headers:
    """Adds the headers of every answer: not to be stored, its type not to be guessed, and readable by listed pages."""

    def __init__(self, origins: frozenset[str]) -> None:
        self._origins = origins

    async def __call__(self, request: web.Request, response: web.StreamResponse) -> None:
        """Add them."""
        headers = response.headers
        cached = headers.get(hdrs.CACHE_CONTROL)  # of files of the dashboard's page, which hold nothing of anybody
        headers.update(EVERY_ANSWER)
        if cached is not None:
            headers[hdrs.CACHE_CONTROL] = cached
        if not self._origins:
            return
        headers[hdrs.VARY] = ", ".join([*headers.getall(hdrs.VARY, []), hdrs.ORIGIN])
        origin = request.headers.get("Origin", "")
        if origin.lower() in self._origins:
            headers["Access-Control-Allow-Origin"] = origin
            headers["Access-Control-Expose-Headers"] = "ETag, Retry-After"
            if request.method == "OPTIONS":
                headers["Access-Control-Allow-Methods"] = "GET, POST"
                headers["Access-Control-Allow-Headers"] = (
                    f"Authorization, Content-Type, If-None-Match, X-API-Key, {OWN_HEADER}"
                )
                headers["Access-Control-Max-Age"] = "600"
