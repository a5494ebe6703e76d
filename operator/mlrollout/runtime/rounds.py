"""Rounds: what stands in Redis is looked at once a second, and leases are renewed, whatever else goes wrong.

These are duties to Redis alone. The main lane has others besides, and where one of those fails for good (a
status that may not be written, an API server that is away) it gets no further; so nothing here waits for it.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

import structlog

from mlrollout.domain.traffic import Traffic
from mlrollout.ports import Ref, TrafficError, TrafficStore

from .apart import Apart
from .loop_time import LoopTime, loop_time
from .measuring import watches
from .tracked import TrackedObject
from .traffic_io import TrafficIO

log = structlog.get_logger(__name__)

ROUND = 1.0
"""Seconds from one look at every key to the next: for so long a failover may bring back what was taken down."""
RENEW_WITHIN = 1.0
"""Seconds after which the keys are looked at again before more leases are renewed: where a node of a Cluster began to
hang in between, that look tells which keys are its own, and the shortest lease lasts until then."""
_AT_ONCE = 16
"""Leases of one Redis that are renewed at the same time. The client has four calls to a node under way, and the time of
a call goes on while it waits for its turn: so few wait that also a slow node answers all of them in it."""


class Rounds:
    """One round after another at each Redis; one that does not answer holds up no other's."""

    def __init__(
        self,
        tracked_objects: Mapping[Ref, TrackedObject],
        traffic: TrafficIO,
        changed: Callable[[TrackedObject], None],
        apart: Apart,
    ) -> None:
        """Make rounds.

        Args:
            tracked_objects: The objects; asked at each round.
            traffic: Where leases are renewed.
            changed: Told where something else stands in Redis than was known; must not wait.
            apart: Keeps what goes wrong with one object from the others.
        """
        self._tracked_objects = tracked_objects
        self._traffic = traffic
        self._changed = changed
        self._apart = apart
        self._running: dict[TrafficStore, asyncio.Task[None]] = {}
        self._seeking: dict[Ref, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Go round until cancelled."""
        try:
            while True:
                await asyncio.sleep(ROUND)
                self._begin()
        finally:
            for task in (*self._running.values(), *self._seeking.values()):
                task.cancel()

    def _begin(self) -> None:
        self._running = {store: task for store, task in self._running.items() if not task.done()}
        by_store: defaultdict[TrafficStore, list[TrackedObject]] = defaultdict(list)
        for tracked in self._tracked_objects.values():
            if tracked.redis.store is not None and tracked.spec is not None:
                by_store[tracked.redis.store].append(tracked)
            elif _waits_for_redis(tracked) and tracked.ref not in self._seeking:
                self._seek(tracked)
            if tracked.resource.abandoned and tracked.state is not None and tracked.state.applied:
                with self._apart.turn(tracked.ref):
                    self._changed(tracked)  # no look will ask for zero
        # In the order of the objects: by that of a set, a simulated world would not be what its seed says.
        for store in [store for store in by_store if store not in self._running]:
            self._running[store] = asyncio.create_task(self._go_round(store, by_store[store]), name="round")

    def _seek(self, tracked: TrackedObject) -> None:
        """Find the Redis of an object whose way down waits for that: its Secret may be right by now (invariant 2)."""
        task = asyncio.create_task(self._find(tracked), name=f"seek {tracked.ref}")
        self._seeking[tracked.ref] = task
        task.add_done_callback(lambda _: self._seeking.pop(tracked.ref, None))

    async def _find(self, tracked: TrackedObject) -> None:
        with self._apart.turn(tracked.ref):
            await self._traffic.connect(tracked)
            if tracked.redis.store is not None and not tracked.gone:
                self._changed(tracked)

    async def _go_round(self, store: TrafficStore, tracked_objects: Sequence[TrackedObject]) -> None:
        """Look at every key of one Redis, and renew what is due; twice, where there was no time to renew it all."""
        if not await self._go_once(store, tracked_objects):
            await self._go_once(store, tracked_objects)

    async def _go_once(self, store: TrafficStore, tracked_objects: Sequence[TrackedObject]) -> bool:
        """Look and renew, whatever went wrong with looking; answers whether all that is due was seen to."""
        answered = tracked_objects
        try:
            answered = await self._look(store, tracked_objects)
        except Exception:  # a round that goes wrong must not be the last
            log.exception("Unexpected error in a round; going on")
        return await self._renew(answered)

    async def _look(self, store: TrafficStore, tracked_objects: Sequence[TrackedObject]) -> Sequence[TrackedObject]:
        """Take in what stands under every key; answers with the objects whose keys could be read."""
        keyed = [(tracked, tracked.spec.traffic.key) for tracked in tracked_objects if tracked.spec is not None]
        before = [tracked.redis.traffic for tracked, _ in keyed]
        asked = loop_time()
        found = await store.read_many([key for _, key in keyed])
        for (tracked, _), was, traffic in zip(keyed, before, found, strict=True):
            if tracked.redis.traffic is not was or tracked.redis.store is not store or tracked.gone:
                continue  # another lane has heard from Redis meanwhile, and what it heard may be newer
            with self._apart.turn(tracked.ref):
                await self._take_in(tracked, was, traffic, asked)
        return [
            tracked for (tracked, _), traffic in zip(keyed, found, strict=True) if not isinstance(traffic, TrafficError)
        ]

    async def _take_in(
        self, tracked: TrackedObject, was: Traffic | None, found: Traffic | TrafficError, asked: LoopTime
    ) -> None:
        if isinstance(found, TrafficError):
            await self._traffic.unanswered(tracked, found)
            return
        self._traffic.heard(tracked, found, asked)
        if found != was:
            self._changed(tracked)

    async def _renew(self, tracked_objects: Iterable[TrackedObject]) -> bool:
        """Renew what is due, the oldest first; answers whether everything had its turn.

        None waits for another: a node that hangs must not let leases on those that are well run out (invariant 7).
        """
        now = loop_time()
        due = [tracked for tracked in tracked_objects if self._is_due(tracked, now)]
        waiting = iter(sorted(due, key=lambda tracked: tracked.redis.renewed))

        async def renew_one_after_another() -> None:
            while loop_time() - now <= RENEW_WITHIN and (tracked := next(waiting, None)) is not None:
                with self._apart.turn(tracked.ref):
                    await self._traffic.renew(tracked)

        await asyncio.gather(*(renew_one_after_another() for _ in due[:_AT_ONCE]))
        return next(waiting, None) is None

    def _is_due(self, tracked: TrackedObject, now: LoopTime) -> bool:
        with self._apart.turn(tracked.ref):
            return _is_due(tracked, now)
        return False


def _is_due(tracked: TrackedObject, now: LoopTime) -> bool:
    """Whether its lease has to be renewed: three times in its life, as long as this process guards it."""
    lease = tracked.spec.traffic.lease if tracked.spec is not None else None
    return lease is not None and now - tracked.redis.renewed >= lease / 3 - ROUND / 2 and _guards(tracked, now)


def _guards(tracked: TrackedObject, now: LoopTime) -> bool:
    """Whether this process looks at its guardrails, as far as anybody shall: that is what a lease promises."""
    if tracked.spec is None or tracked.over or tracked.resource.unguarded is not None:
        return False
    if not watches(tracked.spec, tracked.state):
        return True
    longest = max((guardrail.interval + guardrail.deadline for guardrail in tracked.spec.guardrails), default=0.0)
    return now - tracked.measured.last <= 2 * longest


def _waits_for_redis(tracked: TrackedObject) -> bool:
    """Whether traffic is to go down in a Redis that is not known yet."""
    known, state = tracked.redis.store is not None or tracked.spec is None, tracked.state
    return not known and state is not None and state.record.percentage < state.applied
