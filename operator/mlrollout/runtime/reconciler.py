"""Looking at everything about one object, deciding, acting.

Two lanes. The main lane handles a key of the queue: it reads Redis, decides, writes, saves. The way
down has a lane of its own, started the moment a decision wants less traffic than stands: it needs
Redis alone, so neither a slow API server nor the main lane delays it. Both work on the same state in
memory, and the order of records makes their writes safe in any order.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import structlog

from mlrollout.api import GROUP
from mlrollout.api.spec import Guardrail, OnDelete, Spec
from mlrollout.domain.conditions import Fact, facts, stalled, stamp
from mlrollout.domain.decide import decide, release
from mlrollout.domain.persist import due, to_status
from mlrollout.domain.record import greater
from mlrollout.domain.state import Decision, Reason, State
from mlrollout.domain.traffic import Outcome, Traffic, Write
from mlrollout.domain.verdict import Verdict
from mlrollout.ports import (
    Clock,
    Connections,
    KeyRefusedError,
    Object,
    Objects,
    ObjectsError,
    PortError,
    Ref,
    RefusedError,
    TrafficError,
)

from .events import Events
from .metrics import Metrics
from .rollout import FINALIZER, Problem, Rollout

log = structlog.get_logger(__name__)

RETRY_DOWN = 0.1
"""Seconds between two tries to bring traffic down."""
DELETE_WITHIN = 60.0
"""Seconds that a deletion waits for a Redis that can't be reached."""
_STEPS = 8
"""Steps of one handling; who needs more gets in line again, behind the others."""


