"""Prometheus over HTTP: one question, one bounded answer, or one `SourceError`.

An address may be anybody's, so nothing is taken for granted: not that the answer comes in time, not
that it is short or Prometheus' own, not that a redirect leads where the administrator allowed. Why
this is no use of the `prometheus-api-client` package: `docs/adr/0002-prometheus-transport.md`.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType, SimpleNamespace

import aiohttp
from yarl import URL

from mlrollout.api import duration
from mlrollout.evidence.answer import Answer
from mlrollout.ports import QueryRefusedError, SourceError

from . import prometheus_reply as reply
from .prometheus_access import Access, nothing

MAX_BYTES = 1024 * 1024
"""The longest reply to an instant query that is read; one number takes some 100 bytes."""
MAX_RANGE_BYTES = 4 * MAX_BYTES
"""The longest reply to a range selector that is read; one sample takes some 30 bytes, and a series' labels 200."""

_SMALLER: Mapping[int, str] = MappingProxyType(
    {
        MAX_BYTES: "make the query one number, for example with sum",
        MAX_RANGE_BYTES: "narrow the selector, or leave out labels where the application exports them",
    }
)
_NOW: Mapping[str, str] = MappingProxyType({"nocache": "1"})
"""Without it VictoriaMetrics answers for 30 s ago, and a breach would be seen so much later; others don't know it."""
_OK = 200
_INSTANT, _RANGE = "api/v1/query", "api/v1/query_range"
_QUERY_REFUSED = frozenset({400, 422})
_CREDENTIALS = "it asks for credentials, or refuses those that it was shown: see docs/managed-prometheus.md"
_NO_API = "there is no query API at this address: check it, and the path in it"
_OVERLOADED = "it is starting, has too much to do, or gave the query up at its deadline"
_HINTS: Mapping[int, str] = MappingProxyType(
    {401: _CREDENTIALS, 403: _CREDENTIALS, 404: _NO_API, 405: _NO_API, 429: _OVERLOADED, 503: _OVERLOADED}
)


