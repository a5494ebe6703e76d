"""Looking at everything about one object, deciding, acting.

Two lanes. The main lane handles a key of the queue: it reads Redis, decides, writes, saves. The way
down has a lane of its own, started the moment a decision wants less traffic than stands: it needs
Redis alone, so neither a slow API server nor the main lane delays it. Both work on the same state in
memory; why they may, `tracked.Standing` says.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from dataclasses import replace
from math import inf
from typing import Any

import structlog

from mlrollout.api.guardrail import Guardrail
from mlrollout.domain.attempt import caught_up
from mlrollout.domain.decide import decide
from mlrollout.domain.decision import Decision
from mlrollout.domain.latch import untold
from mlrollout.domain.reason import Reason
from mlrollout.domain.state import Phase, State
from mlrollout.domain.traffic import Intent, Lower, RaiseOnceSaved
from mlrollout.evidence.measurement import Measurement, Verdict
from mlrollout.ports import (
    Clock,
    Connections,
    KeyRefusedError,
    Objects,
    Ref,
    TrafficError,
)

from .apart import Apart
from .loop_time import LoopTime, loop_time
from .metrics import OperatorMetrics
from .reading import Problem
from .report import Report
from .rounds import ROUND
from .telling import Outbox
from .tracked import FINALIZER, Source, TrackedObject
from .traffic_io import TrafficIO

log = structlog.get_logger(__name__)

RETRY_DOWN = 0.1
"""Seconds between two tries to bring traffic down."""
DELETE_WITHIN = 60.0
"""Seconds that a deletion waits for a Redis that can't be reached."""
BURY_WITHIN = 600.0
"""Seconds for which the key of an object that went without giving it up is tried to be given up."""
SOON = 0.1
"""Seconds after which an object comes back that needs more steps than one handling has."""
_STEPS = 8

WayDown = Callable[[TrackedObject], Coroutine[Any, Any, None]]
"""Brings traffic down, for as long as that takes."""


