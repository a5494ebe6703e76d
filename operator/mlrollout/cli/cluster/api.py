"""One call to the API server, or one stream from it: its time limit, and how its failure is told."""

import json
import os
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any
from urllib.parse import urlencode

from mlrollout.cli.ending import CommandError, ExitCode
from mlrollout.domain.request import one_line

from .connection import ProxyRefusalError, address, connection
from .kubeconfig import KubeContext
from .login import Credentials, login, tls

Data = dict[str, Any]

DEADLINE = 10.0
"""Seconds for connecting, and for each part of an answer."""
STREAM = 30
"""Seconds of a stream. Its reader begins another, so that a connection that broke off silently is found."""
_SHORTEST = 0.5
_CHANGED, _READ = 3, 18
"""How many times the deadline a whole answer may take, however it comes in: of what changes something, and of a GET."""
_AGAIN = 1.0
"""Seconds until a connection that takes too long is hung up once more: it may not have been open yet."""
LARGEST = 256 * 1024 * 1024
"""Bytes of an answer."""
_LONGEST = 600  # characters of the API server's own message; a policy says at its end what is lacking
_GZIP = 31  # window bits by which zlib takes gzip's header for granted
_ADVICE = {
    401: "Log in anew: the kubeconfig's token or certificate is not valid, or no longer",
    403: "Ask whoever runs the cluster for that right",
    429: "It is overloaded: try again",
}


class ClusterError(CommandError):
    """The API server did not do what was asked.

    Attributes:
        status: The status of its answer; 0 without any.
        absent: Whether it said that there is no object of this name.
        unsure: Whether it may have done it all the same.
    """

    def __init__(self, message: str, status: int = 0, *, absent: bool = False, unsure: bool = False) -> None:
        super().__init__(message, ExitCode.CLUSTER_UNUSABLE)
        self.status = status
        self.absent = absent
        self.unsure = unsure

    @property
    def silent(self) -> bool:
        """Whether nobody answers who can be worked with, for now: no refusal of this request in particular."""
        return self.status in (0, HTTPStatus.TOO_MANY_REQUESTS) or self.status >= HTTPStatus.INTERNAL_SERVER_ERROR


class _LateError(TimeoutError):
    """An answer took too long as a whole, also where its parts came in time."""

    def __init__(self, limit: float) -> None:
        super().__init__()
        self.limit = limit


@dataclass(frozen=True, slots=True)
class ApiCall:
    """What is sent.

    Attributes:
        what: What it is for, to complete "could not …".
        method: The verb of HTTP; a `PATCH` is a merge patch.
        path: Below the server's address.
        query: Parameters; empty ones are left out.
        body: An object; `None` for nothing.
        accept: The form of the answer.
        patience: Seconds that may pass without a word, beyond the deadline; less than 0 for fewer.
    """

    what: str
    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Data | None = None
    accept: str = "application/json"
    patience: float = 0.0

    @property
    def target(self) -> str:
        """Path and parameters."""
        asked = urlencode({name: value for name, value in self.query.items() if value})
        return f"{self.path}?{asked}" if asked else self.path


