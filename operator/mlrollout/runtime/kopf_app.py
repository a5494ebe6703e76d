"""Kopf: the watch of the objects, and nothing else. Its handler only hands on what it hears.

Kopf's own patches, timers, daemons and finalizers are not used: a change whose patch fails would be
dropped, and a timer would stop for good. It has a thread and an event loop of its own, because at its
end it cancels every task that it finds in its loop.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Mapping
from typing import Any

import kopf

from mlrollout.api import GROUP, PLURAL, VERSION

Heard = Callable[[str | None, Mapping[str, Any]], None]
"""Takes in an event's type (`ADDED`, `MODIFIED`, `DELETED`, `None` at the first listing) and its object."""

_STOP_WITHIN = 5.0


async def watch(heard: Heard) -> None:
    """Watch the objects of every namespace until cancelled; returns or raises only where Kopf gave up.

    Args:
        heard: Called in the caller's event loop with each event; must not wait.
    """
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()
    stop = threading.Event()

    def hand_over(kind: str | None, found: Mapping[str, Any]) -> None:
        loop.call_soon_threadsafe(heard, kind, found)

    def run() -> None:
        error: BaseException | None = None
        try:
            asyncio.run(_run_kopf(hand_over, stop))
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


def _finish(ended: asyncio.Future[None], error: BaseException | None) -> None:
    if ended.done():
        return
    if error is None:
        ended.set_result(None)
    else:
        ended.set_exception(error)


async def _run_kopf(heard: Heard, stop: threading.Event) -> None:
    registry = kopf.OperatorRegistry()

    @kopf.on.login(registry=registry)
    async def login(**kwargs: Any) -> kopf.ConnectionInfo | None:  # noqa: ANN401 - Kopf's keywords
        return kopf.login_with_service_account(**kwargs) or kopf.login_with_kubeconfig(**kwargs)

    @kopf.on.event(GROUP, VERSION, PLURAL, registry=registry)
    async def hand_on(event: kopf.RawEvent, **_: Any) -> None:  # noqa: ANN401 - Kopf's keywords
        heard(event["type"], event["object"])

    try:
        await kopf.operator(registry=registry, settings=_settings(), standalone=True, clusterwide=True, stop_flag=stop)
    finally:
        stop.set()  # a thread of this loop waits for it; the loop would wait for that, and be killed in the end


def _settings() -> kopf.OperatorSettings:
    settings = kopf.OperatorSettings()
    settings.scanning.disabled = True
    settings.peering.standalone = True
    settings.posting.enabled = False
    settings.networking.request_timeout = 30
    settings.networking.connect_timeout = 10
    settings.watching.server_timeout = 300
    settings.watching.connect_timeout = 10
    settings.watching.reconnect_backoff = 1
    settings.process.ultimate_exiting_timeout = 25
    return settings
