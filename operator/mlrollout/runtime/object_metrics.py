"""What is shown of each object.

A scrape reads it where it stands, from a thread of its own: whatever is read here is replaced as a whole where it
changes, or copied in one go.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from mlrollout.domain.persist import limit_of
from mlrollout.domain.reason import Reason
from mlrollout.domain.stages import current
from mlrollout.domain.state import Phase, RunOutcome, State
from mlrollout.evidence.measurement import Evidence, Measurement, MeasurementHistory, Verdict
from mlrollout.ports import Ref

from .exposition import Family, ShownNumber, labelled, lines
from .measuring import watches
from .tracked import TrackedObject

_OBJECT = ("namespace", "name", "rollout")
NOT_BEGUN = "NotBegun"
"""The phase of an object that can't begin: its spec or its key is refused, or Redis has not been asked yet."""

Numbers = Iterable[ShownNumber]
Read = Callable[[TrackedObject], Numbers]


def _of_state(read: Callable[[State], float | None]) -> Read:
    """One number, where the object has begun and there is one."""

    def samples(tracked: TrackedObject) -> Iterator[ShownNumber]:
        number = read(tracked.state) if tracked.state is not None else None
        if number is not None:
            yield (), number

    return samples


def _phase(tracked: TrackedObject) -> Numbers:
    found = NOT_BEGUN if tracked.state is None else tracked.state.phase
    return [((phase,), phase == found) for phase in (NOT_BEGUN, *Phase)]


def _stage(tracked: TrackedObject) -> Numbers:
    stage = tracked.state.record.stage if tracked.state is not None else ""
    return [((stage,), 1)] if stage else []


def _entered(state: State) -> float | None:
    return state.runs[-1].entered if state.runs and state.runs[-1].outcome is RunOutcome.RUNNING else None


def _target(tracked: TrackedObject) -> Numbers:
    spec, state = tracked.spec, tracked.state
    stage = current(spec, state.record) if spec is not None and state is not None else None
    return [((), stage.duration)] if stage is not None else []


def _info(tracked: TrackedObject) -> Numbers:
    record = tracked.state.record if tracked.state is not None else None
    return [((record.revision, str(record.ordinal)), 1)] if record is not None else []


def _rolled_back(tracked: TrackedObject) -> Numbers:
    state = tracked.state
    if state is None or state.phase is not Phase.ROLLED_BACK:
        return []
    cause = state.record.cause
    return [((state.cause or Reason.ROLLED_BACK,), (cause.at if cause is not None else 0) or state.in_force_since)]


def _confirmed(state: State) -> float:
    return state.confirmed


def _conditions(tracked: TrackedObject) -> Numbers:
    return [((one.type, one.status, one.reason), 1) for one in tracked.resource.status.conditions]


def _contested(tracked: TrackedObject) -> Numbers:
    return [((), 1)] if tracked.writing.rivalry.alerts else []


def _counted(counts: Callable[[TrackedObject], Mapping[str, int]]) -> Read:
    return lambda tracked: [((name,), number) for name, number in tuple(counts(tracked).items())]


def _of_guardrails(read: Callable[[MeasurementHistory], float | None]) -> Read:
    """One number for each guardrail that has one."""

    def samples(tracked: TrackedObject) -> Iterator[ShownNumber]:
        for name, history in tuple(tracked.measured.histories.items()):
            number = read(history)
            if number is not None:
                yield (name,), number

    return samples


def _verdicts(tracked: TrackedObject) -> Iterator[ShownNumber]:
    for name, history in tuple(tracked.measured.histories.items()):
        if history.last is not None:
            yield from (((name, verdict), verdict is history.last.verdict) for verdict in Verdict)


def _actions(tracked: TrackedObject) -> Iterator[ShownNumber]:
    for name, history in tuple(tracked.measured.histories.items()):
        yield (name, history.guardrail.MARK, history.guardrail.action), 1


def _missing(tracked: TrackedObject) -> Numbers:
    """While nobody looks, nothing is missing."""
    if tracked.spec is None or not watches(tracked.spec, tracked.state):
        return []
    return _of_guardrails(lambda one: one.missing_since if math.isfinite(one.missing_since) else None)(tracked)


def _of_last(read: Callable[[Measurement], float | None]) -> Read:
    return _of_guardrails(lambda history: None if history.last is None else read(history.last))


def _value(measurement: Measurement) -> float:
    return math.nan if measurement.value is None else measurement.value


def _limit(history: MeasurementHistory) -> float | None:
    last = history.last
    return limit_of(history.guardrail, last if last is not None else Measurement(Verdict.INCONCLUSIVE, 0.0, 0.0))


def _answered(history: MeasurementHistory) -> float | None:
    return history.answered[-1].at if history.answered else None


def _of_evidence(read: Callable[[Evidence], float]) -> Read:
    """One number for each guardrail that tests at every look; an error does not take away what was known before it."""

    def number(history: MeasurementHistory) -> float | None:
        failed = history.last is not None and history.last.verdict is Verdict.ERROR and history.answered
        known = history.answered[-1] if failed else history.last
        return None if known is None or known.evidence is None else read(known.evidence)

    return _of_guardrails(number)


def _bad(evidence: Evidence) -> float:
    return math.nan if evidence.treatment.bad is None else evidence.treatment.bad


