"""The operator's own metrics: of its process here, of its objects in `object_metrics.py`."""

import platform
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from .exposition import Family, lines
from .tracked import Source, TrackedObject

GAUGES: Mapping[str, tuple[str, Sequence[str]]] = {
    "build_info": ("1, with the version of the operator and of Python.", ("version", "python")),
    "queue_depth": ("Objects that wait to be reconciled.", ()),
    "leader": ("1 where this process may take traffic up.", ()),
    "view_age_seconds": (
        "Since the API server last proved that all objects are seen; while it grows, they are guarded as known.",
        (),
    ),
    "watch_stands": (
        "1 where changes of objects are heard as they happen, 0 where they are listed every few seconds instead.",
        (),
    ),
    "notifications_lag_seconds": (
        "For how long the oldest news has waited that has not arrived; 0 where everything has.",
        ("receiver",),
    ),
    "notifications_unusable": ("1 where the file of notifications, or a template in it, can't be used.", ()),
}
"""Each by its name without `mlrollout_`: its text, and its labels."""
COUNTERS: Mapping[str, tuple[str, Sequence[str]]] = {
    "redis_errors": ("Redis calls that failed.", ()),
    "prometheus_errors": ("Looks that ended in an error.", ()),
    "kubernetes_errors": ("API server calls that failed.", ()),
    "revisions_errors": ("Questions to sources of revisions that failed.", ()),
    "notifications_sent": ("Notifications that arrived.", ("receiver",)),
    "notifications_failed": ("Tries of notifications that did not arrive.", ("receiver",)),
    "notifications_dropped": (
        "Notifications that are sent no more: refused, older than a day, or more than the status holds.",
        ("receiver",),
    ),
    "part_ends": (
        "Parts of the process that ended by themselves and were begun anew; its log says why.",
        ("part",),
    ),
}
"""Likewise; the name has no `_total`."""
HISTOGRAMS = {
    "look_seconds": "How long a look at a guardrail took.",
    "breach_to_zero_seconds": "From the sight of a breach to zero confirmed in Redis.",
}
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

LEASE_HOLDER: Family[Callable[[], str]] = Family(
    "mlrollout_lease_holder",
    "1, with who has the Lease as far as this process has seen: a process names itself after its pod.",
    lambda holder: [((name,), 1)] if (name := holder()) else [],
    labels=("holder",),
)
PARTS = ("operator", "queue", "rounds", "view", "watch", "leadership", "notifications")


class OperatorMetrics:
    """Everything the operator shows of itself.

    Attributes:
        holder: Who has the Lease.
        another_leads: Whether another process is seen to lead, which then shows where the objects stand.
        objects: Everything about its objects, in the text format.
    """

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        gauges = {name: Gauge(f"mlrollout_{name}", *told, registry=registry) for name, told in GAUGES.items()}
        counters = {name: Counter(f"mlrollout_{name}", *told, registry=registry) for name, told in COUNTERS.items()}
        histograms = {
            name: Histogram(f"mlrollout_{name}", text, buckets=_SECONDS, registry=registry)
            for name, text in HISTOGRAMS.items()
        }
        gauges["build_info"].labels(version("mlrollout"), platform.python_version()).set(1)
        self._look, self._zero = histograms["look_seconds"], histograms["breach_to_zero_seconds"]
        self._part_ends = counters["part_ends"]
        self._errors = {source: counters[f"{source}_errors"] for source in Source}
        self.queue_depth, self.leads = gauges["queue_depth"], gauges["leader"]
        self.view_age, self.watched = gauges["view_age_seconds"], gauges["watch_stands"]
        self.notifications_sent, self.notifications_failed, self.notifications_dropped = (
            counters[f"notifications_{name}"] for name in ("sent", "failed", "dropped")
        )
        self.notifications_lag = gauges["notifications_lag_seconds"]
        self.notifications_unusable = gauges["notifications_unusable"]
        self.holder: Callable[[], str] = str
        self.another_leads: Callable[[], bool] = bool
        self.objects: Callable[[], Iterable[str]] = list
        for part in PARTS:
            self._part_ends.labels(part)

    def part_ended(self, part: str) -> None:
        """A part of the process ended by itself."""
        self._part_ends.labels(part).inc()

    def failed(self, source: Source, tracked: TrackedObject) -> None:
        """A call about an object failed."""
        self._errors[source].inc()
        tracked.tally.failed(source)

    def looked(self, seconds: float) -> None:
        """A guardrail was looked at, which took so long."""
        self._look.observe(seconds)

    def zeroed(self, seconds: float) -> None:
        """A breach was answered by zero in Redis after so long."""
        self._zero.observe(seconds)

    def render(self) -> bytes:
        """Everything, in Prometheus' text format."""
        own = generate_latest(self.registry)
        return own + "".join((*lines([LEASE_HOLDER], {"": self.holder}), *self.objects())).encode()
