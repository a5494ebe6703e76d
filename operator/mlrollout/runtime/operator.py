"""The whole of the operator behind one face: objects come in, everything else follows."""

import random
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol

import structlog

from mlrollout.ports import Clock, ConflictError, Connections, GoneError, Object, Objects, ObjectsError, Ref

from .apart import Apart
from .claims import Claims
from .loop_time import loop_time
from .measuring import Watch
from .metrics import OperatorMetrics
from .naming import Inquiry
from .notifying import Notifying
from .object_metrics import ObjectMetrics
from .parts import keep
from .queue import Queue
from .reconciler import Reconciler
from .rivals import Rivalry
from .rounds import Rounds
from .sinks.events import EventsSink
from .sinks.log import LogSink
from .sinks.metrics import MetricsSink
from .sinks.notifications import NotificationsSink
from .telling import Outbox, Sink
from .tracked import Measured, Source, TrackedObject, Writing, is_stale_version
from .traffic_io import TrafficIO

log = structlog.get_logger(__name__)

_MISSED = 1000
"""Of how many objects that a list lacked it is known what they were, should the watch tell of their end."""


class Lister(Protocol):
    """Who can read all objects."""

    async def read_all(self) -> Sequence[Object]:
        """Every object as it stands now.

        Raises:
            ObjectsError: They can't be known.
        """
        ...

    async def probe(self) -> None:
        """Have it proved that the objects can be read.

        Raises:
            ObjectsError: They can't.
        """
        ...


