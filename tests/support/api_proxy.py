"""What may stand between the operator and the API server: it forwards, or answers in its place, wrongly."""

import asyncio
import base64
import json
import ssl
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import aiohttp
from aiohttp import web
from yarl import URL

from devstack.cluster import Cluster, write_kubeconfig

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
Where = Callable[[web.Request], bool]
_TLS_ENDS = 0.25
"""Seconds in which connections end after their session, which waits for none (aiohttp, "Graceful shutdown")."""
_OF_THIS_HOP = frozenset({"host", "connection", "transfer-encoding", "content-length"})


# --- where ---------------------------------------------------------------------------------------


def everything(_: web.Request) -> bool:
    return True


def watches(request: web.Request) -> bool:
    return "watch" in request.query


def of_rollouts(request: web.Request) -> bool:
    return "mlrollouts" in request.path


def writes(request: web.Request) -> bool:
    return request.method != "GET"


# --- answers -------------------------------------------------------------------------------------


def refuses(code: int) -> Answer:
    """As the API server itself refuses."""
    status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "not now", "code": code}

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.json_response(status, status=code)

    return answer


async def knows_no_object(request: web.Request) -> web.StreamResponse:
    """As one that has never heard of the object that is asked for."""
    details = {"name": request.path.rsplit("/", 1)[-1], "group": "mlrollout.dev", "kind": "mlrollouts"}
    status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "details": details}
    return web.json_response(status | {"code": 404}, status=404)


async def shows_a_page(_: web.Request) -> web.StreamResponse:
    return web.Response(text="<html>Please log in</html>", content_type="text/html")


async def says_nothing_of_use(_: web.Request) -> web.StreamResponse:
    return web.json_response({})


async def hangs_up(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def is_silent(_: web.Request) -> web.StreamResponse:
    await asyncio.Event().wait()
    raise AssertionError


class ApiProxy:
    """Speaks plain HTTP to the operator, and TLS to the real API server, to which it passes the operator's token on.

    Args:
        cluster: The cluster part of a kubeconfig.
    """

    def __init__(self, cluster: dict[str, str]) -> None:
        self._server = cluster["server"]
        self._tls = ssl.create_default_context(cadata=base64.b64decode(cluster["certificate-authority-data"]).decode())
        self._tls.verify_flags &= ~ssl.VERIFY_X509_STRICT
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._answer: Answer | None = None
        self._where: Where = everything
        self._open: set[asyncio.BaseTransport] = set()
        self._flowing = asyncio.Event()
        self.url = ""

    def kubeconfig(self, cluster: Cluster, namespace: str, service_account: str) -> str:
        """A kubeconfig that leads through here."""
        file = cluster.kubeconfig_for(namespace, service_account)
        token = json.loads(file.read_text())["users"][0]["user"]["token"]
        return str(write_kubeconfig(file.with_name(f"{file.name}-by-proxy"), {"server": self.url}, token))

    def be_wrong(self, answer: Answer, where: Where = everything) -> None:
        """Answer like this from now on; connections that stand are cut."""
        self._do(self._set(answer, where, cut=True))

    def be_half_open(self) -> None:
        """Say nothing more on any connection, and end none."""
        self._do(self._set(is_silent, everything, cut=False))

    def be_well(self) -> None:
        """Forward everything again; whoever waits for nothing is cut off."""
        self._do(self._set(None, everything, cut=True))

    async def _set(self, answer: Answer | None, where: Where, *, cut: bool) -> None:
        self._answer, self._where = answer, where
        self._flowing.clear()
        if cut:
            self._flowing.set()
            for transport in tuple(self._open):
                transport.close()

    def _do(self, act: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(act, self._loop).result(10)

    # --- its thread --------------------------------------------------------------------------

    def run(self, started: threading.Event) -> None:
        """Serve until told to stop."""
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve(started))

    def stop(self) -> None:
        """Have it end."""
        self._loop.call_soon_threadsafe(self._stop.set)

    async def _serve(self, started: threading.Event) -> None:
        self._flowing.set()
        application = web.Application(client_max_size=8 * 2**20)
        application.router.add_route("*", "/{path:.*}", self._take)
        serving = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await serving.setup()
        site = web.TCPSite(serving, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{serving.addresses[0][1]}"
        async with aiohttp.ClientSession(auto_decompress=False, connector=aiohttp.TCPConnector(limit=0)) as session:
            self._session = session
            started.set()
            await self._stop.wait()
            await serving.cleanup()
        await asyncio.sleep(_TLS_ENDS)

    async def _take(self, request: web.Request) -> web.StreamResponse:
        transport = request.transport
        if transport is None:
            raise ConnectionResetError
        self._open.add(transport)
        try:
            if self._answer is not None and self._where(request):
                return await self._answer(request)
            return await self._forward(request)
        finally:
            self._open.discard(transport)

    async def _forward(self, request: web.Request) -> web.StreamResponse:
        kept = {name: value for name, value in request.headers.items() if name.lower() not in _OF_THIS_HOP}
        url = URL(f"{self._server}{request.rel_url.raw_path_qs}", encoded=True)
        body = await request.read()
        async with self._session.request(request.method, url, headers=kept, data=body or None, ssl=self._tls) as found:
            headers = {name: value for name, value in found.headers.items() if name.lower() not in _OF_THIS_HOP}
            answer = web.StreamResponse(status=found.status, headers=headers)
            with suppress(ConnectionError):  # the operator has hung up, or was made to
                await answer.prepare(request)
                async for data in found.content.iter_any():
                    await self._flowing.wait()
                    await answer.write(data)
                await answer.write_eof()
            return answer


@contextmanager
def api_proxy(cluster: Cluster) -> Iterator[ApiProxy]:
    """One before this cluster, in a thread of its own."""
    view = cluster.kubectl("config", "view", "--raw", "--minify", "--flatten", "-o", "json")
    proxy = ApiProxy(json.loads(view)["clusters"][0]["cluster"])
    started = threading.Event()
    thread = threading.Thread(target=proxy.run, args=(started,), daemon=True)
    thread.start()
    assert started.wait(10)
    try:
        yield proxy
    finally:
        proxy.stop()
        thread.join(10)
