"""Rounds: what stands in Redis is looked at once a second, and leases are renewed, whatever else goes wrong.

These are duties to Redis alone. The main lane has others besides, and where one of those fails for good (a
status that may not be written, an API server that is away) it gets no further; so nothing here waits for it.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

import structlog

from mlrollout.ports import Ref, TrafficError, TrafficStore

from .loop_time import LoopTime, loop_time
from .measuring import watches
from .tracked import TrackedObject
from .traffic_io import TrafficIO

log = structlog.get_logger(__name__)

ROUND = 1.0
"""Seconds from one look at every key to the next: for so long a failover may bring back what was taken down."""
_AT_ONCE = 4
"""Leases of one Redis that are renewed at the same time."""


class Rounds:
    """One round after another at each Redis; one that does not answer holds up no other's."""

    def __init__(
        self, rollouts: Mapping[Ref, TrackedObject], traffic: TrafficIO, changed: Callable[[TrackedObject], None]
    ) -> None:
        """Make rounds.

        Args:
            rollouts: The objects; asked at each round.
            traffic: Where leases are renewed.
            changed: Told where something else stands in Redis than was known; must not wait.
        """
        self._rollouts = rollouts
        self._traffic = traffic
        self._changed = changed
        self._running: dict[TrafficStore, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Go round until cancelled."""
        try:
            while True:
                await asyncio.sleep(ROUND)
                self._begin()
        finally:
            for task in self._running.values():
                task.cancel()

    def _begin(self) -> None:
        self._running = {store: task for store, task in self._running.items() if not task.done()}
        by_store: defaultdict[TrafficStore, list[TrackedObject]] = defaultdict(list)
        for rollout in self._rollouts.values():
            if rollout.redis.store is not None and rollout.spec is not None:
                by_store[rollout.redis.store].append(rollout)
            if rollout.resource.abandoned and rollout.state is not None and rollout.state.applied:
                self._changed(rollout)  # no look will ask for zero
        for store in by_store.keys() - self._running.keys():
            self._running[store] = asyncio.create_task(self._go_round(store, by_store[store]), name="round")

    async def _go_round(self, store: TrafficStore, rollouts: Sequence[TrackedObject]) -> None:
        try:
            before = [rollout.redis.traffic for rollout in rollouts]
            found = await store.read_many([rollout.effective_spec.traffic.key for rollout in rollouts])
            for rollout, was, traffic in zip(rollouts, before, found, strict=True):
                if rollout.redis.traffic is not was or rollout.redis.store is not store or rollout.gone:
                    continue  # another lane has heard from Redis meanwhile, and what it heard may be newer
                if isinstance(traffic, TrafficError):
                    await self._traffic.unanswered(rollout, traffic)
                elif traffic != was:
                    self._traffic.heard(rollout, traffic)
                    self._changed(rollout)
            await self._renew(rollouts)
        except Exception:  # a round that goes wrong must not be the last
            log.exception("Unexpected error in a round; going on")

    async def _renew(self, rollouts: Iterable[TrackedObject]) -> None:
        now = loop_time()
        due = [rollout for rollout in rollouts if _is_due(rollout, now)]
        for first in range(0, len(due), _AT_ONCE):
            await asyncio.gather(*(self._traffic.renew(rollout) for rollout in due[first : first + _AT_ONCE]))


def _is_due(rollout: TrackedObject, now: LoopTime) -> bool:
    """Whether its lease has to be renewed: three times in its life, as long as this process guards it."""
    lease = rollout.effective_spec.traffic.lease
    return lease is not None and now - rollout.redis.renewed >= lease / 3 - ROUND / 2 and _guards(rollout, now)


def _guards(rollout: TrackedObject, now: LoopTime) -> bool:
    """Whether this process looks at its guardrails, as far as anybody shall: that is what a lease promises."""
    if rollout.spec is None or rollout.over:
        return False
    if not watches(rollout.spec, rollout.state):
        return True
    longest = max((guardrail.interval + guardrail.deadline for guardrail in rollout.spec.guardrails), default=0.0)
    return now - rollout.measured.last <= 2 * longest