class Operator:
    """Everything that runs in one process, without Kopf and without a server."""

    def __init__(  # noqa: PLR0913 - what there is of the world, and who this is
        self,
        *,
        objects: Objects,
        connections: Connections,
        clock: Clock,
        metrics: OperatorMetrics | None = None,
        still_leads: Callable[[], bool] = lambda: True,
        doubt: Callable[[], None] = lambda: None,
        installation: str = "",
        notifying: Notifying | None = None,
        seed: int | None = None,
    ) -> None:
        """Make an operator.

        Args:
            objects: The Kubernetes API.
            connections: Each object's Redis and Prometheus.
            clock: The wall clock.
            metrics: Where to count; left out, nobody sees it.
            still_leads: Asked right before a raise, for a process that was frozen may not have been told.
            doubt: Called where an object may be gone, to have all of them listed.
            installation: Whose statuses these are: what all replicas that agree on a leader share, and nobody else has.
            notifying: Who is notified, and how; left out, nobody.
            seed: For jitter; left out, it is not repeatable.
        """
        self._clock = clock
        self._doubt = doubt
        self._installation = installation
        self._random = random.Random(seed)  # noqa: S311 - jitter is no secret
        self.metrics = metrics or OperatorMetrics()
        self.tracked_objects: dict[Ref, TrackedObject] = {}
        self._missed: dict[str, TrackedObject] = {}  # what a list lacked, by uid: the watch may come to tell of it
        self._cluster = ""
        self._watches: dict[Ref, Watch] = {}
        self._inquiries: dict[Ref, Inquiry] = {}
        self._connections = connections
        self._claims = Claims(clock)
        self._apart = Apart()
        self.queue = Queue(self._handle, seed=seed)
        self.outbox = Outbox(self._sinks(objects, notifying), clock)
        traffic = TrafficIO(connections, self.metrics, clock)
        self._reconciler = Reconciler(
            objects=objects,
            connections=connections,
            traffic=traffic,
            clock=clock,
            metrics=self.metrics,
            outbox=self.outbox,
            wake=self.queue.add,
            learned=self._learned,
            still_leads=still_leads,
            apart=self._apart,
        )
        self._show()
        self._rounds = Rounds(self.tracked_objects, traffic, self._changed, self._apart)

    async def run(self) -> None:
        """Work until cancelled; what is known of the objects outlives the end of any of its parts."""
        try:
            await keep({"queue": self.queue.run, "rounds": self._rounds.run}, self.metrics.part_ended)
        finally:
            self._reconciler.end()
            last = tuple(self.tracked_objects.values())
            self.tracked_objects.clear()
            for tracked in last:
                self._forget(tracked)

    # --- what comes in -----------------------------------------------------------------------

    def observe(self, found: Mapping[str, Any]) -> None:
        """Take in a version of an object; never waits."""
        metadata = found["metadata"]
        ref = Ref(str(metadata["namespace"]), str(metadata["name"]))
        tracked = self.tracked_objects.get(ref)
        if tracked is not None and is_stale_version(metadata.get("resourceVersion"), tracked.resource.resource_version):
            return
        if tracked is not None and tracked.uid != metadata["uid"]:
            self._forget(tracked)
            tracked = None
        if tracked is None:
            self._missed.pop(str(metadata["uid"]), None)
            tracked = self._meet(ref, found)
        else:
            tracked.apply(found)
        self._changed(tracked)

    def vanished(self, found: Mapping[str, Any]) -> None:
        """Take in that an object no longer exists."""
        tracked = self._known(found)
        missed = self._missed.pop(str(found["metadata"]["uid"]), None)
        if tracked is not None:
            self._reconciler.bury(tracked)
            self._forget(tracked)
        elif missed is not None:
            self._reconciler.bury(missed)

    async def relist(self, objects: Lister) -> None:
        """Take in every object there is, and miss none that is gone.

        Raises:
            ObjectsError: They can't be read.
        """
        before = {tracked.uid: tracked.resource.object for tracked in self.tracked_objects.values()}
        found = await objects.read_all()
        for one in found:
            metadata = one["metadata"]
            with self._apart.turn(Ref(str(metadata["namespace"]), str(metadata["name"]))):
                self.observe(one)
        there = {one["metadata"]["uid"] for one in found}
        for gone in [last for uid, last in before.items() if uid not in there]:
            tracked = self._known(gone)
            if tracked is not None:
                self._reconciler.miss(tracked)
                self._forget(tracked)
                self._missed[tracked.uid] = tracked
                if len(self._missed) > _MISSED:
                    del self._missed[next(iter(self._missed))]

    def lead(self, *, leads: bool) -> None:
        """Take in whether this process may take traffic up and write status."""
        self._reconciler.lead(self.tracked_objects.values(), leads=leads)
        self.metrics.leads.set(leads)
        for tracked in self.tracked_objects.values():
            self.queue.add(tracked.ref)
            with self._apart.turn(tracked.ref):
                self._sync(tracked)

    def placed(self, cluster: str) -> None:
        """Take in which cluster this is."""
        self._cluster = cluster
        for tracked in self.tracked_objects.values():
            tracked.cluster = cluster
            self.queue.add(tracked.ref)

    # --- what follows ------------------------------------------------------------------------

    def _sinks(self, objects: Objects, notifying: Notifying | None) -> Sequence[Sink]:
        """Who is told what happens."""
        usual = (MetricsSink(), LogSink(), EventsSink(objects, self.metrics))
        if notifying is None:
            return usual
        notified = NotificationsSink(*notifying, self._clock, self.metrics, self._leads_now, self.queue.add)
        return (*usual, notified)

    def _show(self) -> None:
        """Have the metrics read, whenever they are asked for, what is known here."""
        self.metrics.queue_depth.set_function(lambda: self.queue.depth)
        self.metrics.objects = ObjectMetrics(
            self.tracked_objects, lambda: self._reconciler.leads or not self.metrics.another_leads()
        ).lines

    def _leads_now(self) -> bool:
        return self._reconciler.leads

    def _meet(self, ref: Ref, found: Mapping[str, Any]) -> TrackedObject:
        """Begin to know an object."""
        looked = loop_time()
        tracked = self.tracked_objects[ref] = TrackedObject(
            ref, self._cluster, measured=Measured(last=looked), writing=Writing(Rivalry(self._installation))
        )
        judged = self._reconciler.judged
        self._watches[ref] = Watch(tracked, self._clock, self.metrics, judged, self._random)
        wake = partial(self.queue.add, ref)
        self._inquiries[ref] = Inquiry(tracked, self._connections, self._clock, self.metrics, wake, self._random)
        tracked.apply(found)
        self.outbox.recall(tracked)
        return tracked

    def _known(self, found: Mapping[str, Any]) -> TrackedObject | None:
        """What is known of this very object."""
        metadata = found["metadata"]
        tracked = self.tracked_objects.get(Ref(str(metadata["namespace"]), str(metadata["name"])))
        return tracked if tracked is not None and tracked.uid == metadata["uid"] else None

    def _changed(self, tracked: TrackedObject) -> None:
        """Something else stands in the API server, or in Redis, than was known."""
        self.queue.add(tracked.ref)
        self._learned(tracked)

    def _learned(self, tracked: TrackedObject) -> None:
        """Guard by what is known now, also while the main lane waits for the API server (invariant 2)."""
        if tracked.gone:
            return
        self._claims.take(tracked)
        self._reconciler.start_lowering(tracked)
        self._sync(tracked)

    async def _handle(self, ref: Ref) -> float | None:
        tracked = self.tracked_objects.get(ref)
        if tracked is None:
            self.queue.forget(ref)  # woken by what was still under way for it, it would come back for ever
            return None
        self._claims.take(tracked)
        try:
            return await self._reconciler.reconcile(tracked, self._claims.conflict(tracked))
        except GoneError:
            # Only the watch and a whole list are believed: an API server that answers nonsense says "not found", too,
            # and what is forgotten is no longer guarded.
            self._doubt()
            raise
        except ConflictError:
            raise
        except ObjectsError:
            self.metrics.failed(Source.KUBERNETES, tracked)
            raise
        finally:
            if not tracked.gone:
                self._sync(tracked)

    def _sync(self, tracked: TrackedObject) -> None:
        """Look at the guardrails that the object has now, and ask what names its revisions."""
        self._watches[tracked.ref].sync(enabled=not tracked.over)
        # Which revision it is, is the leader's business; one that goes begins nothing more.
        asks = self._reconciler.leads and tracked.resource.deleted_at is None
        self._inquiries[tracked.ref].sync(enabled=asks)

    def _forget(self, tracked: TrackedObject) -> None:
        """Let go of an object, once: by its second end another may have its name."""
        if tracked.gone:
            return
        ref = tracked.ref
        self.tracked_objects.pop(ref, None)
        self._watches.pop(ref).sync(enabled=False)
        self._inquiries.pop(ref).sync(enabled=False)
        self._reconciler.forget(tracked)
        self.outbox.forget(tracked)
        self.queue.forget(ref)
        self._apart.forget(ref)
        for other in self._claims.drop(tracked):  # its key may be free now
            self.queue.add(other.ref)
