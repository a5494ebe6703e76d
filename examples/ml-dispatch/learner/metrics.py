"""What Prometheus reads of the learner."""

from collections.abc import Mapping

from dispatch.model import FEATURES
from prometheus_client import CollectorRegistry, Counter, Gauge

from .lesson import Lesson, State, held_back
from .refusal import Reason

FAILED = ("registry", "database", "model", "files")


class LearnerMetrics:
    """The learner's metrics.

    Args:
        registry: Where they stand.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._outcomes = Counter(
            "ml_dispatch_learner_outcomes",
            "Outcomes that count: learned from, or held back.",
            ("use",),
            registry=registry,
        )
        self._refused = Counter(
            "ml_dispatch_learner_refused", "Outcomes that were not learned from.", ("reason",), registry=registry
        )
        self.registered = Counter("ml_dispatch_learner_registered", "Candidates registered.", registry=registry)
        self._failures = Counter(
            "ml_dispatch_learner_failures", "Steps that failed, by what was out of reach.", ("of",), registry=registry
        )
        self._loss = Gauge(
            "ml_dispatch_learner_log_loss",
            "Mean log loss of outcomes held back, in this contest.",
            ("of",),
            registry=registry,
        )
        self._progressive = Gauge(
            "ml_dispatch_learner_progressive_log_loss",
            "Mean log loss of outcomes that were learned from, as predicted before.",
            registry=registry,
        )
        self._e_value = Gauge(
            "ml_dispatch_learner_e_value", "Evidence that the candidate is better; 20 is enough.", registry=registry
        )
        self._psi = Gauge(
            "ml_dispatch_feature_psi",
            "How far a feature's values are from what they were when the candidate was registered; above 0.25 much.",
            ("feature",),
            registry=registry,
        )
        for use in ("learned", "held_back"):
            self._outcomes.labels(use)
        for reason in Reason:
            self._refused.labels(reason)
        for what in FAILED:
            self._failures.labels(what)

    def learned(self, lesson: Lesson) -> None:
        """Count what came of a round."""
        kept = sum(held_back(one.dispatch) for one, _ in lesson.predicted)
        self._outcomes.labels("held_back").inc(kept)
        self._outcomes.labels("learned").inc(len(lesson.predicted) - kept)
        for _, reason in lesson.refused:
            self._refused.labels(reason).inc()

    def stands(self, state: State) -> None:
        """Show how the contest stands."""
        contest, progress = state.contest, state.progress
        self._e_value.set(contest.e_value)
        if contest.outcomes:
            self._loss.labels("champion").set(contest.champion / contest.outcomes)
            self._loss.labels("candidate").set(contest.candidate / contest.outcomes)
        if progress.outcomes:
            self._progressive.set(progress.loss / progress.outcomes)

    def drifted(self, indexes: Mapping[str, float]) -> None:
        """Show how far the inputs are from what they were; nothing is shown of what is not known."""
        for name in FEATURES:
            if name in indexes:
                self._psi.labels(name).set(indexes[name])
            else:
                self._psi.remove(name)

    def failed(self, what: str) -> None:
        """A step failed; `what` is one of `FAILED`."""
        self._failures.labels(what).inc()
