"""The wall clock as this process goes by it: it never jumps, whatever is done to the machine's clock.

Durations are decided on as differences of its times: how long evidence has been missing, how long a stage has been
healthy, how old a look is. A machine whose clock is set forward by an hour has not lived through that hour.
"""

import time
from collections.abc import Callable

from mlrollout.ports import Clock

SLEW = 0.01
"""Seconds by which it may approach the machine's clock in each second: an hour in about four days."""


def elapsed() -> float:
    """Seconds that have passed since some moment; while the machine slept, too, for evidence grew old meanwhile."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


class SteadyClock(Clock):
    """Begins at the machine's time and goes by what has elapsed; where the two differ, it slowly comes near.

    Args:
        wall: The machine's clock, in seconds since the epoch.
        elapsed: Seconds from any fixed moment; never goes back.
    """

    def __init__(self, wall: Callable[[], float] = time.time, elapsed: Callable[[], float] = elapsed) -> None:
        self._wall = wall
        self._elapsed = elapsed
        self._read_at = elapsed()
        self._now = wall()

    def now(self) -> float:
        """Seconds since the epoch."""
        read_at = self._elapsed()
        passed = max(0.0, read_at - self._read_at)
        self._read_at = read_at
        self._now += passed
        ahead = self._wall() - self._now
        self._now += max(-SLEW * passed, min(ahead, SLEW * passed))
        return self._now
