"""One server over HTTP: one request, one bounded answer, or one `UnusableReplyError`.

An address may be anybody's, so nothing is taken for granted: not that the answer comes in time, not that it is short or
what was asked for, not that a redirect leads where the administrator allowed.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from email.utils import parsedate_to_datetime
from types import SimpleNamespace
from typing import TypeVar

import aiohttp
from yarl import URL

from mlrollout.api import duration

from .access import Access, nothing

MIB = 1024 * 1024

T = TypeVar("T")


class UnusableReplyError(ValueError):
    """There is no answer; the text completes "This server …", says why, and holds nothing of what was sent."""


def checked(address: str, whose: str) -> URL:
    """An address as it is asked.

    Args:
        address: For example `http://prometheus.monitoring:9090`, with a path if what is asked has one before its own.
        whose: For people: `Prometheus'`.

    Raises:
        ValueError: It is none, or carries a user name, a password or a query; not repeated, it may be a password.
    """
    try:
        url = URL(address)
    except ValueError:
        url = URL()
    if url.scheme in ("http", "https") and url.host and "@" not in url.raw_authority and not url.raw_query_string:
        return url
    raise ValueError(f"{whose} address must be http(s)://host[:port][/path], without user name, password or query")


class Peer:
    """The connections to one server; to be made where an event loop runs.

    Args:
        address: A `checked` one.
        access: What it is shown, asked before each request.
    """

    def __init__(self, address: URL, access: Callable[[], Access] = nothing) -> None:
        self._address = address
        self._access = access
        reuse = aiohttp.TraceConfig()
        reuse.on_connection_reuseconn.append(_note_reuse)
        self._session = aiohttp.ClientSession(
            # With a limit, a hung request would make the next one wait for its connection. Without one there are
            # still no more than requests in flight, a few for each object.
            connector=aiohttp.TCPConnector(limit=0),
            # Each request has one deadline, for everything; aiohttp's own would be further ones.
            timeout=aiohttp.ClientTimeout(total=None),
            # Not compressed, so that the bytes counted are the bytes held.
            headers={"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "mlrollout"},
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            trace_configs=[reuse],
        )

    def __str__(self) -> str:
        """Its address."""
        return str(self._address)

    async def send(
        self,
        method: str,
        path: str = "",
        *,
        query: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        json: Mapping[str, str] | None = None,
    ) -> aiohttp.ClientResponse:
        """The answer to a request that may be sent twice, of which nothing but the head is read.

        Args:
            method: The verb of HTTP.
            path: What is asked beneath the address; left out, the address itself.
            query: Parameters behind the path.
            form: The body, as a form.
            json: The body, as JSON.
        """
        url = self._address / path if path else self._address
        connection = SimpleNamespace(reused=False)

        async def once() -> aiohttp.ClientResponse:
            access = self._access()
            return await self._session.request(
                method,
                url,
                params=query,
                data=form,
                json=json,
                headers=access.headers,
                ssl=access.tls or True,
                allow_redirects=False,  # what is shown is for this address alone
                trace_request_ctx=connection,
            )

        try:
            return await once()
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
            # A server may close an idle connection in the moment we use it: that says nothing about the request.
            if not connection.reused:
                raise
        return await once()

    async def close(self) -> None:
        """Give up the connections; requests in flight fail."""
        await self._session.close()


async def in_time(asked: Awaitable[T], deadline: float) -> T:
    """What was asked for, within so many seconds for everything: connecting, waiting, reading.

    Raises:
        UnusableReplyError: There is none, whatever happened on the way.
    """
    try:
        async with asyncio.timeout(deadline):
            return await asked
    except TimeoutError:
        reason = f"gave no complete answer within {duration.render(deadline)}"
    except (aiohttp.ClientError, OSError, UnicodeError, RuntimeError) as error:
        reason = _failure(error)
    # Not raised from the error: what that holds may be the other side's words.
    raise UnusableReplyError(reason)


async def read(response: aiohttp.ClientResponse, most: int, smaller: str) -> bytes:
    """The body of an answer.

    Args:
        response: The answer.
        most: How many bytes of it are read.
        smaller: What to do where there are more.

    Raises:
        UnusableReplyError: There are more.
    """
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > most:
            raise UnusableReplyError(f"answered with more than {most // MIB} MiB: {smaller}")
    return bytes(body)


def unwanted(status: int, hints: Mapping[int, str]) -> UnusableReplyError:
    """What is said of an answer whose body is of no interest.

    Args:
        status: Its status in HTTP.
        hints: What to do about some of them.
    """
    if status // 100 == 3:  # noqa: PLR2004 - HTTP's redirects
        return UnusableReplyError(
            f"answered with a redirect (HTTP {status}), which is not followed: name the address it leads to"
        )
    hint = hints.get(status)
    return UnusableReplyError(f"answered with HTTP {status}" + (f": {hint}" if hint else ""))


def moment(date: str | None) -> float | None:
    """Seconds since the epoch of a header that holds a date; `None` where there is none that can be read."""
    try:
        return None if date is None else parsedate_to_datetime(date).timestamp()
    except (ValueError, OverflowError):
        return None


async def _note_reuse(_session: object, trace: SimpleNamespace, _params: object) -> None:
    trace.trace_request_ctx.reused = True


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
