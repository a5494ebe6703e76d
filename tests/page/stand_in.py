"""A stand-in for the dashboard's server, for what takes too long on real parts: a thousand rollouts, an hour cut off.

It speaks the contract and no more. What the page does with the real server is in `test_dashboard.py`.
`python -m tests.page.stand_in` serves it, to look at the page while one works on it.
"""

import asyncio
import json
import threading
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.page.samples import Json, detail, figures, line, now

PAGE = Path(__file__).parents[2] / "operator" / "mlrollout" / "server" / "dashboard" / "page"
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "font-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
GOOD = "good"
"""The only token that it takes."""


class StandIn:
    """Says what it is told to, to every page that is open.

    Attributes:
        lines: The rollouts.
        detail: The one that is looked at.
        figures: Its figures.
        signed_in: Whether the cookie is good.
        user: Whose it is.
        away: Whether it answers nothing but 503.
        answer: The status and the body of the next act.
        acts: What was asked for.
        url: Where the page is.
    """

    def __init__(self, lines: Sequence[Json], detail: Json, figures: Json) -> None:
        self.lines = lines
        self.detail = detail
        self.figures = figures
        self.signed_in = True
        self.user = "kim"
        self.away = False
        self.answer: tuple[int, Json] = (200, {"accepted": True, "answered": True, "message": "rolled back"})
        self.acts: list[Json] = []
        self.url = ""
        self._open: list[tuple[bool, asyncio.Queue[bytes | None]]] = []
        self._loop = asyncio.new_event_loop()

    # --- what it is told to do, from the test's thread ---

    def say(self, event: str, data: Json, *, of_one: bool = False) -> None:
        """An event on every stream of all rollouts, or of one."""
        self._do(self._send(_event(event, data), of_one))

    def cut(self) -> None:
        """Ends every stream."""
        for of_one in (True, False):
            self._do(self._send(None, of_one))

    @property
    def open(self) -> int:
        """How many streams are open."""
        return len(self._open)

    # --- what it answers ---

    async def session(self, request: web.Request) -> web.Response:
        if request.method == "POST":
            self.signed_in = (await request.json())["token"] == GOOD
        if request.method == "DELETE":
            self.signed_in = False
            return web.Response(status=204)
        if not self.signed_in:
            return _problem(401, "The API server does not know this token.")
        told: Json = {"user": self.user, "groups": [], "mode": "cluster", "context": None, "csrf": "c", "tag": "t"}
        return web.json_response({**told, "expiresAt": None, "namespaces": None, "canSignOut": True})

    async def stream(self, request: web.Request) -> web.StreamResponse:
        if not self.signed_in:
            return _problem(401, "Nobody is signed in.")
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await stream.prepare(request)
        for told in self._first("rollout" in request.query):
            await stream.write(told)
        queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        place = ("rollout" in request.query, queue)
        self._open.append(place)
        try:
            while (told_now := await _next(queue)) is not None:
                await stream.write(told_now)
        except ConnectionResetError:
            pass  # the page is closed
        finally:
            self._open.remove(place)
        return stream

    async def act(self, request: web.Request) -> web.Response:
        if not self.signed_in:
            return _problem(401, "Nobody is signed in.")
        if request.headers.get("X-CSRF-Token") != "c":
            return _problem(403, "The request does not come from the page.")
        self.acts.append(await request.json())
        status, body = self.answer
        return web.json_response(body, status=status)

    def app(self) -> web.Application:
        @web.middleware
        async def strict(request: web.Request, handler: Any) -> web.StreamResponse:
            if self.away:
                return _problem(503, "The API server is away.")
            response: web.StreamResponse = await handler(request)
            if not response.prepared:
                response.headers["Content-Security-Policy"] = CSP
            return response

        async def index(_: web.Request) -> web.FileResponse:
            return web.FileResponse(PAGE / "index.html")

        app = web.Application(middlewares=[strict])
        app.router.add_route("*", "/dashboard/api/session", self.session)
        app.router.add_get("/dashboard/api/stream", self.stream)
        app.router.add_post("/dashboard/api/rollouts/{namespace}/{name}/acts", self.act)
        app.router.add_get("/dashboard/", index)
        app.router.add_static("/dashboard/", PAGE)
        return app

    # --- how it runs ---

    async def serve(self, port: int) -> web.AppRunner:
        runner = web.AppRunner(self.app(), shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}/dashboard/"
        return runner

    @contextmanager
    def running(self, port: int = 0) -> Iterator["StandIn"]:
        thread = threading.Thread(target=self._loop.run_forever)
        thread.start()
        runner = self._do(self.serve(port))
        try:
            yield self
        finally:
            self.cut()
            self._do(runner.cleanup())
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join()
            self._loop.close()

    def _do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=20)

    async def _send(self, told: bytes | None, of_one: bool) -> None:  # noqa: FBT001 - of this class alone
        for one, queue in self._open:
            if one is of_one:
                queue.put_nowait(told)

    def _first(self, of_one: bool) -> Sequence[bytes]:  # noqa: FBT001 - likewise
        if of_one:
            return _alive(), _event("detail", self.detail), _event("figures", self.figures)
        return _alive(), _event("rollouts", {"asOf": now(), "rollouts": list(self.lines)})


async def _next(queue: asyncio.Queue[bytes | None]) -> bytes | None:
    """What is to be said next: that it is alive, where nothing else is."""
    try:
        return await asyncio.wait_for(queue.get(), timeout=4)
    except TimeoutError:
        return _alive()


def _event(name: str, data: Json) -> bytes:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n".encode()


def _alive() -> bytes:
    return _event("alive", {"now": now(), "asOf": now(), "source": "live", "why": None})


def _problem(status: int, detail: str) -> web.Response:
    told = {"type": "about:blank", "title": "Refused", "status": status, "detail": detail, "signIn": "token"}
    return web.json_response(told, status=status)


if __name__ == "__main__":
    with StandIn([line(index) for index in range(1000)], detail(), figures()).running(8099) as shown:
        print(shown.url)  # noqa: T201 - for whoever called it
        threading.Event().wait()