class PrometheusSource:
    """One Prometheus, or whatever speaks its query API; to be made where an event loop runs.

    Args:
        address: For example `http://prometheus.monitoring:9090`, with a path if the API has one before `/api`.
        access: What it is shown, asked before each request.

    Raises:
        ValueError: The address is none, or carries a user name, a password or a query.
    """

    def __init__(self, address: str, access: Callable[[], Access] = nothing) -> None:
        self._address = checked(address)
        self._access = access
        reuse = aiohttp.TraceConfig()
        reuse.on_connection_reuseconn.append(_note_reuse)
        self._session = aiohttp.ClientSession(
            # With a limit, a hung query would make the next guardrail's wait for its connection. Without one there
            # are still no more than queries in flight, a few for each guardrail.
            connector=aiohttp.TCPConnector(limit=0),
            # Each query has one deadline, for everything; aiohttp's own would be further ones.
            timeout=aiohttp.ClientTimeout(total=None),
            # Not compressed, so that the bytes counted are the bytes held.
            headers={"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "mlrollout"},
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            trace_configs=[reuse],
        )

    async def query(self, promql: str, *, deadline: float, at: float | None = None) -> Answer:
        """The answer to an instant query, evaluated now by Prometheus' own clock; or the samples of a range selector.

        Args:
            promql: The query.
            deadline: Seconds for everything: connecting, waiting, reading.
            at: Where the range of a range selector ends, seconds since the epoch.

        Raises:
            QueryRefusedError: The query can't be parsed.
            SourceError: There is no usable answer; the text says why.
        """
        form = {"query": promql, "timeout": f"{deadline:.3f}", **_NOW}
        if at is None:
            return await self._in_time(self._ask(_INSTANT, form, ranged=False), deadline)
        return await self._in_time(self._ask(_INSTANT, form | {"time": f"{at:.3f}"}, ranged=True), deadline)

    async def over(self, promql: str, first: int, last: int, step: int, *, deadline: float) -> Answer:
        """The answers to a query at every `step` seconds from `first` to `last`, as series of samples.

        Args:
            promql: The query.
            first: The first moment, seconds since the epoch.
            last: The last.
            step: Seconds from one to the next.
            deadline: As of `query`.

        Raises:
            QueryRefusedError: The query can't be parsed.
            SourceError: There is no usable answer; the text says why.
        """
        form = {"query": promql, "start": f"{first}", "end": f"{last}", "step": f"{step}", **_NOW}
        return await self._in_time(self._ask(_RANGE, form | {"timeout": f"{deadline:.3f}"}, ranged=True), deadline)

    async def _in_time(self, asked: Awaitable[Answer], deadline: float) -> Answer:
        kind: type[SourceError] = SourceError
        try:
            async with asyncio.timeout(deadline):
                return await asked
        except TimeoutError:
            reason = f"gave no complete answer within {duration.render(deadline)}"
        except reply.UnusableReplyError as error:
            reason, kind = str(error), QueryRefusedError if isinstance(error, reply.UnreadableQueryError) else kind
        except (aiohttp.ClientError, OSError, UnicodeError, RuntimeError) as error:
            reason = _failure(error)
        # Not raised from the error: what that holds may be the other side's words.
        raise kind(f"Prometheus at {self._address} {reason}")

    async def close(self) -> None:
        """Give up the connections; queries in flight fail."""
        await self._session.close()

    async def _ask(self, path: str, form: Mapping[str, str], *, ranged: bool) -> Answer:
        loop = asyncio.get_running_loop()
        sent, begun = loop.time(), time.time()
        async with await self._send(path, form) as response:
            took, date = loop.time() - sent, response.headers.get("Date")
            ahead = reply.ahead(date, begun, time.time())
            if response.status != _OK and response.status not in _QUERY_REFUSED:
                raise reply.UnusableReplyError(_unwanted(response.status))
            body = await _read(response, MAX_RANGE_BYTES if ranged else MAX_BYTES)
        if response.status in _QUERY_REFUSED:
            raise reply.refusal(body, response.status)
        if ranged:
            return reply.ranged(body, ahead=ahead)
        return reply.answer(body, date=date, took=took)

    async def _send(self, path: str, form: Mapping[str, str]) -> aiohttp.ClientResponse:
        connection = SimpleNamespace(reused=False)
        try:
            return await self._post(path, form, connection)
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
            # A server may close an idle connection in the moment we use it: that says nothing about the query.
            if not connection.reused:
                raise
        return await self._post(path, form, connection)

    async def _post(self, path: str, form: Mapping[str, str], connection: SimpleNamespace) -> aiohttp.ClientResponse:
        url, access = self._address / path, self._access()
        return await self._session.post(
            url,
            data=form,
            headers=access.headers,
            ssl=access.tls or True,
            allow_redirects=False,  # what is shown is for this address alone
            trace_request_ctx=connection,
        )


async def _note_reuse(_session: object, trace: SimpleNamespace, _params: object) -> None:
    trace.trace_request_ctx.reused = True


async def _read(response: aiohttp.ClientResponse, most: int) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > most:
            raise reply.UnusableReplyError(f"answered with more than {most // MAX_BYTES} MiB: {_SMALLER[most]}")
    return bytes(body)


def checked(address: str) -> URL:
    """The address, without repeating in an error what may be a password."""
    try:
        url = URL(address)
    except ValueError:
        url = URL()
    if url.scheme in ("http", "https") and url.host and "@" not in url.raw_authority and not url.raw_query_string:
        return url
    raise ValueError("Prometheus' address must be http(s)://host[:port][/path], without user name, password or query")


def _unwanted(status: int) -> str:
    """What is said of a reply whose body is of no interest."""
    if status // 100 == 3:  # noqa: PLR2004 - HTTP's redirects
        return f"answered with a redirect (HTTP {status}), which is not followed: name the address it leads to"
    hint = _HINTS.get(status)
    return f"answered with HTTP {status}" + (f": {hint}" if hint else "")


def _failure(error: Exception) -> str:
    """What went wrong on the way, in words that hold nothing of what the other side sent."""
    match error:
        case aiohttp.ClientConnectorDNSError() | UnicodeError():
            return "can't be reached: its name has no address"
        case aiohttp.ClientSSLError():
            return "can't be reached: no TLS connection could be made; check its certificate"
        case aiohttp.ClientConnectorError(errno=int(number)) if number > 0:
            return f"can't be reached: {os.strerror(number)}"
        case aiohttp.ClientResponseError():
            return "does not answer in HTTP: check the address"
        case RuntimeError():
            return "is not asked any more: the operator has given up its connections"
    return "broke the connection off before its answer was complete"
