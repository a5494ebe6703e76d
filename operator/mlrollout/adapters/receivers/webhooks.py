"""Webhooks: one request, one bounded answer, or one `ReceiverError`."""

import asyncio
import os
import socket
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import aiohttp
from aiohappyeyeballs import AddrInfoType

from mlrollout.notify.address import ReceiverAddress
from mlrollout.notify.cloud_event import CONTENT_TYPE, cloud_event
from mlrollout.notify.message import OutgoingMessage
from mlrollout.notify.signature import signed
from mlrollout.ports import Clock, MessageRefusedError, ReceiverError

from .networks import Networks

DEADLINE = 10.0
"""Seconds for everything: the name, connecting, sending, and the answer."""
REFUSALS = frozenset({400, 413, 415, 422})
"""Answers that are about the message; every other that is no success is about the receiver, or about who asks."""
_SUCCESS, _REDIRECT = 2, 3
_HINTS: Mapping[int, str] = {
    401: "its token or secret is not the one that it asks for",
    403: "its token or secret is not the one that it asks for",
    404: "there is nothing at this address: check it",
    410: "there is nothing at this address any more: make another",
    429: "it is sent too much",
}
_FAILURES: Sequence[tuple[type[Exception] | tuple[type[Exception], ...], str]] = (
    ((aiohttp.ClientConnectorDNSError, UnicodeError), "can't be reached: its name has no address"),
    (aiohttp.ClientSSLError, "can't be reached: no TLS connection could be made; check its certificate"),
    ((aiohttp.InvalidURL, ValueError), "can't be reached: its address is no URL"),
    (aiohttp.ClientResponseError, "does not answer in HTTP: check the address"),
    (RuntimeError, "is not asked any more: the operator ends"),
    (Exception, "broke the connection off before its answer was complete"),
)


class _PlaceRefusedError(OSError):
    """A name leads to where nothing may be sent."""


class Webhooks:
    """Sends CloudEvents; to be made where an event loop runs.

    Args:
        networks: Where an address that an object names may lead to.
        clock: For signatures.
    """

    def __init__(self, networks: Networks, clock: Clock) -> None:
        self._clock = clock
        self._free = _session(None)
        self._bound = _session(networks)

    async def send(self, address: ReceiverAddress, message: OutgoingMessage) -> None:
        """Have a message arrive.

        Raises:
            MessageRefusedError: The receiver does not take this one.
            ReceiverError: It may not have arrived.
        """
        session = self._bound if address.chosen_by_tenant else self._free
        try:
            async with asyncio.timeout(DEADLINE):
                failed = await self._post(session, address, message)
        except TimeoutError:
            failed = ReceiverError(f"gave no answer within {DEADLINE:g} s")
        except (aiohttp.ClientError, OSError, UnicodeError, ValueError, RuntimeError) as error:
            failed = ReceiverError(_failure(error))
        if failed is not None:
            raise failed

    async def _post(
        self, session: aiohttp.ClientSession, address: ReceiverAddress, message: OutgoingMessage
    ) -> ReceiverError | None:
        body = cloud_event(message).model_dump_json(by_alias=True).encode()
        headers = {"Content-Type": CONTENT_TYPE}
        if address.secret:
            headers |= signed(address.secret, message.id, self._clock.now(), body)
        async with session.post(address.url, data=body, headers=headers, allow_redirects=False) as response:
            # What it says beside its status is nothing to us, and may be without end.
            response.close()
            return failure(response.status, response.headers.get("Retry-After"))

    async def close(self) -> None:
        """Give up the connections; what is under way fails."""
        await self._free.close()
        await self._bound.close()


def failure(status: int, retry_after: str | None) -> ReceiverError | None:
    """What is wrong with an HTTP answer; `None` where nothing is."""
    if status // 100 == _SUCCESS:
        return None
    kind = MessageRefusedError if status in REFUSALS else ReceiverError
    hint = _HINTS.get(status, "")
    if status // 100 == _REDIRECT:
        hint = "a redirect, which is not followed: name the address it leads to"
    text = f"answered with HTTP {status}" + (f": {hint}" if hint else "")
    return kind(text, _seconds(retry_after))


def _seconds(retry_after: str | None) -> float | None:
    """What a Retry-After asks for, as a number or a date; whatever else it is, nothing."""
    if retry_after is None:
        return None
    try:
        if retry_after.strip().isascii() and retry_after.strip().isdigit():
            return float(retry_after)
        return max(0.0, (parsedate_to_datetime(retry_after) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return None


def _session(networks: Networks | None) -> aiohttp.ClientSession:
    def connect(found: AddrInfoType) -> socket.socket:
        # Asked of the very address that is connected to, so that no name can change its mind in between.
        problem = "" if networks is None else networks.problem(str(found[4][0]))
        if problem:
            raise _PlaceRefusedError(problem)
        return socket.socket(*found[:3])

    return aiohttp.ClientSession(
        # No connection is kept: there are few messages, and hung ones must not make others wait.
        connector=aiohttp.TCPConnector(limit=0, force_close=True, socket_factory=connect, use_dns_cache=False),
        timeout=aiohttp.ClientTimeout(total=None),
        headers={"Accept-Encoding": "identity", "User-Agent": "mlrollout"},
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
    )


def _failure(error: Exception) -> str:
    """What went wrong on the way, in words that hold nothing of what the other side sent."""
    refused = next((one for one in _chain(error) if isinstance(one, _PlaceRefusedError)), None)
    if refused is not None:
        return f"may not be sent to: {refused}"
    by_tls = isinstance(error, aiohttp.ClientSSLError)
    if isinstance(error, aiohttp.ClientConnectorError) and not by_tls and (error.errno or 0) > 0:
        return f"can't be reached: {os.strerror(error.errno or 0)}"
    return next((text for kind, text in _FAILURES if isinstance(error, kind)), _FAILURES[-1][1])


def _chain(error: BaseException | None) -> list[BaseException]:
    """An error and what it was raised from, groups included."""
    found: list[BaseException] = []
    while error is not None and len(found) < 16:  # noqa: PLR2004 - more than any chain has
        found.append(error)
        if isinstance(error, BaseExceptionGroup):
            found += error.exceptions
        error = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error.__cause__
    return found
