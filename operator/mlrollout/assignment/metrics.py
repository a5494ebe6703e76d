"""What guardrails ask about: outcome, score and time of every call, for both groups, so that they can be compared."""

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from .bucket import BUCKETS, Group, bucket
from .ids import UserId, text_of
from .recent import Recent, Table, error_rate, tables

try:
    from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram, Metric
    from prometheus_client.core import GaugeMetricFamily
    from prometheus_client.multiprocess import MultiProcessCollector
except ImportError as error:
    raise ImportError("Metrics needs prometheus-client: pip install 'mlrollout[metrics]'") from error

SCORES = (0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
SECONDS = (0.1, 0.5, 1.0, 2.0, 5.0)
MOST_COHORTS = 100
NOBODY = "none"
"""The cohort of calls without a user."""


class _GroupSeries(NamedTuple):
    """The series of one group, and one cohort of it."""

    success: Counter
    failure: Counter
    score: Histogram
    seconds: Histogram


class Metrics:
    """The metrics of one feature.

    `<prefix>_total{status,group}`, `<prefix>_score{group}`, `<prefix>_response_time_seconds{group}`, and
    `<prefix>_error_rate{group}`: the share of failures in the last 5 minutes, NaN without calls. Every series exists
    from the start, at 0: a counter that appears with its first event loses that event to `rate()`, and it would
    be the new path's first failures that get lost.

    With `PROMETHEUS_MULTIPROC_DIR` (gunicorn with several workers) all processes are counted together.

    Args:
        prefix: How the names begin.
        registry: Where they are registered.
        cohorts: Into how many cohorts to divide the users, by a label `cohort` on all but the error rate: 20 let one
            tell a few odd users from a trend. 0 for no such label.
        salt: What cohorts are divided by; it must not be the rollout's salt, or a cohort would lie in one group.

    Attributes:
        registry: What to expose, by `make_wsgi_app(metrics.registry)`, `generate_latest(metrics.registry)` and the
            like: the one given, or one that collects everything from every process.

    Raises:
        ValueError: The prefix is no name or is taken, or `cohorts` makes no sense.
        FileNotFoundError: The folder that `PROMETHEUS_MULTIPROC_DIR` names does not exist.
    """

    def __init__(
        self,
        prefix: str = "ml_dispatch",
        registry: CollectorRegistry = REGISTRY,
        cohorts: int = 0,
        salt: str | None = None,
    ) -> None:
        _check(prefix, cohorts)
        folder = _shared_folder()
        self._prefix = prefix
        self._cohorts = cohorts
        self._salt = f"{prefix}:cohort" if salt is None else salt
        labels = ("group", "cohort") if cohorts else ("group",)
        self._total = Counter(f"{prefix}_total", "Calls.", ("status", *labels), registry=None)
        self._score = Histogram(f"{prefix}_score", "How good answers are.", labels, buckets=SCORES, registry=None)
        self._seconds = Histogram(
            f"{prefix}_response_time_seconds", "Time to answer the user.", labels, buckets=SECONDS, registry=None
        )
        self._recent = Recent(prefix, folder)
        try:
            registry.register(self)
        except ValueError as taken:
            raise ValueError(
                f"there are metrics with the prefix {prefix} in this registry already: make one Metrics for each "
                f"feature and share it, or give this one another prefix ({taken})"
            ) from taken
        self._series = {
            (group, cohort): self._born((group, cohort) if cohorts else (group,))
            for group in Group
            for cohort in (*map(str, range(cohorts)), NOBODY)
        }
        self.registry = _multiprocess_registry(folder) if folder else registry

    def _born(self, labels: tuple[str, ...]) -> _GroupSeries:
        return _GroupSeries(
            self._total.labels("success", *labels),
            self._total.labels("failure", *labels),
            self._score.labels(*labels),
            self._seconds.labels(*labels),
        )

    def record(
        self, user_id: UserId, group: Group, *, failed: bool, seconds: float, score: float | None = None
    ) -> None:
        """A call has ended.

        Args:
            user_id: The user; matters for the cohort alone.
            group: The user's group.
            failed: Whether the group's own path failed.
            seconds: How long it took to answer the user.
            score: How good the answer was; `None` where nobody said.
        """
        series = self._series[group, self._cohort(user_id)]
        (series.failure if failed else series.success).inc()
        series.seconds.observe(seconds)
        if score is not None:
            series.score.observe(score)
        self._recent.add(group, failed=failed)

    def _cohort(self, user_id: object) -> str:
        text = text_of(user_id) if self._cohorts else None
        return NOBODY if text is None else str(bucket(self._salt, text) * self._cohorts // BUCKETS)

    def describe(self) -> Iterator[Metric]:
        """The metrics without their series; for the registry."""
        for metric in (self._total, self._score, self._seconds):
            yield from metric.describe()
        yield _gauge(self._prefix, ())

    def collect(self) -> Iterator[Metric]:
        """The metrics; for the registry."""
        for metric in (self._total, self._score, self._seconds):
            for family in metric.collect():
                # When a series was born is asked by nobody, and would be as many series again.
                family.samples = [sample for sample in family.samples if sample.name != f"{family.name}_created"]
                yield family
        yield _gauge(self._prefix, [self._recent.table])


class _ErrorRates:
    """The error rate of every prefix, over all processes that share a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterator[Metric]:
        """One metric for each prefix."""
        for prefix, found in tables(self._folder):
            yield _gauge(prefix, found)


def _gauge(prefix: str, tables: Iterable[Table]) -> Metric:
    gauge = GaugeMetricFamily(
        f"{prefix}_error_rate", "Share of failures in the last 5 minutes; NaN without calls.", labels=["group"]
    )
    tables = tuple(tables)
    for group in Group:
        gauge.add_metric([group], error_rate(tables, group))
    return gauge


def _multiprocess_registry(folder: Path) -> CollectorRegistry:
    registry = CollectorRegistry()
    MultiProcessCollector(registry, str(folder))  # type: ignore[no-untyped-call]  # the library's own gap
    registry.register(_ErrorRates(folder))
    return registry


def _shared_folder() -> Path | None:
    named = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if not named:
        return None
    if not Path(named).is_dir():
        raise FileNotFoundError(f"PROMETHEUS_MULTIPROC_DIR names {named}, which is no folder: make it before you start")
    return Path(named)


def _check(prefix: str, cohorts: int) -> None:
    if not re.fullmatch("[a-zA-Z_:][a-zA-Z0-9_:]*", prefix):
        raise ValueError(
            f"no metric's name can begin with {prefix!r}: write letters, digits and _, and no digit first; "
            "for example ml_dispatch"
        )
    if not 0 <= cohorts <= MOST_COHORTS:
        raise ValueError(f"cohorts ({cohorts}) must be from 0, for no such label, to {MOST_COHORTS}")
