"""The process of the server: everything is made, started and ended here."""

import asyncio
import contextlib
import hashlib
import os
import secrets
import signal
from collections.abc import Mapping
from pathlib import Path

import structlog
from aiohttp import web

from mlrollout.adapters.kubernetes import KubernetesReviews
from mlrollout.listening.connection import Runner
from mlrollout.listening.descriptors import room
from mlrollout.listening.door import Door, hush
from mlrollout.startup.settings import cannot_listen, listen, redis_url

from . import app, backends, config
from .ab.survey import SURVEY, Survey
from .auth import tokens
from .auth.callers import Callers
from .auth.cluster import Cluster
from .auth.loopback import or_loopback
from .auth.sessions import Sessions
from .backends import BACKENDS
from .counting import Counting
from .dashboard import serving as dashboard
from .http.addresses import Proxies
from .http.problem import refusal
from .metrics import METRICS
from .ofrep.ticket import Tickets
from .rollouts import follow

log = structlog.get_logger(__name__)

END_WITHIN = 10.0
"""Seconds for requests under way to be answered when the server is settings to stop."""


async def run(file: Path, environment: Mapping[str, str] = os.environ) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        SettingsError: It can't start like this.
    """
    work = asyncio.ensure_future(_run(file, environment))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, work.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await work


async def _run(file: Path, environment: Mapping[str, str]) -> None:
    hush(asyncio.get_running_loop())
    settings, redis = config.load(file), redis_url(environment)
    async with contextlib.AsyncExitStack() as stack:
        behind = await stack.enter_async_context(backends.opened(settings, redis))
        cluster = Cluster(KubernetesReviews(behind.cluster)) if behind.cluster else None
        callers = or_loopback(settings, _callers(settings, cluster))
        counting = Counting(behind.users)
        rollouts = follow(settings, redis, counting.add, backends.tls_of(settings))
        for one in rollouts.values():
            stack.push_async_callback(asyncio.to_thread, one.rollout.close)
        made = app.make(settings, rollouts, callers, _tickets(settings))
        made[BACKENDS] = behind
        made[SURVEY] = Survey(settings.survey)
        dashboard.add(made, settings, behind, cluster)
        runner = Runner(made, _door(settings, made), refusal, keepalive_timeout=75.0, shutdown_timeout=END_WITHIN)
        stack.push_async_callback(runner.cleanup)
        await runner.setup()
        host, port = listen(settings.listen)
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise cannot_listen(host, port, error, where=f"listen in {file}") from error
        log.info("Serving", addresses=runner.addresses, rollouts=list(rollouts))
        await counting.run()


def _door(settings: config.Config, made: web.Application) -> Door:
    """For as many connections as the configuration allows, and the process has descriptors for."""
    limits = settings.limits
    return Door(
        room(limits.connections), limits.connections_per_address, made[METRICS].connections, Proxies(settings.proxies)
    )


def _callers(settings: config.Config, cluster: Cluster | None) -> list[Callers]:
    """Whoever is known by what costs least is asked for first; the API server last."""
    ways: list[Callers] = []
    if settings.tokens:
        ways.append(tokens.read(settings.tokens))
    if settings.sessions:
        ways.append(Sessions(settings.sessions))
    if cluster:
        ways.append(cluster)
    return ways


def _tickets(settings: config.Config) -> Tickets:
    """Servers with the same tokens know each other's tickets."""
    secret = settings.tokens.read_bytes() if settings.tokens else secrets.token_bytes(32)
    return Tickets(hashlib.sha256(b"tickets:" + secret).digest())
