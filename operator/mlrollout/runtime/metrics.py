"""The operator's own metrics. The series of an object vanish with it."""

import math
from collections.abc import Mapping, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from mlrollout.evidence.measurement import Evidence, Measurement, Verdict
from mlrollout.ports import Ref

_OBJECT = ("namespace", "name")
_GUARDRAIL = (*_OBJECT, "guardrail")
_EVIDENCE = {
    "evidence": "Of one that tests at every look: its e-value by what makes a breach, which is 1 here.",
    "events": "Of one that tests at every look: the treatment's events in this stage.",
    "bad_events": "Of one that tests at every look: the bad ones of them, NaN where there are no bad ones.",
    "estimate_low": "Of one that tests at every look: the least that what it tests may be in this stage.",
    "estimate_high": "Of one that tests at every look: the most that it may be.",
    "proven_safe": "1 where a guardrail that tests at every look has proven in this stage that it keeps its limit.",
}
_GAUGES: Mapping[str, tuple[str, Sequence[str]]] = {
    "percentage": ("Share of users in treatment, as Redis confirmed it.", _OBJECT),
    "stage": ("1 for the stage the rollout stands in.", (*_OBJECT, "stage")),
    "guardrail_verdict": ("1 for what the guardrail said last.", (*_GUARDRAIL, "finding")),
    "guardrail_value": ("The number the guardrail's query answered last.", _GUARDRAIL),
    **{f"guardrail_{name}": (text, _GUARDRAIL) for name, text in _EVIDENCE.items()},
    "queue_depth": ("Objects that wait to be reconciled.", ()),
    "leader": ("1 where this process may take traffic up.", ()),
    "view_age_seconds": (
        "Since the API server last proved that all objects are seen; while it grows, they are guarded as known.",
        (),
    ),
    "watch_stands": ("1 where changes of objects are heard as they happen, 0 where they are listed instead.", ()),
    "contested": (
        "1 for an object whose status somebody else writes as well: another installation, or all the time.",
        _OBJECT,
    ),
}
"""Each by its name without `mlrollout_`: its text, and its labels."""
_COUNTERS: Mapping[str, tuple[str, Sequence[str]]] = {
    "transitions": ("Transitions by reason.", (*_OBJECT, "reason")),
    "redis_errors": ("Redis calls that failed.", ()),
    "prometheus_errors": ("Looks that ended in an error.", ()),
    "kubernetes_errors": ("API server calls that failed.", ()),
    "part_ends": ("Parts of the process that ended by themselves.", ("part",)),
}
"""Likewise; the name has no `_total`."""
_HISTOGRAMS = {
    "look_seconds": "How long a look at a guardrail took.",
    "breach_to_zero_seconds": "From the sight of a breach to zero confirmed in Redis.",
}
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class OperatorMetrics:
    """Everything the operator counts, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        gauges = {name: Gauge(f"mlrollout_{name}", *told, registry=registry) for name, told in _GAUGES.items()}
        counters = {name: Counter(f"mlrollout_{name}", *told, registry=registry) for name, told in _COUNTERS.items()}
        histograms = {
            name: Histogram(f"mlrollout_{name}", text, buckets=_SECONDS, registry=registry)
            for name, text in _HISTOGRAMS.items()
        }
        self._percentage, self._stage, self._contested = gauges["percentage"], gauges["stage"], gauges["contested"]
        self._verdict, self._value = gauges["guardrail_verdict"], gauges["guardrail_value"]
        self._evidence = {name: gauges[f"guardrail_{name}"] for name in _EVIDENCE}
        self._look, self._zero = histograms["look_seconds"], histograms["breach_to_zero_seconds"]
        self._part_ends, self.transitions = counters["part_ends"], counters["transitions"]
        self.redis_errors, self.api_errors = counters["redis_errors"], counters["kubernetes_errors"]
        self.looks_failed = counters["prometheus_errors"]
        self.queue_depth, self.leads = gauges["queue_depth"], gauges["leader"]
        self.view_age, self.watched = gauges["view_age_seconds"], gauges["watch_stands"]
        self._stages: dict[Ref, str] = {}
        self._contests: set[Ref] = set()
        self._guardrails: dict[Ref, set[str]] = {}
        self._tested: dict[Ref, set[str]] = {}
        self._reasons: dict[Ref, set[str]] = {}

    def stands(self, ref: Ref, percentage: int, stage: str) -> None:
        """An object stands at a percentage, in a stage (empty: in none)."""
        self._percentage.labels(ref.namespace, ref.name).set(percentage)
        before = self._stages.get(ref)
        if before == stage:
            return
        if before:
            self._stage.remove(ref.namespace, ref.name, before)
        if stage:
            self._stage.labels(ref.namespace, ref.name, stage).set(1)
        self._stages[ref] = stage

    def part_ended(self, part: str) -> None:
        """A part of the process ended by itself."""
        self._part_ends.labels(part).inc()

    def contest(self, ref: Ref, *, contested: bool) -> None:
        """Whether somebody else writes an object's status as well."""
        if contested:
            self._contests.add(ref)
            self._contested.labels(ref.namespace, ref.name).set(1)
        elif ref in self._contests:
            self._contests.remove(ref)
            self._contested.remove(ref.namespace, ref.name)

    def transition(self, ref: Ref, reason: str) -> None:
        """A transition was saved."""
        self._reasons.setdefault(ref, set()).add(reason)
        self.transitions.labels(ref.namespace, ref.name, reason).inc()

    def judged(self, ref: Ref, guardrail: str, measurement: Measurement) -> None:
        """A guardrail was measured."""
        self._guardrails.setdefault(ref, set()).add(guardrail)
        for verdict in Verdict:
            gauge = self._verdict.labels(ref.namespace, ref.name, guardrail, verdict.value)
            gauge.set(verdict is measurement.verdict)
        value = float("nan") if measurement.value is None else measurement.value
        self._value.labels(ref.namespace, ref.name, guardrail).set(value)
        if measurement.evidence is not None:
            self._show(ref, guardrail, measurement.evidence)
        elif measurement.verdict is not Verdict.ERROR:
            self._unshow(ref, guardrail)
        if measurement.verdict is Verdict.ERROR:
            self.looks_failed.inc()

    def _show(self, ref: Ref, guardrail: str, evidence: Evidence) -> None:
        """What a test stands on."""
        figures = {
            "evidence": evidence.e_value * evidence.false_alarm,
            "events": evidence.treatment.events,
            "bad_events": math.nan if evidence.treatment.bad is None else evidence.treatment.bad,
            "estimate_low": evidence.low,
            "estimate_high": evidence.high,
            "proven_safe": evidence.proven is not None,
        }
        for name, figure in figures.items():
            self._evidence[name].labels(ref.namespace, ref.name, guardrail).set(figure)
        self._tested.setdefault(ref, set()).add(guardrail)

    def _unshow(self, ref: Ref, guardrail: str) -> None:
        if guardrail in self._tested.get(ref, ()):
            self._tested[ref].remove(guardrail)
            for gauge in self._evidence.values():
                gauge.remove(ref.namespace, ref.name, guardrail)

    def looked(self, seconds: float) -> None:
        """A guardrail was looked at, which took so long."""
        self._look.observe(seconds)

    def zeroed(self, seconds: float) -> None:
        """A breach was answered by zero in Redis after so long."""
        self._zero.observe(seconds)

    def keep(self, ref: Ref, guardrails: set[str]) -> None:
        """Only these guardrails exist any more."""
        for name in self._guardrails.get(ref, set()) - guardrails:
            self._value.remove(ref.namespace, ref.name, name)
            self._unshow(ref, name)
            for verdict in Verdict:
                self._verdict.remove(ref.namespace, ref.name, name, verdict.value)
        if ref in self._guardrails:
            self._guardrails[ref] &= guardrails

    def forget(self, ref: Ref) -> None:
        """The object no longer exists."""
        self.keep(ref, set())
        self.contest(ref, contested=False)
        self._guardrails.pop(ref, None)
        stage = self._stages.pop(ref, None)
        if stage is not None:
            self._percentage.remove(ref.namespace, ref.name)
            if stage:
                self._stage.remove(ref.namespace, ref.name, stage)
        for reason in self._reasons.pop(ref, set()):
            self.transitions.remove(ref.namespace, ref.name, reason)

    def render(self) -> bytes:
        """Everything, in Prometheus' text format."""
        return generate_latest(self.registry)
