"""One call to the Kubernetes API: its time limit, and how its failure is told.

Data goes both ways as it is. The library's models would refuse what a newer API server may add, and
what they find wrong they quote, the values of a Secret included.
"""

import asyncio
import json
import os
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, Self

import aiohttp
from kubernetes.aio.client import ApiClient

from mlrollout.api import PLURAL
from mlrollout.ports import AbsentError, ConflictError, DeniedError, ExistsError, GoneError, ObjectsError

Data = dict[str, Any]
Body = Data | list[Data] | None

RENEW_EVERY = 5.0
"""Seconds from one login of a client to the next, at least."""
_LONGEST = 300  # characters of the API server's own message
_ADVICE = {
    401: "See that its ServiceAccount exists and its token has not been revoked.",
    403: "If a right is missing: the chart's roles hold every right to the MLRollouts, Events and the Lease.",
    404: "If the cluster does not know MLRollout, its CRD is missing: kubectl apply -f crds/, or install the chart.",
    422: "If no policy of the cluster denied it: see that the CRD there is of this operator's version.",
    429: "It is overloaded; this is tried again later.",
}


class Client:
    """A connection to one API server. No call is repeated here, and each ends in time.

    Args:
        library: The client library's client; it is closed with this.
        deadline: Seconds for a whole call: logging in, connecting, waiting, reading.
        renew: Makes another from what is known of the cluster now; asked for once one is refused.
    """

    def __init__(
        self, library: ApiClient, deadline: float = 10.0, renew: Callable[[], Awaitable[ApiClient]] | None = None
    ) -> None:
        self._library = library
        self._deadline = deadline
        self._renew = renew
        self._refused = False
        self._renewed_at = asyncio.get_running_loop().time()

    async def ask(
        self, what: str, method: str, path: str, body: Body = None, *, forbidden: str = "", **names: str
    ) -> Data:
        """Send a request; answers with the object in the response.

        Args:
            what: What this is for, to complete "Could not …".
            method: The verb of HTTP. A `PATCH` with a list is a JSON patch, any other a merge patch.
            path: With `{placeholders}`.
            body: What to send.
            forbidden: What to do where the right to it is missing; left out, the general advice.
            names: What to fill in for the placeholders.

        Raises:
            GoneError: The `MLRollout` does not exist.
            AbsentError: Anything else that the path or the body names does not exist.
            ConflictError: What stands there is not what the request is based on.
            ObjectsError: Everything else.
        """
        with self._told(what):
            async with asyncio.timeout(self._deadline):
                status, text = await self._send(method, path, body, names)
            self._refused = status == HTTPStatus.UNAUTHORIZED
            if status >= HTTPStatus.BAD_REQUEST:
                raise _refusal(what, status, _explained(text), forbidden)
            return _object(text)

    async def stream(self, what: str, path: str, silence: float) -> AsyncIterator[Data]:
        """What a watch tells, line by line; first of all nothing, `{}`, once the API server has begun to answer.

        Args:
            what: What this is for, to complete "Could not …".
            path: With its parameters, filled in.
            silence: Seconds without a word after which nothing is expected any more.

        Raises:
            ObjectsError: It tells nothing, or broke off.
        """
        with self._told(what):
            async with asyncio.timeout(self._deadline):
                response = await self._open("GET", path)
                self._refused = response.status == HTTPStatus.UNAUTHORIZED
                if response.status >= HTTPStatus.BAD_REQUEST:
                    raise _refusal(what, response.status, _explained(await response.read()), "")
            try:
                yield {}
                while line := await asyncio.wait_for(response.content.readline(), silence):
                    yield _object(line)
            finally:
                response.close()

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        """Tell a failure by what it means. The causes are dropped on purpose: they carry headers and bodies."""
        try:
            yield
        except TimeoutError:
            raise _failure(what, f"the Kubernetes API did not answer within {self._deadline:g} s") from None
        except aiohttp.ClientConnectorError as error:
            self._refused = isinstance(error, aiohttp.ClientSSLError)
            place, why = f"{error.host}:{error.port}", _reason(error.os_error)
            raise _failure(what, f"the Kubernetes API at {place} can't be reached ({why})") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise _failure(what, f"the connection to the Kubernetes API broke off ({type(error).__name__})") from None

    async def _send(self, method: str, path: str, body: Body, names: dict[str, str]) -> tuple[int, bytes]:
        response = await self._open(method, path, body, names)
        return response.status, await response.read()

    async def _open(
        self, method: str, path: str, body: Body = None, names: dict[str, str] | None = None
    ) -> aiohttp.ClientResponse:
        """The answer to a request, of which nothing but the head is read."""
        await self._log_in_anew()
        kind = "application/json"
        if method == "PATCH":
            kind = "application/json-patch+json" if isinstance(body, list) else "application/merge-patch+json"
        request = await self._library.param_serialize(
            method,
            path,
            path_params=names or {},
            header_params={"Accept": "application/json", "Content-Type": kind},
            body=body,
            auth_settings=["BearerToken"],
        )
        answered = await self._library.call_api(*request)
        response: aiohttp.ClientResponse = answered.response
        return response

    async def _log_in_anew(self) -> None:
        """Begin with the files as they are now, where those of before no longer serve: authorities change, too."""
        now = asyncio.get_running_loop().time()
        if not self._refused or self._renew is None or now < self._renewed_at + RENEW_EVERY:
            return
        self._renewed_at = now
        refused, self._library = self._library, await self._renew()
        await refused.close()  # type: ignore[no-untyped-call]  # the library left it so

    async def close(self) -> None:
        """Give up the connections."""
        await self._library.close()  # type: ignore[no-untyped-call]  # the library left it so

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def _reason(error: OSError) -> str | None:
    """The system's own words; the event loop's say it less plainly. Of names and certificates it knows nothing."""
    if isinstance(error, ssl.SSLError | socket.gaierror) or error.errno is None:
        return error.strerror
    return os.strerror(error.errno)


def _failure(what: str, why: str) -> ObjectsError:
    return ObjectsError(f"Could not {what}: {why}.")


def _object(text: bytes) -> Data:
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError("not an object")  # noqa: TRY004 - told like any other text that can't be read
    return found


def _explained(text: bytes) -> Data:
    """The `Status` in a refusal; empty where it is something else, a proxy's page for example."""
    try:
        status = _object(text)
    except ValueError:
        return {}
    return status if status.get("kind") == "Status" else {}


def _refusal(what: str, code: int, status: Data, forbidden: str) -> ObjectsError:
    said = " ".join(str(status.get("message", "")).split())
    if len(said) > _LONGEST:
        said = said[:_LONGEST] + "…"
    why = f"the Kubernetes API answered {code}" + (f", {said}" if said else "")
    kind = _kind(code, status)
    advice = "" if kind in (GoneError, AbsentError) else _ADVICE.get(code, "")
    if code == HTTPStatus.FORBIDDEN and forbidden:
        advice = forbidden
    return kind(f"Could not {what}: {why.rstrip('.')}. {advice}".rstrip())


def _kind(code: int, status: Data) -> type[ObjectsError]:
    if code == HTTPStatus.CONFLICT:
        return ExistsError if status.get("reason") == "AlreadyExists" else ConflictError
    if code == HTTPStatus.FORBIDDEN:
        return DeniedError
    details = status.get("details") or {}
    # Without a name it is the resource that is unknown: the CRD is missing, the API server is starting.
    if code == HTTPStatus.NOT_FOUND and details.get("name"):
        return GoneError if details.get("kind") == PLURAL else AbsentError
    return ObjectsError
