"""The key of each object in its Redis: finding it, reading it, writing it."""

import structlog

from mlrollout.domain.leave import leave
from mlrollout.domain.traffic import Traffic, Write
from mlrollout.ports import Connections, KeyRefusedError, PortError, TrafficError

from .metrics import Metrics
from .rollout import Rollout

log = structlog.get_logger(__name__)


class Keys:
    """Keeps `Rollout.traffic` at what is known of Redis; that nothing can be known is a thing to decide on, too."""

    def __init__(self, connections: Connections, metrics: Metrics) -> None:
        self._connections = connections
        self._metrics = metrics

    async def connect(self, rollout: Rollout) -> None:
        """Find the object's Redis, if it is not known or its Secret may have changed."""
        if rollout.store is not None and not rollout.reconnect:
            return
        try:
            rollout.store = await self._connections.store(rollout.ref, rollout.asked)
            rollout.reconnect = False
        except PortError as error:
            rollout.trouble = str(error)
            log.warning("Could not connect to Redis", object=str(rollout.ref), error=str(error))

    async def read(self, rollout: Rollout) -> None:
        """Learn what stands in Redis.

        Raises:
            KeyRefusedError: The object can't have this key.
        """
        if rollout.store is None:
            rollout.traffic = None
            return
        try:
            rollout.traffic = await rollout.store.read(rollout.asked.traffic.key)
            rollout.trouble = ""
        except KeyRefusedError:
            raise
        except TrafficError as error:
            self._lost(rollout, error)
        else:
            _check_ours(rollout, rollout.traffic)

    async def write(self, rollout: Rollout, write: Write) -> bool:
        """Write; answers whether Redis took anything new."""
        return await self._write(rollout, write, rollout.asked.traffic.lease)

    async def give_up(self, rollout: Rollout) -> bool:
        """Give the key up, for its object is being deleted; answers whether that is done."""
        await self.connect(rollout)
        try:
            await self.read(rollout)
        except KeyRefusedError as error:
            rollout.trouble = str(error)
            return False
        if rollout.traffic is None:
            return False
        record = leave(rollout.state, rollout.uid, rollout.traffic, keep=rollout.keeps)
        if record is not None:
            # Without a lease: what is left behind is nobody's to renew.
            await self._write(rollout, Write(record), None)
        return rollout.left

    async def _write(self, rollout: Rollout, write: Write, lease: float | None) -> bool:
        if rollout.store is None:
            return False
        try:
            written = await rollout.store.write(rollout.asked.traffic.key, write, lease=lease)
        except TrafficError as error:
            self._lost(rollout, error)
            return False
        changed = written.traffic != rollout.traffic
        rollout.traffic = written.traffic
        return changed

    def _lost(self, rollout: Rollout, error: TrafficError) -> None:
        self._metrics.redis_errors.inc()
        rollout.traffic = None
        rollout.trouble = str(error)
        rollout.reconnect = rollout.asked.traffic.redis is not None


def _check_ours(rollout: Rollout, traffic: Traffic) -> None:
    """Refuse to begin on a key that holds anything but a percentage: the first thing would be to overwrite it."""
    if rollout.state is None and traffic.record is None and traffic.key is not None and traffic.percentage is None:
        raise KeyRefusedError(
            f"The key {rollout.asked.traffic.key} holds something other than a percentage, so it may be another "
            "program's. Name another key, or delete this one."
        )
