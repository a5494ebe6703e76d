"""How fast one receiver is sent what waits for it: several things at once, and one at a time while it fails."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mlrollout.runtime.loop_time import NEVER, LoopTime, loop_time

AT_ONCE = 8
"""Messages that a receiver is sent at the same time, each about another object."""
FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0
"""Seconds between two tries; each failure doubles them."""
LONGEST_RETRY_AFTER = 900.0
"""Seconds that a receiver may ask to be left alone: more would be a way to have news dropped."""


class ReceiverPace:
    """One receiver's. What is known of it serves every object: a dead one is asked by one lane and not by hundreds."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._probe = asyncio.Semaphore(1)
        self._failures = 0
        self._not_before: LoopTime = NEVER

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait until it may be sent something."""
        while True:
            await asyncio.sleep(max(0.0, self._not_before - loop_time()))
            gate = self._probe if self._failures else self._turns
            async with gate:
                # While this waited for its turn, whoever had it may have failed, or found that it works again.
                if loop_time() >= self._not_before and gate is (self._probe if self._failures else self._turns):
                    yield
                    return

    def worked(self) -> None:
        """It took something."""
        self._failures = 0
        self._not_before = NEVER

    def failed(self, retry_after: float | None) -> None:
        """It could not be told."""
        wait = min(FIRST_WAIT * 2.0 ** min(self._failures, 16), LONGEST_WAIT)
        if retry_after is not None:
            wait = max(wait, min(retry_after, LONGEST_RETRY_AFTER))
        self._failures += 1
        self._not_before = LoopTime(max(self._not_before, loop_time() + wait))