class Api:
    """The API server of a context.

    Attributes:
        context: Which it is, and who asks.
        skew: By how many seconds its clock was ahead of this machine's at the last answer; `None` if unknown.
    """

    def __init__(
        self, context: KubeContext, deadline: float = DEADLINE, credentials: Credentials | None = None
    ) -> None:
        self.context = context
        self.skew: float | None = None
        self._address = address(context)
        self._deadline = deadline
        self._login = credentials or login(context)
        self._connection: HTTPConnection | None = None
        self._socket: socket.socket | None = None
        self._sending = False
        self._taken = 0.0  # seconds of the call that goes on; a login is none of it

    def ask(self, call: ApiCall) -> Data:
        """Send a request; answers with the object in the response.

        Raises:
            ClusterError: It did not do it.
        """
        changes, self._taken = call.method == "PATCH", 0.0
        with self._told(call.what, changes=changes):
            response = self._send(call)
            text = self._read(call, response)
        found = _object(text)
        if response.status >= HTTPStatus.MULTIPLE_CHOICES:
            raise _refusal(call.what, response.status, found or {}, changes=changes)
        if found is None:
            strange = f"could not {call.what}: what answered is no Kubernetes API. See what is in between"
            raise ClusterError(strange, unsure=changes)
        return found

    def stream(self, what: str, path: str, query: Mapping[str, str]) -> Iterator[Data]:
        """What a watch tells, for so many seconds.

        Raises:
            ClusterError: It tells nothing, or broke off.
        """
        asked = {"watch": "1", "timeoutSeconds": str(STREAM), **query}
        with self._told(what):
            call, self._taken = ApiCall(what, "GET", path, asked, patience=STREAM), 0.0
            response = self._send(call)
            if response.status >= HTTPStatus.MULTIPLE_CHOICES:
                raise _refusal(what, response.status, _object(self._read(call, response)) or {})
            while line := response.readline(LARGEST):
                yield _object(line) or {}
            self.close()  # what was read line by line may leave a rest on the wire

    def apart(self) -> "Api":
        """The same with a connection of its own, for another thread."""
        return Api(self.context, self._deadline, self._login)

    def hang_up(self) -> None:
        """End whatever another thread waits for on the connection; that thread closes it."""
        # An answer after which the server closes takes the socket over from the connection.
        for one in (self._socket, getattr(self._connection, "sock", None)):
            if one is not None:
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Give up the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = self._socket = None

    def _send(self, call: ApiCall) -> HTTPResponse:
        with self._bounded(call):
            response = self._exchange(call)
        if response.status == HTTPStatus.UNAUTHORIZED and self._login.renewable:
            self.close()
            self._login = login(self.context)  # which may take its time, as a person at a browser does
            with self._bounded(call):
                response = self._exchange(call)
        return response

    @contextmanager
    def _bounded(self, call: ApiCall) -> Iterator[None]:
        """Hang up where something takes too long as a whole: a byte now and then would hold a command up for ever.

        Raises:
            _LateError: It did.
        """
        late, over, limit = threading.Event(), threading.Event(), self._limit(call)
        began = time.monotonic()

        def watch() -> None:
            left = max(0.0, limit - self._taken)
            while not over.wait(left):
                late.set()
                self.hang_up()
                left = _AGAIN

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            yield
        except Exception:
            if not late.is_set():
                raise
        finally:
            over.set()
            watcher.join()
            self._taken += time.monotonic() - began
        if late.is_set():
            raise _LateError(limit)

    def _limit(self, call: ApiCall) -> float:
        if call.patience < 0:
            return self._deadline + self._silence(call)  # the way there may be a long one
        return self._deadline * (_READ if call.method == "GET" else _CHANGED)

    def _silence(self, call: ApiCall) -> float:
        return max(_SHORTEST, self._deadline + call.patience)

    def _read(self, call: ApiCall, response: HTTPResponse) -> bytes:
        with self._bounded(call), response:
            return _unpacked(call.what, response, response.read(LARGEST + 1))

    def _exchange(self, call: ApiCall) -> HTTPResponse:
        self._sending = False
        if self._connection is None:
            encryption = tls(self.context, self._login) if self._address.scheme == "https" else None
            self._connection = connection(self.context, self._address, encryption, self._deadline)
        sent = None if call.body is None else json.dumps(call.body).encode()
        if self._connection.sock is None:
            self._connection.connect()
        self._socket = self._connection.sock
        self._sending = True
        target = self._address.path.rstrip("/") + call.target
        self._connection.putrequest(call.method, target, skip_accept_encoding=True)
        for name, value in self._headers(call, sent):
            self._connection.putheader(name, value)
        self._connection.endheaders(sent)
        self._connection.sock.settimeout(self._silence(call))
        response = self._connection.getresponse()
        self.skew = _skew(response)
        return response

    def _headers(self, call: ApiCall, sent: bytes | None) -> Iterator[tuple[str, str | bytes]]:
        yield "Accept", call.accept
        if call.patience <= 0:  # what comes bit by bit is not packed
            yield "Accept-Encoding", "gzip"
        yield "User-Agent", "mlrollout"
        if sent is not None:
            yield "Content-Type", "application/merge-patch+json" if call.method == "PATCH" else "application/json"
            yield "Content-Length", str(len(sent))
        yield from self._login.headers

    @contextmanager
    def _told(self, what: str, *, changes: bool = False) -> Iterator[None]:
        """Tell a failure by what it means; a connection on which something failed is used no more."""
        try:
            yield
        except (OSError, HTTPException) as error:
            self.close()
            place = f"the API server {self._address.netloc}"
            unsure = changes and self._sending
            raise ClusterError(f"could not {what}: {place} {self._why(error)}", unsure=unsure) from None
        except BaseException:
            self.close()
            raise

    def _why(self, error: Exception) -> str:
        match error:
            case TimeoutError():
                full = f"in full within {error.limit:g} s" if isinstance(error, _LateError) else ""
                return f"did not answer {full or f'within {self._deadline:g} s'}"
            case ssl.SSLCertVerificationError():
                return f"can't be trusted ({error.verify_message}): see the certificate-authority in the kubeconfig"
            case ssl.SSLError():
                return f"can't be talked to safely ({error.reason})"
            case socket.gaierror():
                return f"can't be found ({error.strerror})"
            case OSError() if error.errno is not None:
                return f"can't be reached ({os.strerror(error.errno)})"
        refused = isinstance(error, ProxyRefusalError)
        return f"can't be reached: {error}" if refused else f"broke the connection off ({type(error).__name__})"


def _unpacked(what: str, response: HTTPResponse, text: bytes) -> bytes:
    if response.getheader("Content-Encoding") == "gzip":
        try:
            text = zlib.decompressobj(_GZIP).decompress(text, LARGEST + 1)
        except zlib.error:
            return b""
    if len(text) > LARGEST:
        raise ClusterError(f"could not {what}: the answer of the API server is too large")
    return text


def _object(text: bytes) -> Data | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _skew(response: HTTPResponse) -> float | None:
    said = response.getheader("Date")
    try:
        return None if said is None else parsedate_to_datetime(said).timestamp() - time.time()
    except ValueError:
        return None


def _refusal(what: str, status: int, said: Data, *, changes: bool = False) -> ClusterError:
    message, details = one_line(str(said.get("message") or ""))[:_LONGEST], said.get("details")
    why = f"the API server answered {status}" + (f", {message}" if message else "")
    by_policy = "ValidatingAdmissionPolicy" in message  # which says itself what it takes
    advice = f". {_ADVICE[status]}" if status in _ADVICE and not by_policy else ""
    # Without a name it is the resource that is unknown: the CRD is missing.
    absent = status == HTTPStatus.NOT_FOUND and isinstance(details, dict) and bool(details.get("name"))
    unsure = changes and status >= HTTPStatus.INTERNAL_SERVER_ERROR  # as one that did not hear from its store in time
    return ClusterError(f"could not {what}: {why}{advice}", status, absent=absent, unsure=unsure)
