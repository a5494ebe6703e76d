"""How many users get the ML path: the percentage in Redis, read as docs/redis-contract.md says.

Whatever is absent, unreadable or too old means control. A push makes a lower percentage known
within milliseconds; the slow poll makes sure of it, and is the only way up.
"""

import asyncio
import logging
from time import monotonic

from mlrollout.domain.record import Record, UnreadableRecordError, decode, greater
from mlrollout.domain.traffic import Traffic
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

POLL = 2.0
STALE = 5.0
RECONNECT = 0.25

log = logging.getLogger(__name__)


class Percentage:
    """The percentage in force, as far as this process knows.

    Args:
        url: The Redis.
        key: The key of the percentage.
    """

    def __init__(self, url: str, key: str) -> None:
        # A read that hangs or is repeated in silence would only age; `follow` repeats it.
        self._redis = Redis.from_url(
            url,
            decode_responses=True,
            encoding_errors="replace",
            socket_timeout=1,
            socket_connect_timeout=1,
            retry=Retry(NoBackoff(), 0),
        )
        self._key = key
        self._at_key = 0
        self._greatest: Record | None = None
        self._confirmed = float("-inf")

    def of(self, revision: str) -> int:
        """The share of users to give this revision now, 0 to 100.

        A percentage is earned by one revision. A process that already runs another one serves
        control until the rollout names it.
        """
        if self._greatest is None or self._greatest.revision != revision:
            return 0
        return self._in_force()

    def _in_force(self) -> int:
        if self._greatest is None or monotonic() - self._confirmed > STALE:
            return 0
        return min(self._at_key, self._greatest.percentage)

    async def follow(self) -> None:
        """Keep up with Redis until cancelled."""
        while True:
            try:
                await self._listen()
            except RedisError as error:
                log.warning("Redis is out of reach (%s): control for all in %g s.", type(error).__name__, STALE)
            await asyncio.sleep(RECONNECT)

    async def _listen(self) -> None:
        async with self._redis.pubsub() as changes:
            await changes.subscribe(f"{self._key}:changes")
            while True:
                # The first message confirms the subscription: read after it, and nothing falls between.
                message = await changes.get_message(timeout=POLL)
                pushed = message is not None and message["type"] == "message"
                if not (pushed and self._lower(message["data"])):
                    await self._read()

    async def _read(self) -> None:
        key, text = await self._redis.mget(self._key, f"{self._key}:record")
        record = _readable(text)
        traffic = Traffic(None if key is None else str(key), record)
        self._at_key = (traffic.percentage or 0) if record else 0
        if record:
            self._greatest = greater(self._greatest or record, record)
        self._confirmed = monotonic()

    def _lower(self, text: str) -> bool:
        """Take a pushed record that lowers; anything else is only a reason to read."""
        record = _readable(text)
        if record is None or record.percentage >= self._in_force():
            return False
        self._greatest = greater(self._greatest or record, record)
        return self._greatest is record


def _readable(text: str | bytes | None) -> Record | None:
    try:
        return None if text is None else decode(text)
    except UnreadableRecordError as error:
        log.warning("The record in Redis can't be read, so it is control for all: %s.", error)
        return None
