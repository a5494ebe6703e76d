"""Which Redis, Prometheus and source of revisions an object gets: the operator's own, or its own where allowed."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import structlog

from mlrollout.allowed import matches
from mlrollout.api.revision_from import RevisionFrom
from mlrollout.api.secret_ref import SecretKeyRef
from mlrollout.api.spec import Spec
from mlrollout.ports import (
    AddressRefusedError,
    EvidenceSource,
    ObjectsError,
    Ref,
    RevisionSource,
    RevisionSources,
    Secrets,
    TrafficError,
    TrafficStore,
)

from .loop_time import LoopTime, loop_time

log = structlog.get_logger(__name__)


PACE = 0.5
"""Seconds between two reads of one Secret, however many objects name it and however often they ask."""


@dataclass(slots=True)
class _Own:
    """A Redis that a Secret names.

    Attributes:
        began: When the Secret was last asked for, by the loop's clock.
        reading: The task that reads the Secret.
        url: What it held last; empty before the first success.
        store: The connection to it.
    """

    began: LoopTime
    reading: asyncio.Task[TrafficStore]
    url: str = ""
    store: TrafficStore | None = None


class Directory:
    """The connections of this process; implements the port `Connections`."""

    def __init__(
        self,
        *,
        store: TrafficStore | None,
        address: str | None,
        allowed: tuple[str, ...],
        secrets: Secrets,
        open_store: Callable[[str], TrafficStore],
        open_source: Callable[[str], EvidenceSource],
        open_shown: Callable[[str, str, str], EvidenceSource],
        revisions: RevisionSources,
    ) -> None:
        """Make a directory.

        Args:
            store: The operator's own Redis, if it has one.
            address: The operator's own Prometheus, if it has one.
            allowed: Patterns of the Prometheus addresses that an object may name, see `allowed.matches`.
            secrets: Where the URLs of the objects' own Redis stand.
            open_store: Makes a store of a URL.
            open_source: Makes a source of an address; raises `ValueError` where it is none.
            open_shown: The same, of an address and of namespace and name of the Secret that is shown there.
            revisions: The sources of revisions; closed with this.

        Raises:
            ValueError: The operator's own address is none.
        """
        self._store = store
        self._address = address
        self._allowed = allowed
        self._secrets = secrets
        self._open_store = open_store
        self._open_source = open_source
        self._open_shown = open_shown
        self._revisions = revisions
        self._own: dict[tuple[str, SecretKeyRef], _Own] = {}
        self._sources: dict[tuple[str, ...], EvidenceSource] = {}
        self._idle: set[tuple[object, ...]] = set()
        if address is not None:
            self._sources[address,] = open_source(address)

    async def store(self, ref: Ref, spec: Spec) -> TrafficStore:
        """The object's Redis; its Secret is read again where somebody asks, for a password may have changed."""
        if spec.traffic.redis is None:
            if self._store is None:
                raise TrafficError(
                    "the operator has no Redis of its own: set MLROLLOUT_REDIS_URL, or spec.traffic.redis"
                )
            return self._store
        secret = spec.traffic.redis.secret_ref
        place, now = (ref.namespace, secret), loop_time()
        own = self._own.get(place)
        if own is None or (own.reading.done() and now - own.began >= PACE):
            reading = asyncio.create_task(self._read(place), name=f"read {ref.namespace}/{secret.name}")
            # Whether anybody still waits for it or not, its failure is told to who asks next.
            reading.add_done_callback(lambda done: None if done.cancelled() else done.exception())
            if own is None:
                own = self._own[place] = _Own(now, reading)
            own.began, own.reading = now, reading
        return await asyncio.shield(own.reading)

    async def _read(self, place: tuple[str, SecretKeyRef]) -> TrafficStore:
        """Read a Secret; answers with what it holds now, or with what it held where it can't be read."""
        namespace, secret = place
        try:
            url = await self._secrets.read(namespace, secret.name, secret.key)
        except ObjectsError as error:
            known = self._own[place].store
            if known is None:
                raise
            log.warning("Could not read a Secret again; going on with what it held", error=str(error))
            return known
        own = self._own[place]
        before = own.store
        if before is not None and own.url == url:
            return before
        own.url, own.store = url, self._open_store(url)
        if before is not None:
            await before.close()
        return own.store

    def source(self, ref: Ref, spec: Spec) -> EvidenceSource:
        """The object's Prometheus; one that is shown a Secret is shared by nobody who does not name that Secret."""
        address = self._address if spec.prometheus is None else spec.prometheus.address
        if address is None:
            raise AddressRefusedError("the operator has no Prometheus of its own: set MLROLLOUT_PROMETHEUS_URL")
        if spec.prometheus is not None and not self._allows(address):
            raise AddressRefusedError(
                f"spec.prometheus.address {address} is not allowed: an administrator allows addresses by pattern, "
                "with the chart's allowedPrometheusAddresses"
            )
        _, *shown = place = _prometheus(ref, spec, address)
        if place not in self._sources:
            try:
                made = self._open_shown(address, *shown) if shown else self._open_source(address)
            except ValueError as error:
                raise AddressRefusedError(f"spec.prometheus.address can't be used: {error}") from error
            self._sources[place] = made
        return self._sources[place]

    def revisions(self, ref: Ref, found: RevisionFrom) -> RevisionSource:
        """What names the object's revision."""
        return self._revisions.source(ref.namespace, found)

    async def keep(self, objects: Iterable[tuple[Ref, Spec]]) -> None:
        """Give up the connections that none of these objects names, and none has named the last time either.

        A spec may name another Secret with every change: what it named before would be held for ever.
        """
        objects = tuple(objects)
        redis = {(ref.namespace, spec.traffic.redis.secret_ref) for ref, spec in objects if spec.traffic.redis}
        named = {_prometheus(ref, spec, self._address or "") for ref, spec in objects} | {(self._address,)}
        # One whose Secret is being read is waited for: by an object that is gone, whose key is still to be given up.
        own_idle = {place for place in self._own.keys() - redis if self._own[place].reading.done()}
        idle: set[tuple[object, ...]] = {*own_idle, *(self._sources.keys() - named)}
        left = idle & self._idle  # a look or a write may have been under way when it was named no more
        self._idle = idle - left
        stores = [own for place in tuple(self._own) if place in left for own in (self._own.pop(place),)]
        sources = [self._sources.pop(place) for place in tuple(self._sources) if place in left]
        closing = [own.store.close() for own in stores if own.store is not None] + [one.close() for one in sources]
        closing.append(self._revisions.keep((ref.namespace, spec.revision_from) for ref, spec in objects))
        await asyncio.gather(*closing, return_exceptions=True)

    def _allows(self, address: str) -> bool:
        return address == self._address or any(matches(pattern, address) for pattern in self._allowed)

    async def close(self) -> None:
        """Give up every connection."""
        for own in self._own.values():
            own.reading.cancel()
        stores = [own.store for own in self._own.values() if own.store is not None]
        if self._store is not None:
            stores.append(self._store)
        closing = [store.close() for store in stores] + [source.close() for source in self._sources.values()]
        closing.append(self._revisions.close())
        await asyncio.gather(*closing, return_exceptions=True)


def _prometheus(ref: Ref, spec: Spec, address: str) -> tuple[str, ...]:
    """What tells an object's Prometheus from others: its address, and where what it is shown stands."""
    if spec.prometheus is None:
        return (address,)
    secret = spec.prometheus.secret_ref
    return (spec.prometheus.address, *(() if secret is None else (ref.namespace, secret.name)))
