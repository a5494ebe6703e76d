"""Asking Prometheus for figures to show: an instant and a series of one query.

This is `prometheus-api-client` with a session of its own: no retries, no redirects, no proxy from the environment. What
it can't do (see docs/adr/0002-prometheus-transport.md) does not matter here: the address is the administrator's, the
answers are small, and nobody's rollback waits for them. A thread that hangs costs one of `THREADS`.
"""

import asyncio
import ssl
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from threading import Lock
from typing import Any

import requests
from prometheus_api_client import PrometheusConnect
from prometheus_api_client.exceptions import PrometheusApiClientException
from requests.adapters import DEFAULT_POOLSIZE, HTTPAdapter
from urllib3 import HTTPConnectionPool
from urllib3.util import Retry

from mlrollout.ports import SourceError

from .http.access import Access, nothing
from .http.peer import checked
from .prometheus import WHOSE

ANSWER_WITHIN = 5.0
"""Seconds for the whole of an answer."""

THREADS = 4
"""Questions at a time; further ones wait for their turn, inside their time."""

_LIMIT = {"timeout": f"{ANSWER_WITHIN:g}s"}
"""What Prometheus is told, so that it does not go on where nobody waits any more."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One series of an answer.

    Attributes:
        labels: Its labels.
        points: Its times, in whole seconds since the epoch, and values.
    """

    labels: Mapping[str, str]
    points: Sequence[tuple[int, float]]


class _Shows(HTTPAdapter):
    """Shows with each request what is shown just then, and speaks TLS as is said just then."""

    def __init__(self, access: Callable[[], Access]) -> None:
        self._access = access
        self._tls: ssl.SSLContext | None = None
        self._lock = Lock()
        super().__init__(max_retries=Retry(0))

    def get_connection_with_tls_context(
        self,
        request: requests.PreparedRequest,
        verify: bool | str,  # noqa: FBT001 - its base's
        proxies: dict[str, str] | None = None,
        cert: tuple[str, str] | str | None = None,
    ) -> HTTPConnectionPool:
        """As its base does, by the authorities and the certificate that there are now."""
        tls = self._access().tls
        with self._lock:  # questions come from several threads
            if tls is not self._tls:
                self._tls = tls
                self.init_poolmanager(DEFAULT_POOLSIZE, DEFAULT_POOLSIZE, ssl_context=tls)
        return super().get_connection_with_tls_context(request, verify, proxies, cert)

    def add_headers(self, request: requests.PreparedRequest, **_: object) -> None:
        """Add what is shown."""
        request.headers.update(self._access().headers)


class PrometheusFigures:
    """One Prometheus.

    Args:
        address: For example `http://prometheus.monitoring:9090`, with a path if the API has one before `/api`.
        access: What it is shown, asked before each request.

    Raises:
        ValueError: The address is none, or carries a user name, a password or a query.
    """

    def __init__(self, address: str, access: Callable[[], Access] = nothing) -> None:
        self._address = str(checked(address, WHOSE)).rstrip("/")
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="prometheus")
        session = requests.Session()
        session.trust_env = False
        session.max_redirects = 0
        session.hooks["response"] = [self._refuse]
        self._client = PrometheusConnect(
            self._address, session=session, retry=Retry(0), timeout=ANSWER_WITHIN, method="POST"
        )
        session.mount(self._address, _Shows(access))  # in place of the one that the library has mounted there

    async def at(self, query: str, moment: int) -> Sequence[Figure]:
        """The answer to an instant query at a moment, in seconds since the epoch.

        Raises:
            SourceError: There is no usable answer; the text says why, without the response's body.
        """
        told = {"time": str(moment), **_LIMIT}
        return await self._ask(
            lambda: [_figure(one, [one["value"]]) for one in self._client.custom_query(query, params=told)]
        )

    async def over(self, query: str, first: int, last: int, step: int) -> Sequence[Figure]:
        """The answers at every `step` seconds from `first` to `last`.

        Raises:
            SourceError: There is no usable answer; likewise.
        """
        start, end = (datetime.fromtimestamp(moment, UTC) for moment in (first, last))
        told = (query, start, end, str(step), dict(_LIMIT))
        return await self._ask(lambda: [_figure(one, one["values"]) for one in self._client.custom_query_range(*told)])

    async def close(self) -> None:
        """Give up the connections; whoever still waits gets an error."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._client.close()

    async def _ask(self, question: Callable[[], Sequence[Figure]]) -> Sequence[Figure]:
        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                return await asyncio.get_running_loop().run_in_executor(self._threads, question)
        except (TimeoutError, requests.Timeout):
            why = f"gave no complete answer within {ANSWER_WITHIN:g} s: it hangs or is overloaded"
        except requests.ConnectionError:
            why = "can't be reached: see whether it runs, and whether address and network are right"
        except (requests.RequestException, PrometheusApiClientException, ValueError, LookupError, TypeError):
            why = "gave an answer that can't be used: check the address, and the path in it"
        # Not raised from the error: what that holds may be the other side's words.
        raise SourceError(f"Prometheus at {self._address} {why}.")

    def _refuse(self, response: requests.Response, **_: object) -> None:
        """Take nothing but an answer: the library would follow a redirect, and quote the body of an error."""
        if response.status_code != HTTPStatus.OK:
            response.close()
            raise SourceError(
                f"Prometheus at {self._address} answered with HTTP {response.status_code}: "
                "check the address, and what Prometheus' log says."
            )


def _figure(found: Mapping[str, Any], points: Sequence[tuple[float, str]]) -> Figure:
    return Figure(found["metric"], [(round(moment), float(value)) for moment, value in points])
