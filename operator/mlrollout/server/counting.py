"""Counting who was assigned, beside the answers: an answer never waits for it, and a count may be lost."""

import asyncio
from collections.abc import Iterator, Mapping
from hashlib import blake2b

import structlog

from mlrollout.adapters.redis import RedisUsers
from mlrollout.adapters.redis.users import MOST
from mlrollout.assignment import Assignment, Group, Reason
from mlrollout.ports import TrafficError

log = structlog.get_logger(__name__)

EVERY = 1.0
"""Seconds between two batches."""

MOST_WAITING = 100_000
"""Users that wait while Redis is away; further ones are lost."""

Batch = tuple[set[bytes], set[bytes]]
"""Hashes of the users in control, and of those in treatment."""


class Counting:
    """Collects the users of this process, and tells Redis of them in batches.

    Args:
        users: Where they are counted.
    """

    def __init__(self, users: RedisUsers) -> None:
        self._users = users
        self._waiting: dict[tuple[str, int], Batch] = {}
        self._sending: dict[tuple[str, int], Batch] = {}
        self._failing = False

    def add(self, key: str, user_id: str, assignment: Assignment) -> None:
        """Count a user who was assigned, unless nothing is rolled out or the id is nobody's."""
        record = assignment.state.record
        if (
            record is None
            or assignment.reason in (Reason.NO_USER, Reason.FORCED, Reason.OVERRIDE)
            or self._number() >= MOST_WAITING
        ):
            return
        control, treatment = self._waiting.setdefault((key, record.attempt), (set(), set()))
        # Hashed here: Redis may log what it is sent, and so never gets to see an id.
        hashed = blake2b(user_id.encode(), digest_size=16).digest()
        (treatment if assignment.group is Group.TREATMENT else control).add(hashed)

    async def run(self) -> None:
        """Send what has come together, again and again, until cancelled; then once more."""
        try:
            while True:
                await asyncio.sleep(EVERY)
                await self.send()
        finally:
            await self.send()

    async def send(self) -> None:
        """Send what has come together; what can't be sent waits for the next time."""
        batches = self._sending = self._waiting
        self._waiting = {}  # who comes meanwhile waits apart, and is not taken for sent
        try:
            while batches:
                (key, attempt), batch = next(iter(batches.items()))
                for control, treatment in _slices(batch):
                    await self._users.add(key, attempt, control, treatment)
                del batches[key, attempt]
                self._tell("")
        except TrafficError as error:
            self._tell(str(error))
        finally:
            self._sending = {}
            self._wait_again(batches)

    def _wait_again(self, batches: Mapping[tuple[str, int], Batch]) -> None:
        for place, (control, treatment) in batches.items():
            waiting = self._waiting.setdefault(place, (set(), set()))
            waiting[0].update(control)
            waiting[1].update(treatment)

    def _number(self) -> int:
        """Of those that are being sent as well: while Redis hangs, they will wait again."""
        batches = (*self._waiting.values(), *self._sending.values())
        return sum(len(group) for batch in batches for group in batch)

    def _tell(self, error: str) -> None:
        if bool(error) != self._failing:
            self._failing = bool(error)
            if error:
                log.warning("Users can't be counted now; they are kept for a while", error=error)
            else:
                log.info("Users are counted again")


def _slices(batch: Batch) -> Iterator[tuple[list[bytes], list[bytes]]]:
    control, treatment = map(list, batch)
    for first in range(0, max(len(control), len(treatment)), MOST // 2):
        yield control[first : first + MOST // 2], treatment[first : first + MOST // 2]