_GUARDRAIL = ("guardrail",)
_TESTED = "Of a guardrail that tests at every look"
FAMILIES: Sequence[Family[TrackedObject]] = (
    Family("mlrollout_info", "1, with what is rolled out and by which try.", _info, ("revision", "attempt")),
    Family("mlrollout_phase", "1 for the phase that the attempt is in, 0 for the others.", _phase, ("phase",)),
    Family(
        "mlrollout_condition",
        "1 for each condition in the object's status, with its status and reason.",
        _conditions,
        ("type", "status", "reason"),
    ),
    Family(
        "mlrollout_percentage",
        "Share of users in treatment, as Redis confirmed it.",
        _of_state(lambda state: state.applied),
    ),
    Family(
        "mlrollout_desired_percentage",
        "Share of users that shall be in treatment.",
        _of_state(lambda state: state.record.percentage),
    ),
    Family(
        "mlrollout_traffic_confirmed",
        "1 where Redis is known to hold what it shall, 0 where it is not.",
        _of_state(_confirmed),
    ),
    Family("mlrollout_stage", "1 for the stage that the rollout stands in.", _stage, ("stage",)),
    Family("mlrollout_stage_entered_timestamp_seconds", "When the present stage was entered.", _of_state(_entered)),
    Family(
        "mlrollout_healthy_seconds",
        "Seconds of good evidence in this stage.",
        _of_state(lambda state: state.healthy if state.record.stage else None),
    ),
    Family("mlrollout_healthy_target_seconds", "How many of them the stage asks for.", _target),
    Family(
        "mlrollout_rolled_back_timestamp_seconds",
        "When the cause of the rollback was seen with which the attempt has ended.",
        _rolled_back,
        ("reason",),
    ),
    Family(
        "mlrollout_contested",
        "1 for an object whose status somebody else writes as well: another installation, or all the time.",
        _contested,
    ),
    Family(
        "mlrollout_transitions_total",
        "Transitions by reason; each is counted by the process that saved it.",
        _counted(lambda tracked: tracked.tally.transitions),
        ("reason",),
        counter=True,
    ),
    Family(
        "mlrollout_object_errors_total",
        "Calls about this object that failed.",
        _counted(lambda tracked: tracked.tally.errors),
        ("source",),
        counter=True,
    ),
    Family(
        "mlrollout_guardrail_info",
        "1, with the guardrail's kind and what a breach of it does.",
        _actions,
        ("guardrail", "kind", "action"),
    ),
    Family(
        "mlrollout_guardrail_verdict",
        "1 for what the guardrail's last look came to, 0 for the others.",
        _verdicts,
        ("guardrail", "finding"),
    ),
    Family(
        "mlrollout_guardrail_value", "The number of the last look, NaN where it had none.", _of_last(_value), _GUARDRAIL
    ),
    Family("mlrollout_guardrail_limit", "What the number is held against.", _of_guardrails(_limit), _GUARDRAIL),
    Family(
        "mlrollout_guardrail_last_look_timestamp_seconds",
        "When the guardrail was last looked at.",
        _of_last(lambda last: last.at),
        _GUARDRAIL,
    ),
    Family(
        "mlrollout_guardrail_last_evidence_timestamp_seconds",
        "When a look at it last had an answer.",
        _of_guardrails(_answered),
        _GUARDRAIL,
    ),
    Family(
        "mlrollout_guardrail_missing_since_timestamp_seconds",
        "Since when looks at it have had no answer; left out while they have, and while nobody looks.",
        _missing,
        _GUARDRAIL,
    ),
    Family(
        "mlrollout_guardrail_evidence",
        f"{_TESTED}: its e-value times its chance of a false alarm; at 1 it is a breach.",
        _of_evidence(lambda evidence: evidence.e_value * evidence.false_alarm),
        _GUARDRAIL,
    ),
    Family(
        "mlrollout_guardrail_events",
        f"{_TESTED}: the treatment's events in this stage.",
        _of_evidence(lambda evidence: evidence.treatment.events),
        _GUARDRAIL,
    ),
    Family(
        "mlrollout_guardrail_bad_events",
        f"{_TESTED}: the bad ones of them, NaN where there are no bad ones.",
        _of_evidence(_bad),
        _GUARDRAIL,
    ),
    Family(
        "mlrollout_guardrail_estimate_low",
        f"{_TESTED}: the least that what it tests may be in this stage, valid at every look.",
        _of_evidence(lambda evidence: evidence.low),
        _GUARDRAIL,
    ),
    Family(
        "mlrollout_guardrail_estimate_high",
        f"{_TESTED}: the most that it may be.",
        _of_evidence(lambda evidence: evidence.high),
        _GUARDRAIL,
    ),
    Family(
        "mlrollout_guardrail_proven_safe",
        f"{_TESTED}: 1 where it is proven in this stage that the limit is kept.",
        _of_evidence(lambda evidence: evidence.proven is not None),
        _GUARDRAIL,
    ),
)
COUNTERS = tuple(family for family in FAMILIES if family.counter)


class ObjectMetrics:
    """The metrics of every object.

    Of several replicas one shows where the objects stand, so that a sum counts each of them once: the leader, or every
    one where nobody is known to lead. Counters are shown by all, from 0 on; what is counted is counted by one.

    Args:
        tracked_objects: The objects; read at each scrape.
        speaks: Whether this process is the one.
    """

    def __init__(self, tracked_objects: Mapping[Ref, TrackedObject], speaks: Callable[[], bool]) -> None:
        self._tracked_objects = tracked_objects
        self._speaks = speaks

    def lines(self) -> Iterable[str]:
        """Everything, in the text format."""
        things = {_labels(ref): tracked for ref, tracked in tuple(self._tracked_objects.items())}
        return lines(FAMILIES if self._speaks() else COUNTERS, things)


def _labels(ref: Ref) -> str:
    # A scrape by a default ServiceMonitor puts its target's `namespace` in the place of ours: `rollout` survives.
    return labelled(zip(_OBJECT, (ref.namespace, ref.name, str(ref)), strict=True))
