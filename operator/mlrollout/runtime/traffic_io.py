"""The key of each object in its Redis: finding it, reading it, writing it."""

import asyncio

import structlog

from mlrollout.domain.claim import Claim
from mlrollout.domain.leave import leave
from mlrollout.domain.traffic import Lower, Traffic, Write, Written
from mlrollout.ports import Clock, Connections, KeyRefusedError, LoginRefusedError, PortError, Ref, TrafficError

from .connections import PACE
from .loop_time import LoopTime, loop_time
from .metrics import OperatorMetrics
from .tracked import Source, TrackedObject

log = structlog.get_logger(__name__)

SELDOM = 5.0
"""Seconds between two reads of an object's Secret while its Redis does not answer, for it may have moved. A Redis
that refuses the password sees the Secret read at the pace of `Directory`."""

CLAIM_EVERY = 30.0
"""Seconds between two looks at who claims a key, and at least between two words of a claimant."""
CLAIM_LASTS = 180.0
"""Seconds that a claim stands: for some more rounds of a claimant that is there, and not for long after it."""


class TrafficIO:
    """Keeps what is known of Redis; that nothing can be known is a thing to decide on, too."""

    def __init__(self, connections: Connections, metrics: OperatorMetrics, clock: Clock) -> None:
        self._connections = connections
        self._metrics = metrics
        self._clock = clock
        self._connecting: dict[Ref, asyncio.Task[None]] = {}

    async def connect(self, tracked: TrackedObject) -> None:
        """Find the object's Redis; where it is known, a Secret that may have changed is read beside the work.

        Beside it, for the API server may be silent, and Redis may be well again without it.
        """
        if tracked.redis.store is None:
            await self._find(tracked)
        elif tracked.redis.reconnect and tracked.ref not in self._connecting:
            loop = asyncio.get_running_loop()
            if loop.time() - tracked.redis.connected >= (PACE if tracked.redis.login_refused else SELDOM):
                task = loop.create_task(self._find(tracked), name=f"connect {tracked.ref}")
                self._connecting[tracked.ref] = task
                task.add_done_callback(lambda _: self._connecting.pop(tracked.ref, None))

    async def _find(self, tracked: TrackedObject) -> None:
        tracked.redis.connected = loop_time()
        try:
            tracked.redis.store = await self._connections.store(tracked.ref, tracked.effective_spec)
            tracked.redis.reconnect = False
        except PortError as error:
            if str(error) != tracked.redis.trouble:
                log.warning("Could not connect to Redis", object=str(tracked.ref), error=str(error))
            tracked.redis.trouble = str(error)

    async def read(self, tracked: TrackedObject) -> None:
        """Learn what stands in Redis.

        Raises:
            KeyRefusedError: The object can't have this key.
        """
        if tracked.redis.store is None:
            tracked.redis.lose()
            return
        asked = loop_time()
        try:
            traffic = await tracked.redis.store.read(tracked.effective_spec.traffic.key)
            self.heard(tracked, traffic, asked)
        except KeyRefusedError:
            raise
        except TrafficError as error:
            self._lost(tracked, error)
        else:
            _check_ours(tracked, traffic)

    def heard(self, tracked: TrackedObject, traffic: Traffic, asked: LoopTime) -> None:
        """Take in what stands in Redis, and whose users it has: whoever decides nothing learns that here alone."""
        tracked.redis.hold(traffic, asked)
        tracked.redis.trouble = ""
        tracked.standing.look_whom_it_serves(traffic, self._clock.now())

    async def write(self, tracked: TrackedObject, write: Write) -> bool:
        """Write; answers whether Redis took anything new."""
        before = tracked.redis.traffic
        written = await self._write(tracked, write, tracked.effective_spec.traffic.lease)
        return written is not None and written.traffic != before

    async def lower(self, tracked: TrackedObject, write: Lower) -> bool:
        """Write a way down; answers whether Redis said that more stood before: what was known may be older."""
        written = await self._write(tracked, write, tracked.effective_spec.traffic.lease)
        return written is not None and written.took_down

    async def give_up(self, tracked: TrackedObject) -> bool:
        """Give the key up, for its object is being deleted; answers whether that is done."""
        await self.connect(tracked)
        try:
            await self.read(tracked)
        except KeyRefusedError as error:
            tracked.redis.trouble = str(error)
            return False
        traffic = tracked.redis.traffic
        if traffic is None and (tracked.redis.store is None or tracked.state is None or tracked.resource.keeps):
            return False
        # Also unseen: what stands there may be larger than anything that is read. Whose it is, the write sees by
        # itself, and takes the key to zero where nobody can tell (invariant 2).
        record = leave(tracked.state, tracked.uid, traffic or Traffic(None, None), keep=tracked.resource.keeps)
        if record is not None:
            # Without a lease: what is left behind is nobody's to renew.
            await self._write(tracked, Lower(record), None)
        return tracked.left

    async def renew(self, tracked: TrackedObject) -> None:
        """Renew the lease of what stands in Redis, if it is this object's and as it shall be.

        What stands there, not what is wanted: a raise whose status can't be saved must not let it run out.
        """
        traffic, state = tracked.redis.traffic, tracked.state
        record = traffic.record if traffic is not None else None
        if traffic is None or record is None or state is None or record.owner != tracked.uid:
            return
        if traffic.percentage != record.percentage or state.record.percentage < record.percentage:
            return  # it is on its way down
        if await self._write(tracked, Lower(record), tracked.effective_spec.traffic.lease) is not None:
            tracked.redis.renewed = loop_time()

    async def mind_claims(self, tracked: TrackedObject, *, refused: bool) -> bool:
        """Now and then, say that the object wants a key that another has, or learn who wants the one that it has.

        It is for people alone, so where it fails nothing else is doubted. Answers whether there is news.
        """
        now, store = loop_time(), tracked.redis.store
        if store is None or now - tracked.redis.minded < CLAIM_EVERY:
            return False
        tracked.redis.minded, before = now, tracked.redis.claim
        key = tracked.effective_spec.traffic.key
        try:
            if refused:
                await store.claim(key, Claim(tracked.uid, str(tracked.ref), tracked.cluster), CLAIM_LASTS)
            else:
                tracked.redis.claim = await store.claimed(key)
        except TrafficError as error:
            log.info(
                "Objects that want the same key can't hear of each other", object=str(tracked.ref), error=str(error)
            )
        return tracked.redis.claim != before

    async def unanswered(self, tracked: TrackedObject, error: TrafficError) -> None:
        """Take in that Redis did not answer; an own one may have moved, or have another password."""
        self._doubt(tracked, error)
        await self.connect(tracked)

    async def _write(self, tracked: TrackedObject, write: Write, lease: float | None) -> Written | None:
        if tracked.redis.store is None:
            return None
        asked = loop_time()
        try:
            written = await tracked.redis.store.write(tracked.effective_spec.traffic.key, write, lease=lease)
        except TrafficError as error:
            self._lost(tracked, error)
            return None
        self.heard(tracked, written.traffic, asked)
        return written

    def _lost(self, tracked: TrackedObject, error: TrafficError) -> None:
        self._metrics.failed(Source.REDIS, tracked)
        tracked.redis.lose()
        tracked.redis.trouble = str(error)
        self._doubt(tracked, error)

    def _doubt(self, tracked: TrackedObject, error: TrafficError) -> None:
        tracked.redis.reconnect = tracked.effective_spec.traffic.redis is not None
        tracked.redis.login_refused = isinstance(error, LoginRefusedError)


def _check_ours(tracked: TrackedObject, traffic: Traffic) -> None:
    """Refuse to begin on a key that holds anything but a percentage: the first thing would be to overwrite it."""
    if tracked.state is None and traffic.record is None and traffic.key is not None and traffic.percentage is None:
        raise KeyRefusedError(
            f"The key {tracked.effective_spec.traffic.key} holds something other than a percentage, so it may be "
            "another program's. Name another key, or delete this one."
        )
