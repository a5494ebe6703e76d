"""Looking at everything about one object, deciding, acting.

Two lanes. The main lane handles a key of the queue: it reads Redis, decides, writes, saves. The way
down has a lane of its own, started the moment a decision wants less traffic than stands: it needs
Redis alone, so neither a slow API server nor the main lane delays it. Both work on the same state in
memory, and the order of records makes their writes safe in any order.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import structlog

from mlrollout.api.spec import Guardrail, OnDelete, Spec
from mlrollout.domain.decide import decide, release
from mlrollout.domain.record import greater
from mlrollout.domain.state import Decision, Reason, State
from mlrollout.domain.traffic import Outcome, Traffic, Write
from mlrollout.domain.verdict import Verdict
from mlrollout.ports import (
    Clock,
    Connections,
    KeyRefusedError,
    Objects,
    PortError,
    Ref,
    RefusedError,
    TrafficError,
)

from .events import Events
from .keys import Keys
from .metrics import Metrics
from .report import Report
from .rollout import FINALIZER, Problem, Rollout

log = structlog.get_logger(__name__)

RETRY_DOWN = 0.1
"""Seconds between two tries to bring traffic down."""
DELETE_WITHIN = 60.0
"""Seconds that a deletion waits for a Redis that can't be reached."""
SOON = 0.1
"""Seconds after which an object comes back that needs more steps than one handling has."""
_STEPS = 8


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
        self._connections = connections
        self._keys = Keys(connections, metrics)
        self._report = Report(objects, clock, events)
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
        if self.leads:
            await self._report.reload(rollout)
        if rollout.deleted_at is not None:
            await self._delete(rollout)
            return None
        problem = self._problem(rollout, conflict)
        if problem is None:
            try:
                return await self._proceed(rollout)
            except KeyRefusedError as error:
                problem = Problem(Reason.KEY_REFUSED, str(error))
        if self.leads:
            await self._report.stalled(rollout, problem)
        return None

    def _problem(self, rollout: Rollout, conflict: Problem | None) -> Problem | None:
        """What keeps an object from being looked after; one that has begun is, whatever is wrong with it now."""
        if rollout.spec is None:
            return rollout.invalid
        self._find_source(rollout, rollout.spec)
        return None if rollout.state is not None else conflict or rollout.problem

    def _find_source(self, rollout: Rollout, spec: Spec) -> None:
        rollout.refused = None
        try:
            rollout.source = self._connections.source(spec)
        except RefusedError as error:
            rollout.source = None
            rollout.refused = Problem(Reason.CONNECTION_REFUSED, str(error))

    async def _proceed(self, rollout: Rollout) -> float | None:
        if self.leads and FINALIZER not in rollout.finalizers:
            await self._report.finalize(rollout, (*rollout.finalizers, FINALIZER))
        await self._keys.connect(rollout)
        for _ in range(_STEPS):
            await self._keys.read(rollout)
            before = rollout.state
            more = await self._step(rollout)
            if not more and _settled(before, rollout.state):
                break
        else:
            return SOON
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
        more = False
        if write is not None and not write.raises:
            more = await self._keys.write(rollout, write)
        if not self.leads:
            return more
        if rollout.generation != generation:
            return True  # the decision says nothing about the spec of now
        await self._report.decided(rollout)
        if write is not None and write.raises and rollout.saved is not None:
            # Saving took time: only what still holds now, with the intent saved, may raise.
            still = self._decide(rollout)
            if still == write and rollout.saved.record == write.record and self._still_leads():
                more = await self._keys.write(rollout, write)
        return await self._report.drop_verbs(rollout) or more

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
            await self._keys.write(rollout, write)
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

    # --- the end -----------------------------------------------------------------------------

    async def _delete(self, rollout: Rollout) -> None:
        """Give the key up before the object goes."""
        if FINALIZER not in rollout.finalizers or not self.leads:
            return
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
        await self._report.finalize(rollout, tuple(name for name in rollout.finalizers if name != FINALIZER))

    async def _give_up(self, rollout: Rollout, state: State) -> None:
        if rollout.spec is None:
            raise TrafficError("which key it is can't be told, for the spec can't be used")
        await self._keys.connect(rollout)
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


def _stands(traffic: Traffic | None, write: Write | None) -> bool:
    """Whether Redis holds already what is to be written, so that writing it renews the lease and nothing else."""
    if traffic is None or write is None:
        return False
    return traffic.record == write.record and traffic.percentage == write.record.percentage


def _settled(before: State | None, after: State | None) -> bool:
    """Whether a decision left everything as it was, but for the time it counted."""
    if before is after or before is None or after is None:
        return before is after
    return replace(before, healthy=0.0, counted=None) == replace(after, healthy=0.0, counted=None)