class Reconciler:
    """Everything this process does to objects."""

    def __init__(
        self,
        *,
        objects: Objects,
        connections: Connections,
        clock: Clock,
        metrics: Metrics,
        events: Events,
        wake: Callable[[Ref], None],
        still_leads: Callable[[], bool],
    ) -> None:
        self._objects = objects
        self._connections = connections
        self._clock = clock
        self._metrics = metrics
        self._events = events
        self._wake = wake
        self._still_leads = still_leads
        self._down: dict[Ref, asyncio.Task[None]] = {}
        self.leads = True
        """Whether this process may take traffic up and write status; going down it always may."""

    # --- the main lane -----------------------------------------------------------------------

    async def reconcile(self, rollout: Rollout, conflict: Problem | None) -> float | None:
        """Look at everything about an object once; answers when to look again, in seconds.

        Args:
            rollout: The object.
            conflict: What another object holds against it.
        """
        if rollout.reload and self.leads:
            rollout.take(await self._objects.get(rollout.ref))
            rollout.reload = False
            self._events.recall(rollout)
        if rollout.deleted_at is not None:
            return await self._delete(rollout)
        if rollout.spec is None or (conflict is not None and rollout.state is None):
            return await self._stall(rollout, rollout.invalid or conflict)
        self._find_source(rollout, rollout.spec)
        if rollout.problem is not None and rollout.state is None:
            return await self._stall(rollout, rollout.problem)
        try:
            return await self._proceed(rollout)
        except KeyRefusedError as error:
            return await self._stall(rollout, Problem(Reason.KEY_REFUSED, str(error)))

    def _find_source(self, rollout: Rollout, spec: Spec) -> None:
        rollout.refused = None
        try:
            rollout.source = self._connections.source(spec)
        except RefusedError as error:
            rollout.source = None
            rollout.refused = Problem(Reason.CONNECTION_REFUSED, str(error))

    async def _proceed(self, rollout: Rollout) -> float | None:
        if self.leads and FINALIZER not in rollout.finalizers:
            await self._finalizers(rollout, (*rollout.finalizers, FINALIZER))
        await self._connect(rollout)
        for _ in range(_STEPS):
            await self._read(rollout)
            before = rollout.state
            more = await self._step(rollout)
            if not more and _settled(before, rollout.state):
                break
        else:
            self._wake(rollout.ref)
        if rollout.traffic is None:
            raise TrafficError(rollout.trouble)
        return self._again(rollout)

    def _again(self, rollout: Rollout) -> float | None:
        lease, decision = rollout.asked.traffic.lease, rollout.decision
        if not self.leads:  # it may hold a decision of long ago
            return None if lease is None else lease / 3
        if decision is None or decision.again is None:
            return None
        return max(0.01, decision.again - self._clock.now())

    async def _step(self, rollout: Rollout) -> bool:
        """Decide and carry it out; answers whether there is more to be done."""
        generation = rollout.generation
        write = self._decide(rollout)
        wrote = False
        if write is not None and not write.raises:
            wrote = await self._write(rollout, write)
        if not self.leads:
            return wrote
        if rollout.generation != generation:
            return True  # the decision says nothing about the spec of now
        await self._save(rollout)
        if write is not None and write.raises and rollout.saved is not None:
            # Saving took time: only what still holds now, with the intent saved, may raise.
            still = self._decide(rollout)
            if still == write and rollout.saved.record == write.record and self._still_leads():
                wrote = await self._write(rollout, write)
        await self._drop_verbs(rollout)
        return wrote

    def _decide(self, rollout: Rollout) -> Write | None:
        """Decide, and answer what to write; of its decisions one that does not lead keeps only rollbacks.

        It renews the lease, too: traffic stands as long as somebody watches it.
        """
        decision = self._decision(rollout)
        if not self.leads and not decision.rolls_back(rollout.state):
            return decision.write if _stands(rollout.traffic, decision.write) else None
        rollout.state, rollout.decision = decision.state, decision
        return decision.write

    def _decision(self, rollout: Rollout) -> Decision:
        spec, state, seen = rollout.asked, rollout.state, rollout.seen()
        if state is not None and not self.leads:
            # Which revision it is, is the leader's business: it may have heard of one that is still unknown here.
            found = seen.traffic.record if seen.traffic is not None else None
            newest = state.record if found is None or found.owner != seen.uid else greater(state.record, found)
            spec = spec.model_copy(update={"revision": newest.revision})
        return decide(spec, state, seen, self._clock.now())

    # --- Redis -------------------------------------------------------------------------------

    async def _connect(self, rollout: Rollout) -> None:
        if rollout.store is None or rollout.reconnect:
            try:
                rollout.store = await self._connections.store(rollout.ref, rollout.asked)
                rollout.reconnect = False
            except PortError as error:
                rollout.trouble = str(error)
                log.warning("Could not connect to Redis", object=str(rollout.ref), error=str(error))

    async def _read(self, rollout: Rollout) -> None:
        """Learn what stands in Redis; that it can't be known is a thing to decide on, too."""
        if rollout.store is None:
            rollout.traffic = None
            return
        try:
            rollout.traffic = await rollout.store.read(rollout.asked.traffic.key)
            rollout.trouble = ""
        except KeyRefusedError:
            raise
        except TrafficError as error:
            self._lost_redis(rollout, error)
        else:
            _check_ours(rollout, rollout.traffic)

    async def _write(self, rollout: Rollout, write: Write) -> bool:
        """Write; answers whether Redis took anything new."""
        if rollout.store is None:
            return False
        traffic = rollout.asked.traffic
        try:
            written = await rollout.store.write(traffic.key, write, lease=traffic.lease)
        except TrafficError as error:
            self._lost_redis(rollout, error)
            return False
        changed = written.traffic != rollout.traffic
        rollout.traffic = written.traffic
        return changed

    def _lost_redis(self, rollout: Rollout, error: TrafficError) -> None:
        self._metrics.redis_errors.inc()
        rollout.traffic = None
        rollout.trouble = str(error)
        rollout.reconnect = rollout.asked.traffic.redis is not None

    # --- the way down ------------------------------------------------------------------------

    def judged(self, rollout: Rollout, guardrail: Guardrail, verdict: Verdict) -> None:
        """Take in a verdict; if it asks for zero, that begins here and now."""
        trail = rollout.trails.get(guardrail.name)
        if trail is None or trail.guardrail != guardrail:
            return
        rollout.trails[guardrail.name] = trail.add(verdict)
        self._metrics.judged(rollout.ref, guardrail.name, verdict)
        self._wake(rollout.ref)
        self.brake(rollout)

    def brake(self, rollout: Rollout) -> None:
        """Begin to bring traffic down if a decision wants that; never waits."""
        running = self._down.get(rollout.ref)
        unable = rollout.spec is None or rollout.state is None or rollout.store is None
        if unable or rollout.deleted_at is not None or (running is not None and not running.done()):
            return
        decision = self._decision(rollout)
        if decision.rolls_back(rollout.state) or (self.leads and decision.lowers(rollout.state)):
            task = asyncio.create_task(self._bring_down(rollout), name=f"down {rollout.ref}")
            self._down[rollout.ref] = task

    async def _bring_down(self, rollout: Rollout) -> None:
        began = asyncio.get_running_loop().time()
        while not rollout.gone and rollout.deleted_at is None:
            write = self._decide(rollout)
            if write is None or write.raises:
                break
            await self._write(rollout, write)
            if rollout.traffic is not None and rollout.traffic.in_force <= write.record.percentage:
                self._down_there(rollout, began)
                break
            await asyncio.sleep(RETRY_DOWN)
        self._wake(rollout.ref)

    def _down_there(self, rollout: Rollout, began: float) -> None:
        """Tell it now: the history waits for the API server, and of a standby's evidence it knows nothing."""
        state = rollout.state
        if state is None:
            return
        log.warning(
            "Traffic was taken down",
            object=str(rollout.ref),
            percentage=state.record.percentage,
            reason=state.cause,
            explanation=state.explanation,
        )
        if state.cause == Reason.GUARDRAIL_BREACHED:
            self._metrics.zeroed(asyncio.get_running_loop().time() - began)

    def forget(self, rollout: Rollout) -> None:
        """Let go of an object that no longer exists."""
        rollout.gone = True
        task = self._down.pop(rollout.ref, None)
        if task is not None:
            task.cancel()

    # --- the object --------------------------------------------------------------------------

    async def _save(self, rollout: Rollout) -> None:
        """Write the status if there is anything in it to write."""
        decision = rollout.decision
        if decision is None:
            return
        now = self._clock.now()
        found = facts(rollout.asked, rollout.seen(), decision, now)
        if rollout.problem is not None:
            found = (*stalled(rollout.problem.reason, rollout.problem.message), *found[-2:])
        await self._save_status(rollout, found, now)
        self._events.alerts(rollout, decision.alerts, rollout.problem)

    async def _save_status(self, rollout: Rollout, found: tuple[Fact, ...], now: float) -> None:
        state = rollout.state
        status = to_status(
            state,
            guardrails=rollout.spec.guardrails if rollout.spec is not None else (),
            trails=rollout.trails,
            conditions=stamp(found, rollout.status.conditions, rollout.generation, now),
            generation=rollout.generation,
        )
        if due(rollout.status, status):
            version = rollout.resource_version
            await self._put(rollout, self._objects.save_status(rollout.ref, version, status.render()))
        # Whoever saved it: the answer to a save of ours may have been lost.
        self._events.transitions(rollout)

    async def _put(self, rollout: Rollout, written: Awaitable[Object]) -> None:
        """Write to the object; where that fails, it has to be read again before anything else is written."""
        try:
            rollout.take(await written)
        except ObjectsError:
            rollout.reload = True
            raise

    async def _finalizers(self, rollout: Rollout, finalizers: tuple[str, ...]) -> None:
        version = rollout.resource_version
        await self._put(rollout, self._objects.set_finalizer(rollout.ref, version, finalizers))

    async def _drop_verbs(self, rollout: Rollout) -> None:
        """Remove the annotations that have been acted on, now that this is saved."""
        for verb, heard in (rollout.saved.verbs if rollout.saved is not None else {}).items():
            value = rollout.annotations.get(verb)
            if value is not None and rollout.verbs.get(verb) == heard:
                await self._put(rollout, self._objects.drop_annotation(rollout.ref, f"{GROUP}/{verb}", value))
                self._wake(rollout.ref)

    async def _stall(self, rollout: Rollout, problem: Problem | None) -> float | None:
        """Say what keeps the object from being looked after; what it had, it keeps."""
        if self.leads and problem is not None:
            await self._save_status(rollout, stalled(problem.reason, problem.message), self._clock.now())
            self._events.alerts(rollout, (), problem)
        return None

    # --- the end -----------------------------------------------------------------------------

    async def _delete(self, rollout: Rollout) -> float | None:
        """Give the key up before the object goes."""
        if FINALIZER not in rollout.finalizers or not self.leads:
            return None
        down = self._down.get(rollout.ref)
        if down is not None:
            await asyncio.wait((down,))  # a rollback that comes later would outrank what is given up
        if rollout.state is not None:
            try:
                await self._give_up(rollout, rollout.state)
            except PortError as error:
                asked = rollout.deleted_at or 0.0
                if rollout.spec is not None and self._clock.now() - asked < DELETE_WITHIN:
                    raise
                self._events.left_behind(rollout, str(error))
        await self._finalizers(rollout, tuple(name for name in rollout.finalizers if name != FINALIZER))
        return None

    async def _give_up(self, rollout: Rollout, state: State) -> None:
        if rollout.spec is None:
            raise TrafficError("which key it is can't be told, for the spec can't be used")
        await self._connect(rollout)
        if rollout.store is None:
            raise TrafficError(rollout.trouble)
        spec = rollout.asked
        traffic = await rollout.store.read(spec.traffic.key)
        # Without an owner it is given up already, and the answer to that was lost.
        if traffic.record is not None and traffic.record.owner in ("", rollout.uid):
            state = replace(state, record=greater(state.record, traffic.record))
        record = release(state, 0 if spec.on_delete is OnDelete.ZERO else traffic.in_force)
        written = await rollout.store.write(spec.traffic.key, Write(record))
        if written.outcome in (Outcome.OUTRANKED, Outcome.GROWS):
            raise TrafficError("something else was written while the key was being given up")
        self._events.gave_up(rollout, written)


def _check_ours(rollout: Rollout, traffic: Traffic) -> None:
    """Refuse to begin on a key that holds anything but a percentage: the first thing would be to overwrite it."""
    if rollout.state is None and traffic.record is None and traffic.key is not None and traffic.percentage is None:
        raise KeyRefusedError(
            f"The key {rollout.asked.traffic.key} holds something other than a percentage, so it may be another "
            "program's. Name another key, or delete this one."
        )


def _stands(traffic: Traffic | None, write: Write | None) -> bool:
    """Whether Redis holds already what is to be written, so that writing it renews the lease and nothing else."""
    if traffic is None or write is None:
        return False
    return traffic.record == write.record and traffic.percentage == write.record.percentage


def _settled(before: State | None, after: State | None) -> bool:
    """Whether a decision left everything as it was, but for the time it counted."""
    if before is None or after is None:
        return before is after
    return replace(before, healthy=0.0, counted=None) == replace(after, healthy=0.0, counted=None)
