"""What the guardrails see: the same metrics for both groups, so that they can be compared.

Every label combination exists from the start. A counter that appears with its first event
loses that event to `rate()`, and it would be the new path's first failures that get lost.
"""

from collections import deque
from itertools import product
from math import nan
from time import monotonic

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics

GROUPS = ("control", "treatment")
STATUSES = ("success", "failure")
SCORES = (0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
SECONDS = (0.1, 0.5, 1.0, 2.0, 5.0)
RECENT = 300.0


class Metrics:
    """The service's metrics, in a registry of their own."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # the library's own gap
        self.registry = CollectorRegistry()
        self._total = Counter("ml_dispatch_total", "Dispatches asked for.", ("status", "group"), registry=self.registry)
        self._score = Histogram(
            "ml_dispatch_score", "Fit of the vehicle chosen.", ("group",), buckets=SCORES, registry=self.registry
        )
        self._seconds = Histogram(
            "ml_dispatch_response_time_seconds",
            "Time to answer.",
            ("group",),
            buckets=SECONDS,
            registry=self.registry,
        )
        error_rate = Gauge(
            "ml_dispatch_error_rate",
            "Share of failures in the last 5 minutes; NaN without dispatches.",
            ("group",),
            registry=self.registry,
        )
        self._recent = {group: Recent() for group in GROUPS}
        for group in GROUPS:
            self._score.labels(group)
            self._seconds.labels(group)
            error_rate.labels(group).set_function(self._recent[group].error_rate)
        for status, group in product(STATUSES, GROUPS):
            self._total.labels(status, group)

    def success(self, group: str, score: float, seconds: float) -> None:
        """The group's own path answered."""
        self._score.labels(group).observe(score)
        self._count("success", group, seconds)

    def failure(self, group: str, seconds: float) -> None:
        """The group's own path failed, whoever served the user then."""
        self._count("failure", group, seconds)

    def _count(self, status: str, group: str, seconds: float) -> None:
        self._total.labels(status, group).inc()
        self._seconds.labels(group).observe(seconds)
        self._recent[group].add(failed=status == "failure")


class Recent:
    """Dispatches and failures of the last five minutes, second by second."""

    def __init__(self) -> None:
        self._seconds: deque[tuple[int, int, int]] = deque()

    def add(self, *, failed: bool) -> None:
        """One more dispatch, now."""
        now = int(monotonic())
        _, total, failures = self._seconds.pop() if self._seconds and self._seconds[-1][0] == now else (now, 0, 0)
        self._seconds.append((now, total + 1, failures + failed))

    def error_rate(self) -> float:
        """Share of failures; NaN where nothing was asked, which is not the same as healthy."""
        while self._seconds and self._seconds[0][0] <= monotonic() - RECENT:
            self._seconds.popleft()
        total = sum(total for _, total, _ in self._seconds)
        return sum(failures for _, _, failures in self._seconds) / total if total else nan
