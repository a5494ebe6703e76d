"""The dashboard of a server in the cluster: by the server's own ServiceAccount, for people whom the cluster knows."""

import secrets
import time
from collections.abc import AsyncIterator, Sequence

from aiohttp import web

from mlrollout.adapters.kubernetes import Client, KubernetesVerbs, KubernetesWatch
from mlrollout.ports import Object, Ref
from mlrollout.server import secret_file
from mlrollout.server.auth.cluster import Cluster
from mlrollout.server.backends import Backends
from mlrollout.server.config import Config, DashboardSettings, ObjectName
from mlrollout.server.http.addresses import Proxies
from mlrollout.server.http.problem import HttpProblem

from . import pages, routes
from .board import Board
from .feed import FigureFeed
from .seal import Seal
from .sign_in import ClusterPeople
from .watch import SharedWatch


class ServedCluster:
    """The cluster by the server's own rights. Implements `DashboardCluster`.

    Args:
        client: The API server.
        namespace: Whose objects are shown; empty for those of every namespace.
    """

    def __init__(self, client: Client, namespace: str) -> None:
        self._watch = KubernetesWatch(client, namespace)
        self._verbs = KubernetesVerbs(client)
        self.namespaces = (namespace,) if namespace else None

    @property
    def now(self) -> float:
        """This machine's time: it is one of the cluster's."""
        return time.time()

    async def list(self) -> tuple[Sequence[Object], str]:
        """Every object, and the version from which on they can be followed."""
        return await self._watch.list()

    def changes(self, version: str) -> AsyncIterator[tuple[str, Object]]:
        """What happens after a version, for a while."""
        return self._watch.changes(version)

    async def read(self, ref: Ref) -> Object:
        """An object as it stands now."""
        return await self._verbs.read(ref)

    async def ask(self, ref: Ref, verb: str, why: str, *, version: str = "") -> Object:
        """Set the annotation of a verb; the object after it."""
        return await self._verbs.ask(ref, verb, why, version=version)


def add(app: web.Application, config: Config, backends: Backends, cluster: Cluster | None) -> None:
    """Add the dashboard to a server, as far as its configuration has one.

    Raises:
        SettingsError: The key of its sessions can't be used.
    """
    settings = config.dashboard
    if settings is None or backends.cluster is None or cluster is None:
        lacks_cluster = settings is not None
        _add_nothing(app, lacks_cluster=lacks_cluster)
        return
    seen = ServedCluster(backends.cluster, settings.namespace)
    watch = SharedWatch(seen)
    feed = FigureFeed(backends.samples, settings, lambda ref: _prefix(config, settings, ref))
    people = ClusterPeople(cluster, settings, Seal(_secret(settings)), Proxies(config.proxies))
    routes.add(app, Board(seen, watch, feed, people))

    async def close(_app: web.Application) -> None:
        await watch.close()

    app.on_shutdown.append(close)


def _add_nothing(app: web.Application, *, lacks_cluster: bool) -> None:
    why = "add `dashboard: {}` to its configuration"
    if lacks_cluster:
        why = "there is no cluster to be found, and its log says why"

    async def tell(_request: web.Request) -> web.Response:
        raise HttpProblem(404, f"This server has no dashboard: {why} (docs/dashboard.md).")

    app.router.add_get(pages.PREFIX.rstrip("/"), tell)
    app.router.add_get(pages.PREFIX, tell)


def _secret(settings: DashboardSettings) -> bytes:
    return secret_file.read(settings.key, "dashboard.key") if settings.key else secrets.token_bytes(32)


def _prefix(config: Config, settings: DashboardSettings, ref: Ref) -> str:
    """What the names of the metrics of an object's application begin with.

    It is never taken from the object: whoever may write one could read another application's figures by it.
    """
    meant = ObjectName(namespace=ref.namespace, name=ref.name)
    named = [one.metrics for one in settings.applications if one.object == meant]
    return next(iter(named + [one.prefix for one in config.rollouts if one.object == meant]), "")
