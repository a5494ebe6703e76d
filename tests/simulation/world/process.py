"""One process of the operator in the simulated world."""

import asyncio
import contextvars
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mlrollout.api.guardrail import Guardrail
from mlrollout.api.revision_from import RevisionFrom
from mlrollout.api.spec import Spec
from mlrollout.evidence.measurement import Measurement
from mlrollout.ports import Clock, Object, ObjectsError, Ref, TrafficStore
from mlrollout.runtime.operator import Operator
from mlrollout.runtime.parts import keep
from mlrollout.runtime.tracked import TrackedObject
from mlrollout.runtime.view import OnObject, Stands, View

from . import receivers
from .calls import Calls
from .faults import API
from .history import Instance, Judged, Stored, Unexpected
from .ports import Objects, Revisions, Source, Store

if TYPE_CHECKING:
    from .world import World

OWNER: contextvars.ContextVar["Process | None"] = contextvars.ContextVar("owner", default=None)
"""The process that the running task belongs to."""


class Process(Clock):
    """One life of one replica. Its crash ends its tasks, and nothing it calls takes place any more."""

    def __init__(self, world: "World", slot: str, life: int) -> None:
        self.world = world
        self.slot = slot
        self.name = f"{slot}{life}"
        self.alive = True
        self.ready = False
        """Whether it has listed the objects, so that it may lead."""
        self.leads = False
        self.frozen_until = 0.0
        self.skew = 0.0
        """Seconds by which its clock is ahead."""
        self._deaf_until = 0.0
        self.tasks: list[asyncio.Task[Any]] = []
        self._context = contextvars.copy_context()
        self._context.run(OWNER.set, self)
        self._heard_at = 0.0
        self.calls = Calls(self)
        self._stores: dict[str, Store] = {}
        self._source = Source(self)
        self._watch_ends = asyncio.Event()
        self.operator: Operator = self._context.run(self._make)
        self._view = View(
            self.operator,
            Objects(self),
            self._watching,
            self,
            world.metrics,
            jitter=world.chances("view").random,
        )

    def _make(self) -> Operator:
        seed = self.world.chances("jitter").getrandbits(32)
        operator = Operator(
            objects=Objects(self),
            connections=self,
            clock=self,
            metrics=self.world.metrics,
            still_leads=lambda: self.leads,
            notifying=receivers.notifying(self),
            doubt=lambda: self._view.doubt(),  # noqa: PLW0108 - the view is made after it
            seed=seed,
        )
        operator._reconciler.judged = self._recording(operator._reconciler.judged)  # type: ignore[assignment,method-assign]  # a function in the place of a method
        return operator

    def _recording(
        self, judged: Callable[[TrackedObject, Guardrail, Measurement], None]
    ) -> Callable[[TrackedObject, Guardrail, Measurement], None]:
        def record(tracked: TrackedObject, guardrail: Guardrail, measurement: Measurement) -> None:
            if measurement.message.startswith("unexpected"):
                self.world.record(Unexpected, by=self.name, text=measurement.message)
            self.world.record(
                Judged,
                by=self.name,
                ref=tracked.ref,
                uid=tracked.uid,
                guardrail=guardrail,
                measurement=measurement,
                clock=self.now(),
                sampled=self.world.sampled_at(tracked.ref, guardrail),
            )
            judged(tracked, guardrail, measurement)

        return record

    # --- its life ----------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to work."""
        self.world.record(Instance, by=self.name, what="starts")
        self._context.run(self._start)

    def _start(self) -> None:
        self.operator.lead(leads=False)
        parts = {"operator": self.operator.run, "view": self._view.keep, "watch": self._view.watch}
        for main in (keep(parts, self._ended), self._contend()):
            self.tasks.append(asyncio.create_task(main))

    async def _contend(self) -> None:
        await self._view.listed.wait()
        self.ready = True
        self.world.elect()

    def _ended(self, part: str) -> None:
        self.world.record(Unexpected, by=self.name, text=f"the part {part} ended by itself")

    def crash(self) -> None:
        """End it at once; another life begins after a while."""
        if not self.alive:
            return
        self.world.record(Instance, by=self.name, what="crashes")
        self.stop()
        self.world.restart(self.slot)

    def stop(self) -> None:
        """End it."""
        if not self.alive:
            return
        self.alive = False
        for task in self.tasks:
            task.cancel()

    def lead(self, *, leads: bool) -> None:
        """Let it believe that it leads, or that it does not."""
        if self.alive and leads != self.leads:
            self.leads = leads
            self.world.record(Instance, by=self.name, what="leads" if leads else "leads no more")
            self._context.run(lambda: self.operator.lead(leads=leads))

    def now(self) -> float:
        """Its wall clock."""
        return self.world.wall_clock() + self.skew

    @property
    def idles(self) -> bool:
        """Whether it is up, has no Event left to post, and nothing that is to be tried again."""
        failing = any(ref.name != "sick" for ref in self.operator.queue.failing)
        return self.alive and self.ready and not self.operator.outbox.under_way and not failing

    # --- what it hears -----------------------------------------------------------------------

    async def _watching(self, _: OnObject, stands: Stands) -> None:
        """One life of its watch: it begins with every object there is, and says nothing of those gone."""
        await self.calls.make(API, "watch", lambda: None)
        self._watch_ends.clear()
        self.world.api.watchers.append(self._watch)
        try:
            for found in tuple(self.world.api.objects.values()):
                self._watch("ADDED", found)
            stands(True)  # noqa: FBT003 - the callback's only argument
            await self._watch_ends.wait()
        finally:
            self.world.api.watchers.remove(self._watch)
        raise ObjectsError("the simulated watch has ended")

    def end_watch(self) -> None:
        """End its watch for good; another has to be begun."""
        self._watch_ends.set()

    def _watch(self, kind: str, found: Object) -> None:
        """Have an event delivered: in order, after a while, and not while the watch is broken."""
        loop = asyncio.get_running_loop()
        if loop.time() < self._deaf_until:
            return
        self._heard_at = max(self._heard_at, loop.time() + self.world.watch_delay())
        loop.call_at(self._heard_at, self.hear, kind, found)

    def hear(self, kind: str, found: Object) -> None:
        """Deliver an event of the watch."""
        if self.alive:
            take = self.operator.vanished if kind == "DELETED" else self.operator.observe
            self._context.run(take, found)

    def deafen(self, seconds: float) -> None:
        """Break its watch for so many seconds."""
        self._deaf_until = max(self._deaf_until, self.world.now() + seconds)
        self.world.after(seconds, self.hear_again)

    def hear_again(self) -> None:
        """Make its watch whole: it begins with every object there is, and says nothing of those gone."""
        self._deaf_until = self.world.now()
        if self.alive:
            for found in tuple(self.world.api.objects.values()):
                self._watch("ADDED", found)

    def rewind(self, seconds: float) -> None:
        """Let it hear once more the newest versions from so many seconds ago."""
        then = self.world.now() - seconds
        older = {entry.uid: entry.object for entry in self.world.history.of(Stored) if entry.at <= then}
        for found in older.values():
            self.hear("MODIFIED", found)

    # --- its connections ---------------------------------------------------------------------

    async def store(self, _: Ref, spec: Spec) -> TrafficStore:
        """The object's Redis."""
        name = "redis" if spec.traffic.redis is None else spec.traffic.redis.secret_ref.name
        if name not in self._stores:
            self._stores[name] = Store(self, name)
        return self._stores[name]

    def source(self, _: Ref, __: Spec) -> "Source":
        """The only Prometheus there is."""
        return self._source

    def revisions(self, ref: Ref, _: RevisionFrom) -> "Revisions":
        """The registry that names an object's revision."""
        return Revisions(self, ref)
