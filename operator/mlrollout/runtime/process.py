"""The process of the operator: everything is made, started and ended here."""

import asyncio
import contextlib
import functools
import signal
from collections.abc import Callable, Mapping
from types import MappingProxyType

import structlog
from aiohttp import web

from mlrollout.adapters.http.access import UnusableAccessError, nothing
from mlrollout.adapters.http.access_of_secret import AccessOfSecret
from mlrollout.adapters.kubernetes import (
    KubernetesConfigMaps,
    KubernetesLease,
    KubernetesObjects,
    KubernetesSecrets,
    cluster_uid,
    connect,
    log_in,
)
from mlrollout.adapters.prometheus import PrometheusSource
from mlrollout.adapters.prometheus_access import AccessFolder
from mlrollout.adapters.prometheus_of_secret import PrometheusOfSecret
from mlrollout.adapters.receivers.receivers import AnyReceivers
from mlrollout.adapters.redis import RedisTrafficStore, open_of_secret
from mlrollout.adapters.revisions import AllowedRevisionSources
from mlrollout.api.lease import lease_of
from mlrollout.ports import EvidenceSource, RevisionSources, Secrets, TrafficError
from mlrollout.redis_common.address import Tls
from mlrollout.startup.settings import SettingsError, cannot_listen

from .connections import Directory
from .kopf_app import watch
from .leadership import Leadership, own_identity
from .location import locate
from .metrics import OperatorMetrics
from .notifying import Notifying
from .notifying.address_book import AddressBook
from .notifying.config_file import ConfigFile
from .operator import Operator
from .parts import Part, keep
from .settings import Settings
from .steady_clock import SteadyClock
from .view import View
from .web import serve

log = structlog.get_logger(__name__)

TIDIED = 60.0
"""Seconds after which connections are given up that no object names any more; at most twice as many."""


async def run(settings: Settings) -> None:
    """Run the operator until SIGTERM or SIGINT.

    Raises:
        SettingsError: It can't start like this.
        ObjectsError: There is no cluster to be found, or what describes it can't be used.
    """
    work = asyncio.ensure_future(_run(settings))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, work.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await work


async def _run(settings: Settings) -> None:
    clock, metrics = SteadyClock(), OperatorMetrics()
    async with contextlib.AsyncExitStack() as stack:
        client = await stack.enter_async_context(await connect())
        identity, lease = own_identity(), lease_of(settings.watched)
        objects = KubernetesObjects(client, clock, identity, settings.watched)
        secrets = KubernetesSecrets(client)
        revisions = AllowedRevisionSources(settings.allowed_revision_sources, secrets, KubernetesConfigMaps(client))
        directory = _directory(settings, secrets, revisions)
        receivers = AnyReceivers(settings.allowed_networks, clock)
        stack.push_async_callback(receivers.close)
        file = ConfigFile(settings.notifications_file, receivers, metrics.notifications_unusable.set)
        stack.push_async_callback(directory.close)
        leadership = Leadership(
            KubernetesLease(client, settings.namespace, lease),
            identity,
            clock,
            lambda leads: operator.lead(leads=leads),
        )
        metrics.holder = lambda: leadership.holder
        metrics.another_leads = lambda: leadership.another_leads
        operator = Operator(
            objects=objects,
            connections=directory,
            clock=clock,
            metrics=metrics,
            still_leads=lambda: leadership.leads,
            installation=f"{settings.namespace}/{lease}",
            notifying=Notifying(AddressBook(file.current, secrets, settings.allowed_receivers), receivers),
            doubt=lambda: view.doubt(),  # noqa: PLW0108 - the view is made after it
        )
        stack.push_async_callback(operator.outbox.drain, 2.0)
        view = View(
            operator, objects, functools.partial(watch, log_in=log_in, namespace=settings.watched), clock, metrics
        )
        operator.lead(leads=False)
        runner = await _serve(settings, view, metrics)
        stack.push_async_callback(runner.cleanup)
        log.info("Starting", addresses=runner.addresses, settings=str(settings), identity=identity)
        searching = await locate(lambda: cluster_uid(client), operator.placed)
        if searching is not None:
            stack.callback(searching.cancel)
        tidy = functools.partial(_tidy, directory, operator)
        await run_parts(operator, view, leadership, metrics, {"notifications": file.watch, "connections": tidy})


async def _tidy(directory: Directory, operator: Operator) -> None:
    """Give up now and then the connections that no object names any more."""
    while True:
        await asyncio.sleep(TIDIED)
        tracked = operator.tracked_objects.values()
        await directory.keep((one.ref, one.spec) for one in tracked if one.spec is not None)


async def run_parts(
    operator: Operator,
    view: View,
    leadership: Leadership,
    metrics: OperatorMetrics,
    more: Mapping[str, Part] = MappingProxyType({}),
) -> None:
    """Run every part until cancelled."""

    async def lead() -> None:
        await view.listed.wait()  # one that sees nothing must not keep another from leading
        await leadership.run()

    def ended(part: str) -> None:
        metrics.part_ended(part)
        view.doubt()  # whatever it forgot is met again

    parts = {"operator": operator.run, "view": view.keep, "watch": view.watch, "leadership": lead, **more}
    await keep(parts, ended)


async def _serve(settings: Settings, view: View, metrics: OperatorMetrics) -> web.AppRunner:
    try:
        return await serve(settings.host, settings.port, view.missing, metrics)
    except OSError as error:
        raise cannot_listen(settings.host, settings.port, error, where="--listen") from error


def _directory(settings: Settings, secrets: Secrets, revisions: RevisionSources) -> Directory:
    tls = settings.redis_tls
    # An object's own Redis is shown no certificate of the operator's: anybody may stand there.
    theirs = Tls(ca=tls.ca)
    try:
        return Directory(
            store=RedisTrafficStore.from_url(settings.redis_url, tls, settings.redis_url_file)
            if settings.redis_url
            else None,
            address=settings.prometheus_address or None,
            allowed=settings.allowed_prometheus,
            secrets=secrets,
            open_store=lambda url: open_of_secret(url, theirs),
            open_source=_sources(settings),
            open_shown=lambda address, namespace, name: PrometheusOfSecret(
                address, AccessOfSecret(f"the Secret {namespace}/{name}", lambda: secrets.read_all(namespace, name))
            ),
            revisions=revisions,
        )
    except UnusableAccessError as error:
        raise SettingsError(f"MLROLLOUT_PROMETHEUS_AUTH: {error}") from error
    except TrafficError as error:
        raise SettingsError(f"MLROLLOUT_REDIS_URL, or what MLROLLOUT_REDIS_URL_FILE names: {error}") from error
    except ValueError as error:
        raise SettingsError(f"--prometheus, or MLROLLOUT_PROMETHEUS_URL: {error}") from error


def _sources(settings: Settings) -> Callable[[str], EvidenceSource]:
    """Opens a Prometheus; what the operator's own is shown, no other is: an object may name any that is allowed."""
    access = AccessFolder(settings.prometheus_auth).current if settings.prometheus_auth else nothing
    return lambda address: PrometheusSource(address, access if address == settings.prometheus_address else nothing)
