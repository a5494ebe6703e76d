"""Kopf: one life of the watch of the objects, and nothing else. Its handler only hands on what it hears.

Kopf gives up where the API server answers wrongly for longer than its back-off, or in a way it does not know;
whoever calls this begins another life. Kopf's own patches, timers, daemons and finalizers are not used: a
change whose patch fails would be dropped, and a timer would stop for good. It has a thread and an event loop
of its own, because at its end it cancels every task that it finds in its loop.
"""

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any

import aiohttp
import kopf

from mlrollout.api import GROUP, PLURAL, VERSION
from mlrollout.ports import ApiLogin, ObjectsError

from .view import OnObject, Stands

_STOP_WITHIN = 5.0
_LONGEST = 300  # characters of the API server's own message
_BREATH = 1.0
"""Seconds from one request for a watch to the next: Kopf asks again at once where one ends at once."""


AsWhom = Callable[[], Awaitable[ApiLogin]]
"""Answers with what to log in with now; called in another loop than the caller's."""


async def watch(heard: OnObject, stands: Stands, *, log_in: AsWhom, namespace: str = "") -> None:
    """Watch the objects until cancelled.

    Args:
        heard: Called in the caller's event loop with each event; must not wait.
        stands: Likewise, with whether the API server has taken up the watch, each time it is asked for one.
        log_in: As whom; Kopf's own logins know neither plug-ins nor token files of a kubeconfig.
        namespace: Whose objects; empty for those of every namespace.

    Raises:
        ObjectsError: Kopf gave up.
    """
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[BaseException | None] = loop.create_future()
    stop = threading.Event()

    def hand_over(kind: str | None, found: Mapping[str, Any]) -> None:
        loop.call_soon_threadsafe(heard, kind, found)

    def tell(now: bool) -> None:  # noqa: FBT001 - a callback's only argument
        loop.call_soon_threadsafe(stands, now)

    def run() -> None:
        error: BaseException | None = None
        try:
            asyncio.run(_run_kopf(hand_over, tell, stop, log_in, namespace))
        except BaseException as raised:  # noqa: BLE001 - whatever ended it is told where it is awaited
            error = raised
        with contextlib.suppress(RuntimeError):  # at the end of the process nobody may be left to be told
            loop.call_soon_threadsafe(_finish, ended, error)

    threading.Thread(target=run, name="kopf", daemon=True).start()
    try:
        await asyncio.shield(ended)
    finally:
        stop.set()
        await asyncio.wait((ended,), timeout=_STOP_WITHIN)
    raise ObjectsError(f"Could not watch the MLRollout objects: {_told(ended.result())}.")


def _finish(ended: asyncio.Future[BaseException | None], error: BaseException | None) -> None:
    if not ended.done():
        ended.set_result(error)


def _told(error: BaseException | None) -> str:
    """Why Kopf gave up; of what is not the API server's own word only the type, for its text may quote an answer."""
    status, message = getattr(error, "status", None), getattr(error, "message", None)  # of an error that Kopf hides
    if status is not None:
        said = f", {' '.join(str(message).split())[:_LONGEST]}" if message else ""
        return f"the Kubernetes API answered {status}{said}"
    if isinstance(error, kopf.LoginError):
        return "the Kubernetes API refuses what this process logs in with, or there is nothing to log in with"
    return f"Kopf gave up ({type(error).__name__})"


async def _run_kopf(heard: OnObject, tell: Stands, stop: threading.Event, log_in: AsWhom, namespace: str) -> None:
    # Of tasks that Kopf lets fail unseen: why it gave up is told by whoever awaits this.
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    registry = kopf.OperatorRegistry()
    logins = 0

    @kopf.on.login(registry=registry)
    async def login(**_: Any) -> kopf.AiohttpSession | None:  # noqa: ANN401 - Kopf's keywords
        nonlocal logins
        logins += 1
        if logins > 1:
            return None  # refused what it has: Kopf would ask again and again, without a pause
        try:
            return _session(await log_in(), tell)
        except ObjectsError:
            return None

    @kopf.on.event(GROUP, VERSION, PLURAL, registry=registry)
    async def hand_on(event: kopf.RawEvent, **_: Any) -> None:  # noqa: ANN401 - Kopf's keywords
        heard(event["type"], event["object"])

    try:
        await kopf.operator(
            registry=registry,
            settings=_settings(),
            standalone=True,
            clusterwide=not namespace,
            namespaces=[namespace] if namespace else [],
            stop_flag=stop,
            # Used for nothing here. Left out, Kopf asks for the user's name, and a number in a container has none.
            identity="mlrollout",  # type: ignore[arg-type]  # its own type for a text, which it keeps to itself
        )
    finally:
        stop.set()  # a thread of this loop waits for it; the loop would wait for that, and be killed in the end


def _session(login: ApiLogin, tell: Stands) -> kopf.AiohttpSession:
    """Kopf's connection, with an ear on what becomes of its watch, which Kopf itself tells nobody."""
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ssl=login.encryption),
        headers=login.headers,
        proxy=login.proxy,
        trust_env=True,  # as every other connection to the API server
        trace_configs=[_ear(tell)],
    )
    return kopf.AiohttpSession(server=login.server, aiohttp_session=session)


def _ear(tell: Stands) -> aiohttp.TraceConfig:
    ear = aiohttp.TraceConfig()
    asked_at = -_BREATH

    async def asks(_: aiohttp.ClientSession, __: object, asked: aiohttp.TraceRequestStartParams) -> None:
        nonlocal asked_at
        if "watch" in asked.url.query:
            loop = asyncio.get_running_loop()
            await asyncio.sleep(asked_at + _BREATH - loop.time())
            asked_at = loop.time()

    async def answered(_: aiohttp.ClientSession, __: object, answer: aiohttp.TraceRequestEndParams) -> None:
        if "watch" in answer.url.query:
            # A page of somebody in between is no stream of events.
            tell(answer.response.status == HTTPStatus.OK and answer.response.content_type == "application/json")

    async def failed(_: aiohttp.ClientSession, __: object, asked: aiohttp.TraceRequestExceptionParams) -> None:
        if "watch" in asked.url.query:
            tell(False)  # noqa: FBT003 - a callback's only argument

    ear.on_request_start.append(asks)
    ear.on_request_end.append(answered)
    ear.on_request_exception.append(failed)
    return ear


def _settings() -> kopf.OperatorSettings:
    settings = kopf.OperatorSettings()
    settings.scanning.disabled = True
    settings.peering.standalone = True
    settings.posting.enabled = False
    settings.networking.request_timeout = 10
    # Whoever begins it anew does so with fresh credentials; here only a hiccup is sat out.
    settings.networking.error_backoffs = (0.5, 1.0)
    settings.networking.connect_timeout = 10
    settings.watching.server_timeout = 300
    settings.watching.connect_timeout = 10
    settings.watching.reconnect_backoff = 1
    settings.process.ultimate_exiting_timeout = 25
    return settings
