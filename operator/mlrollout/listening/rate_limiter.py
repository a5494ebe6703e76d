"""Rate limits: a token bucket for each caller, so that nobody takes all of the server."""

from collections import OrderedDict
from collections.abc import Callable
from time import monotonic

MOST_CALLERS = 10_000
"""Callers that are remembered; of more, the one who was silent longest is forgotten."""


class RateLimiter:
    """Requests a second, in the long run; one second's worth may come at once, and one at least.

    Args:
        per_second: How many.
        clock: Seconds, from anywhere.
    """

    def __init__(self, per_second: float, clock: Callable[[], float] = monotonic) -> None:
        self._per_second = per_second
        self._at_once = max(1.0, per_second)
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, caller: str) -> float:
        """Count one request; the seconds until the next may come, 0 where this one may."""
        now = self._clock()
        left, at = self._left.pop(caller, (self._at_once, now))
        left = min(self._at_once, left + (now - at) * self._per_second)
        allowed = left >= 1
        self._left[caller] = (left - allowed, now)
        if len(self._left) > MOST_CALLERS:
            self._left.popitem(last=False)
        return 0.0 if allowed else (1 - left) / self._per_second
