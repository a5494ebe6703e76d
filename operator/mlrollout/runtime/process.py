"""The process of the operator: everything is made, started and ended here."""

import asyncio
import contextlib
import signal
import time
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import structlog
from aiohttp import web

from mlrollout.adapters.kubernetes import KubernetesLease, KubernetesObjects, KubernetesSecrets, connect
from mlrollout.adapters.prometheus import PrometheusSource
from mlrollout.adapters.redis import RedisTrafficStore
from mlrollout.ports import Clock, Object, ObjectsError, TrafficError

from .connections import Directory
from .kopf_app import watch
from .leadership import Leadership, own_identity
from .metrics import Metrics
from .operator import Operator
from .settings import Settings, SettingsError
from .web import Health, serve

log = structlog.get_logger(__name__)

START_WITHIN = 10.0
"""Seconds that a start waits for an API server that serves the objects."""
RELIST = 300.0
"""Seconds between two lists of all objects, for the events that a watch may have missed."""


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
    """
    clock, metrics, health = WallClock(), Metrics(), Health()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
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
        operator.lead(leads=False)
        await _first_list(objects, operator)
        await _work(stop, health, operator, objects, leadership)
        await operator.events.drain(2.0)


async def _serve(settings: Settings, health: Health, metrics: Metrics) -> web.AppRunner:
    try:
        return await serve(settings.host, settings.port, health, metrics)
    except OSError as error:
        raise SettingsError(
            f"can't listen on {settings.host}:{settings.port} ({error.strerror}): choose another address with --listen"
        ) from error


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


async def _work(
    stop: asyncio.Event, health: Health, operator: Operator, objects: KubernetesObjects, leadership: Leadership
) -> None:
    """Run every part until told to stop, or until one of them ends by itself, which is an error."""

    def heard(kind: str | None, found: Mapping[str, Any]) -> None:
        operator.vanished(found) if kind == "DELETED" else operator.observe(found)

    parts = {
        asyncio.create_task(operator.run(), name="operator"),
        asyncio.create_task(leadership.run(), name="leadership"),
        asyncio.create_task(watch(heard), name="watch"),
        asyncio.create_task(_relist(objects, operator), name="relist"),
    }
    health.watching = True
    stopping = asyncio.create_task(stop.wait(), name="stop")
    try:
        done, _ = await asyncio.wait({*parts, stopping}, return_when=asyncio.FIRST_COMPLETED)
        for part in done - {stopping}:
            health.failed = f"the part {part.get_name()} has ended"
            log.error("A part of the operator ended by itself; the process ends with it", part=part.get_name())
            part.result()
    finally:
        health.watching = False
        for part in (*parts, stopping):
            part.cancel()
        await asyncio.gather(*parts, stopping, return_exceptions=True)


class Lister(Protocol):
    """Who can read all objects."""

    async def read_all(self) -> Sequence[Object]:
        """Every object as it stands now."""
        ...


async def list_all(objects: Lister, operator: Operator) -> None:
    """Take in every object there is, and miss none that is gone."""
    before = {rollout.uid: rollout.object for rollout in operator.rollouts.values()}
    found = await objects.read_all()
    for one in found:
        operator.observe(one)
    for uid in before.keys() - {one["metadata"]["uid"] for one in found}:
        operator.vanished(before[uid])


async def _first_list(objects: Lister, operator: Operator) -> None:
    """Take in every object; an API server that is just starting is waited for."""
    ends = asyncio.get_running_loop().time() + START_WITHIN
    while True:
        try:
            return await list_all(objects, operator)
        except ObjectsError as error:
            if asyncio.get_running_loop().time() > ends:
                raise
            log.warning("Could not list the objects; trying again", error=str(error), within=START_WITHIN)
        await asyncio.sleep(1.0)


async def _relist(objects: Lister, operator: Operator) -> None:
    while True:
        await asyncio.sleep(RELIST)
        try:
            await list_all(objects, operator)
        except ObjectsError as error:
            log.warning("Could not list the objects again; the watch goes on", error=str(error))