class Reconciler:
    """Everything this process does to objects."""

    def __init__(  # noqa: PLR0913 - what there is of the world, and who else works on it
        self,
        *,
        objects: Objects,
        connections: Connections,
        traffic: TrafficIO,
        clock: Clock,
        metrics: OperatorMetrics,
        outbox: Outbox,
        wake: Callable[[Ref], None],
        learned: Callable[[TrackedObject], None],
        still_leads: Callable[[], bool],
        apart: Apart,
    ) -> None:
        self._connections = connections
        self._traffic = traffic
        self._report = Report(objects, clock, outbox, learned)
        self._clock = clock
        self._metrics = metrics
        self._outbox = outbox
        self._wake = wake
        self._still_leads = still_leads
        self._apart = apart
        self._down: dict[Ref, asyncio.Task[None]] = {}
        self._burials: set[asyncio.Task[None]] = set()
        self.leads = True
        """Whether this process may take traffic up and write status; going down it always may."""

    def lead(self, tracked_objects: Iterable[TrackedObject], *, leads: bool) -> None:
        """Take in whether this process leads. Whoever begins to reads first what the one before it may have written."""
        self.leads = leads
        for tracked in tracked_objects:
            self._report.lead(tracked, leads=leads)

    # --- the main lane -----------------------------------------------------------------------

    async def reconcile(self, tracked: TrackedObject, conflict: Problem | None) -> float | None:
        """Look at everything about an object once; answers when to look again, in seconds.

        Args:
            tracked: The object.
            conflict: What another object holds against it.
        """
        if tracked.resource.deleted_at is not None:
            return await self._delete(tracked)
        problem = self._problem(tracked, conflict)
        if problem is None:
            try:
                return await self._proceed(tracked)
            except KeyRefusedError as error:
                problem = Problem(Reason.KEY_REFUSED, str(error))
        if self.leads:
            if problem.reason is Reason.KEY_CONFLICT:
                await self._traffic.connect(tracked)
                await self._traffic.mind_claims(tracked, refused=True)
            await self._report.reload(tracked)
            await self._report.stalled(tracked, problem)
            return _in(tracked.writing.due_in)
        return None

    def _problem(self, tracked: TrackedObject, conflict: Problem | None) -> Problem | None:
        """What keeps an object from being looked after; one that has begun is, whatever is wrong with it now.

        One whose status can't be read may have begun: what Redis holds of it is guarded (invariant 2).
        """
        if tracked.spec is None:
            return tracked.resource.invalid
        tracked.measured.find_source(self._connections, tracked.ref, tracked.spec)
        if tracked.state is not None or tracked.resource.unread is not None:
            return None
        return conflict or tracked.problem

    async def _proceed(self, tracked: TrackedObject) -> float | None:
        await self._traffic.connect(tracked)  # first of all: the way down needs it, and nothing of what follows
        if self.leads:
            await self._report.reload(tracked)
            if FINALIZER not in tracked.resource.finalizers:
                await self._report.finalize(tracked, (*tracked.resource.finalizers, FINALIZER))
        for _ in range(_STEPS):
            await self._traffic.read(tracked)
            before = tracked.state
            more = await self._step(tracked)
            if not more and _settled(before, tracked.state):
                break
        else:
            return SOON
        if tracked.redis.traffic is None:
            raise TrafficError(tracked.redis.trouble)
        if self.leads and await self._traffic.mind_claims(tracked, refused=tracked.standing.keyless):
            return SOON
        return self._again(tracked)

    def _again(self, tracked: TrackedObject) -> float | None:
        decision = tracked.standing.decision
        if not self.leads or decision is None:  # a standby's may be of long ago
            return None
        decides_in = inf if decision.again is None else decision.again - self._clock.now()
        return _in(min(decides_in, tracked.writing.due_in))

    async def _step(self, tracked: TrackedObject) -> bool:
        """Decide and carry it out; answers whether there is more to be done."""
        version = tracked.resource.resource_version
        wanted = self._decide(tracked)
        more = False
        if isinstance(wanted, Lower):
            more = await self._traffic.write(tracked, wanted)
            if tracked.state is not None and untold(tracked.state) and tracked.redis.traffic is not None:
                wanted = self._decide(tracked)  # what is told of a rollback is what Redis holds
        if not self.leads or tracked.writing.takes_over:
            return more  # what is known of the object may be of long ago: who begins to lead reads it anew first
        if tracked.resource.resource_version != version:
            return True  # the decision says nothing about the object of now
        await self._report.decided(tracked)
        if isinstance(wanted, RaiseOnceSaved) and tracked.resource.saved is not None:
            # Up only on what still holds: saving took time, in which a guardrail or the lease may have been lost.
            unchanged = self._decide(tracked) == wanted
            earned = wanted.by(tracked.resource.saved.record)
            if unchanged and earned is not None and self._still_leads():
                more = await self._traffic.write(tracked, earned)
        return await self._report.drop_verbs(tracked) or more

    def _decide(self, tracked: TrackedObject) -> Intent | None:
        """Decide, and answer what to write; of its decisions one that does not lead keeps only rollbacks.

        It puts back as well what came back by itself: a failover asks nobody who leads. What is announced becomes the
        state when it is saved, so that nothing is built on an attempt or a stage that another process may have
        forestalled.
        """
        decision = self._decision(tracked)
        # Up only by whoever leads; down by everybody (invariant 2).
        if not self.leads and not decision.rolls_back(tracked.state):
            return decision.write if _puts_back(tracked, decision.write) else None
        tracked.standing.decided(decision)
        return decision.write

    def _decision(self, tracked: TrackedObject) -> Decision:
        now = self._clock.now()
        observation = tracked.observation()
        tracked.standing.catch_up(caught_up(tracked.effective_spec, tracked.state, observation, now))
        if tracked.overtaken and (not self.leads or tracked.writing.takes_over):
            # A rollback of the attempt before would take this one back for nothing. Whoever leads and has read the
            # object anew, hears at once, also where no status can be saved.
            observation = replace(observation, verbs={})
        spec, state = tracked.effective_spec, tracked.state
        if state is not None and not self.leads:
            # Which revision it is, is the leader's business: it may have heard of one that is still unknown here.
            spec = spec.model_copy(update={"revision": state.record.revision})
        return decide(spec, state, observation, now)

    # --- the way down ------------------------------------------------------------------------

    def judged(self, tracked: TrackedObject, guardrail: Guardrail, measurement: Measurement) -> None:
        """Take in a measurement; if it asks for zero, that begins here and now."""
        if not tracked.measured.add(guardrail, measurement):
            return
        if measurement.verdict is Verdict.ERROR:
            self._metrics.failed(Source.PROMETHEUS, tracked)
        self._wake(tracked.ref)
        self.start_lowering(tracked)

    def start_lowering(self, tracked: TrackedObject) -> None:
        """Begin to bring traffic down if a decision wants that; never waits, and never raises.

        Whoever calls it has other objects to see to; the main lane finds the same mistake, and comes back for it.
        """
        running = self._down.get(tracked.ref)
        if running is not None and not running.done():
            return
        with self._apart.turn(tracked.ref):
            way = self._way_down(tracked)
            if way is not None:
                self._down[tracked.ref] = asyncio.create_task(self._go(way, tracked), name=f"down {tracked.ref}")

    async def _go(self, way: WayDown, tracked: TrackedObject) -> None:
        with self._apart.turn(tracked.ref):
            await way(tracked)

    def _way_down(self, tracked: TrackedObject) -> WayDown | None:
        """How traffic has to be brought down now; `None` where it need not or can't."""
        if tracked.spec is None:
            return None
        leaves = self._may_leave(tracked) and not tracked.left
        if leaves and not tracked.resource.keeps:
            return self._leave
        if tracked.resource.deleted_at is not None and (not tracked.resource.keeps or _given_up_at_zero(tracked)):
            return None  # a rollback would only claim it again
        if tracked.redis.store is not None:
            decision = self._decision(tracked)
            lowers = decision.rolls_back(tracked.state) or (self.leads and decision.lowers(tracked.state))
            if lowers or _puts_back(tracked, decision.write):
                return self._bring_down
        return self._leave if leaves else None

    async def _bring_down(self, tracked: TrackedObject) -> None:
        began, stood = loop_time(), _rolled_back(tracked)
        again = stood is not None and (not untold(stood) or tracked.told.rollback == stood.record.ordinal)
        last: Lower | None = None
        took = stands = False
        while not tracked.gone:
            # What Redis does not answer to is written again, whatever can be decided without its answer.
            write = self._decide(tracked) or (last if tracked.redis.traffic is None else None)
            if not isinstance(write, Lower) or (stands and write == last):
                break
            last = write
            await self._traffic.connect(tracked)
            took = await self._traffic.lower(tracked, write) or took
            stands = tracked.redis.traffic is not None and tracked.redis.traffic.in_force <= write.record.percentage
            if not stands:
                await asyncio.sleep(RETRY_DOWN)
                continue
            # What was not decided here is news only where Redis held more: what was known of it may be older.
            if took or (stood is None and _rolled_back(tracked) is not None):
                self._report_lowered(tracked, None if stood else began, again=again)
            took = False
            # A breach that was seen while something else was written has nobody else to see to it (invariant 2).
            if self._way_down(tracked) != self._bring_down:
                break
        self._wake(tracked.ref)

    def _report_lowered(self, tracked: TrackedObject, began: LoopTime | None, *, again: bool) -> None:
        """Tell of it; how long it took is known only of what was decided when it began."""
        state = tracked.state
        if state is None:
            return
        self._outbox.lowered(tracked, state, again=again)
        if state.cause == Reason.GUARDRAIL_BREACHED and began is not None:
            self._metrics.zeroed(loop_time() - began)

    def forget(self, tracked: TrackedObject) -> None:
        """Let go of an object that no longer exists."""
        tracked.gone = True
        task = self._down.pop(tracked.ref, None)
        if task is not None:
            task.cancel()

    # --- the end -----------------------------------------------------------------------------

    def bury(self, tracked: TrackedObject) -> None:
        """Give up the key of an object that went without that: by force, or while Redis could not be reached.

        The leader does; to any other process, what the leader has just given up may still look like that.
        """
        if self.leads and not tracked.left and not tracked.resource.keeps and tracked.spec is not None:
            log.warning("Gone before its key was given up; giving it up now", object=str(tracked.ref))
            task = asyncio.create_task(self._bury(tracked), name=f"bury {tracked.ref}")
            self._burials.add(task)
            task.add_done_callback(self._burials.discard)

    async def _bury(self, tracked: TrackedObject) -> None:
        began = loop_time()
        ends, told = began + BURY_WITHIN, tracked.leaving is not None and began - tracked.leaving >= DELETE_WITHIN
        with self._apart.turn(tracked.ref):
            if not await self._traffic.give_up(tracked):
                if not told:  # at once: a process that ends meanwhile leaves it undone
                    self._report.given_up(tracked)
                while not await self._traffic.give_up(tracked):
                    if loop_time() >= ends:
                        return
                    await asyncio.sleep(ROUND)
            self._report.given_up(tracked)

    def end(self) -> None:
        """Give up no more keys."""
        for task in self._burials:
            task.cancel()

    def miss(self, tracked: TrackedObject) -> None:
        """Tell of an object that is in no list any more, and was not seen to give its key up.

        No more than that: a list of another cluster's would take the traffic of everybody to zero.
        """
        if self.leads and not tracked.left:
            self._report.given_up(tracked)

    async def _leave(self, tracked: TrackedObject) -> None:
        """Give the key up: a way down like any other, which needs neither the API server nor a leader.

        Traffic that stays ends first where a guardrail was breached while Redis could not be reached.
        """
        while not tracked.gone and self._may_leave(tracked):
            if await self._traffic.give_up(tracked):
                break
            await asyncio.sleep(RETRY_DOWN)
            if tracked.redis.traffic is None and self._way_down(tracked) == self._bring_down:
                await self._bring_down(tracked)
        self._wake(tracked.ref)

    def _may_leave(self, tracked: TrackedObject) -> bool:
        """Whether the key is to be given up by this process: at zero by any, where traffic stays by the leader.

        Traffic that stays is guarded as long as there is an object, so its key is given up last of all.
        """
        return tracked.resource.deleted_at is not None and (self.leads or not tracked.resource.keeps)

    async def _delete(self, tracked: TrackedObject) -> float | None:
        """Let the object go once its key is given up, and in the end without that; the leader alone can.

        Until then it is guarded as ever, by every process. Answers when to look again, in seconds.
        """
        self.start_lowering(tracked)
        await self._guard_on(tracked)
        if not self.leads:
            return None
        await self._report.reload(tracked)
        if FINALIZER not in tracked.resource.finalizers:
            return None
        now = loop_time()
        tracked.leaving = now if tracked.leaving is None else tracked.leaving
        rest = tracked.leaving + DELETE_WITHIN - now
        if not tracked.left and rest > 0 and tracked.spec is not None:
            return rest  # it is woken as soon as the key is given up
        self._report.given_up(tracked)
        await self._report.finalize(tracked, tuple(name for name in tracked.resource.finalizers if name != FINALIZER))
        return None

    async def _guard_on(self, tracked: TrackedObject) -> None:
        """Find whom to ask about an object that goes: this process may have begun after that (invariant 2)."""
        if tracked.spec is None:
            return
        tracked.measured.find_source(self._connections, tracked.ref, tracked.spec)
        await self._traffic.connect(tracked)
        if not self.leads and tracked.redis.traffic is None:
            with suppress(KeyRefusedError):  # there is nothing to guard under it
                await self._traffic.read(tracked)
            self.start_lowering(tracked)  # goes on from what stands there, which no status may have told


