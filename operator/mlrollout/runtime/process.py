"""The process of the operator: everything is made, started and ended here."""

import asyncio
import contextlib
import signal
import time

import structlog
from aiohttp import web

from mlrollout.adapters.kubernetes import KubernetesLease, KubernetesObjects, KubernetesSecrets, cluster_uid, connect
from mlrollout.adapters.prometheus import PrometheusSource
from mlrollout.adapters.redis import RedisTrafficStore
from mlrollout.ports import Clock, Object, ObjectsError, TrafficError
from mlrollout.startup.told import SettingsError, cannot_listen

from .connections import Directory
from .kopf_app import watch
from .leadership import Leadership, own_identity
from .location import locate
from .metrics import Metrics
from .operator import Lister, Operator
from .settings import Settings
from .web import Health, serve

log = structlog.get_logger(__name__)

START_WITHIN = 10.0
"""Seconds that a start waits for an API server that serves the objects."""
RELIST = 300.0
"""Seconds between two lists of all objects, for the events that a watch may have missed."""


class PartEndedError(Exception):
    """A part of the operator ended that never should; the process ends with it, to begin anew."""


class WallClock(Clock):
    """The machine's clock."""

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()


async def run(settings: Settings) -> None:
    """Run the operator until SIGTERM or SIGINT.

    Raises:
        SettingsError: It can't start like this.
        ObjectsError: The cluster can't be worked with: unreachable, no rights, or without the CRD.
        PartEndedError: A part of it gave up.
    """
    work = asyncio.ensure_future(_run(settings))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, work.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await work


async def _run(settings: Settings) -> None:
    clock, metrics, health = WallClock(), Metrics(), Health()
    async with contextlib.AsyncExitStack() as stack:
        runner = await _serve(settings, health, metrics)
        stack.push_async_callback(runner.cleanup)
        client = await stack.enter_async_context(await connect())
        identity = own_identity()
        objects = KubernetesObjects(client, clock, identity)
        directory = _directory(settings, KubernetesSecrets(client))
        stack.push_async_callback(directory.close)
        leadership = Leadership(
            KubernetesLease(client, settings.namespace),
            identity,
            clock,
            lambda leads: operator.lead(leads=leads),
        )
        operator = Operator(
            objects=objects,
            connections=directory,
            clock=clock,
            metrics=metrics,
            still_leads=lambda: leadership.leads,
        )
        stack.push_async_callback(operator.events.drain, 2.0)
        operator.lead(leads=False)
        log.info("Starting", addresses=runner.addresses, settings=str(settings), identity=identity)
        searching = await locate(lambda: cluster_uid(client), operator.placed)
        if searching is not None:
            stack.callback(searching.cancel)
        await _first_list(objects, operator)
        health.watching = True
        await run_parts(health, operator, objects, leadership)


async def _serve(settings: Settings, health: Health, metrics: Metrics) -> web.AppRunner:
    try:
        return await serve(settings.host, settings.port, health, metrics)
    except OSError as error:
        raise cannot_listen(settings.host, settings.port, error, where="--listen") from error


def _directory(settings: Settings, secrets: KubernetesSecrets) -> Directory:
    try:
        return Directory(
            store=RedisTrafficStore.from_url(settings.redis_url) if settings.redis_url else None,
            address=settings.prometheus_address or None,
            allowed=settings.allowed_prometheus,
            secrets=secrets,
            open_store=RedisTrafficStore.from_url,
            open_source=PrometheusSource,
        )
    except TrafficError as error:
        raise SettingsError(f"MLROLLOUT_REDIS_URL, or what MLROLLOUT_REDIS_URL_FILE names: {error}") from error
    except ValueError as error:
        raise SettingsError(f"--prometheus, or MLROLLOUT_PROMETHEUS_URL: {error}") from error


async def run_parts(health: Health, operator: Operator, objects: Lister, leadership: Leadership) -> None:
    """Run every part until cancelled, or until one of them ends by itself."""

    def heard(kind: str | None, found: Object) -> None:
        operator.vanished(found) if kind == "DELETED" else operator.observe(found)

    parts = [
        asyncio.create_task(operator.run(), name="operator"),
        asyncio.create_task(leadership.run(), name="leadership"),
        asyncio.create_task(watch(heard), name="watch"),
        asyncio.create_task(_relist(objects, operator), name="relist"),
    ]
    try:
        await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
        ended = next(part for part in parts if part.done())
        health.failed = f"the part {ended.get_name()} of the operator has ended by itself"
        log.error(
            "A part ended by itself, and the process ends with it", part=ended.get_name(), exc_info=ended.exception()
        )
        raise PartEndedError(f"{health.failed}; its log says why. Start it again")
    finally:
        for part in parts:
            part.cancel()
        await asyncio.gather(*parts, return_exceptions=True)


async def _first_list(objects: Lister, operator: Operator) -> None:
    """Take in every object; an API server that is just starting is waited for."""
    ends = asyncio.get_running_loop().time() + START_WITHIN
    told = ""
    while True:
        try:
            return await operator.relist(objects)
        except ObjectsError as error:
            if asyncio.get_running_loop().time() > ends:
                raise ObjectsError(f"{error} Try `kubectl get mlrollouts -A` as the same user.") from error
            if str(error) != told:
                told = str(error)
                log.warning("Could not list the objects; trying again", error=told, within=START_WITHIN)
        await asyncio.sleep(1.0)


async def _relist(objects: Lister, operator: Operator) -> None:
    while True:
        await asyncio.sleep(RELIST)
        try:
            await operator.relist(objects)
        except ObjectsError as error:
            log.warning("Could not list the objects again; the watch goes on", error=str(error))
