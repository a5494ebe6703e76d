"""Prometheus over HTTP: one question, one bounded answer, or one `SourceError`.

Why this is no use of the `prometheus-api-client` package: `docs/adr/0002-prometheus-transport.md`.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

from mlrollout.evidence.answer import Answer
from mlrollout.ports import QueryRefusedError, SourceError

from . import prometheus_reply as reply
from .http.access import Access, nothing
from .http.peer import MIB, Peer, UnusableReplyError, checked, in_time, read, unwanted

WHOSE = "Prometheus'"
"""Whose address it is that is checked."""
MAX_BYTES = MIB
"""The longest reply to an instant query that is read; one number takes some 100 bytes."""
MAX_RANGE_BYTES = 4 * MIB
"""The longest reply to a range selector that is read; one sample takes some 30 bytes, and a series' labels 200."""

MOST_VALUES = 350_000
"""Commas of a reply that is read. Short values take many times their bytes here: the longest reply made of nothing else
would take the memory of a whole replica."""
MOST_BRACES = 50_000
"""Opening braces likewise; a series has two."""

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
        self._peer = Peer(checked(address, WHOSE), access)

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

    async def close(self) -> None:
        """Give up the connections; queries in flight fail."""
        await self._peer.close()

    async def _in_time(self, asked: Awaitable[Answer], deadline: float) -> Answer:
        try:
            return await in_time(asked, deadline)
        except UnusableReplyError as error:
            kind = QueryRefusedError if isinstance(error, reply.UnreadableQueryError) else SourceError
            reason = str(error)
        raise kind(f"Prometheus at {self._peer} {reason}")

    async def _ask(self, path: str, form: Mapping[str, str], *, ranged: bool) -> Answer:
        loop = asyncio.get_running_loop()
        sent, begun = loop.time(), time.time()
        async with await self._peer.send("POST", path, form=form) as response:
            took, date = loop.time() - sent, response.headers.get("Date")
            ahead = reply.ahead(date, begun, time.time())
            if response.status != _OK and response.status not in _QUERY_REFUSED:
                raise unwanted(response.status, _HINTS)
            most = MAX_RANGE_BYTES if ranged else MAX_BYTES
            body = await read(response, most, _SMALLER[most])
        if body.count(b",") > MOST_VALUES or body.count(b"{") > MOST_BRACES:
            raise UnusableReplyError(f"answered with too many values: {_SMALLER[most]}")
        if response.status in _QUERY_REFUSED:
            raise reply.refusal(body, response.status)
        if ranged:
            return reply.ranged(body, ahead=ahead)
        return reply.answer(body, date=date, took=took)