def _in(seconds: float) -> float | None:
    """When to look again; `None` where nothing is to come."""
    return max(0.01, seconds) if seconds < inf else None


def _given_up_at_zero(tracked: TrackedObject) -> bool:
    """Whether nothing is left to be brought down, nor to be given up: what Redis holds is nobody's any more."""
    return tracked.left and tracked.redis.traffic is not None and tracked.redis.traffic.in_force == 0


def _rolled_back(tracked: TrackedObject) -> State | None:
    """The state, where the attempt is rolled back already, whoever did that."""
    state = tracked.state
    return state if state is not None and state.phase is Phase.ROLLED_BACK else None


def _puts_back(tracked: TrackedObject, write: Intent | None) -> bool:
    """Whether a write takes down what somebody or a failover raised, to a record that stands already.

    So does the end of what an object before this one has left behind, which nobody guards.
    """
    traffic, state = tracked.redis.traffic, tracked.state
    if not isinstance(write, Lower) or traffic is None:
        return False
    stands = state is None or write.record in (state.record, traffic.record)
    return stands and write.record.percentage < max(traffic.in_force, traffic.percentage or 0)


def _settled(before: State | None, after: State | None) -> bool:
    """Whether a decision left everything as it was, but for the time it counted."""
    if before is after or before is None or after is None:
        return before is after
    return replace(before, healthy=0.0, healthy_until=None) == replace(after, healthy=0.0, healthy_until=None)
