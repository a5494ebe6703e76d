"""The state as the object's status holds it, and back."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from functools import lru_cache
from typing import Any, TypeVar

from mlrollout.api.guardrail import Guardrail
from mlrollout.api.spec import Spec
from mlrollout.api.status import (
    Condition,
    CountedStatus,
    EvidenceStatus,
    GuardrailStatus,
    OngoingStatus,
    Progress,
    ReceiverStatus,
    RecordStatus,
    StageStatus,
    Status,
    TransitionStatus,
    VerbStatus,
    WaitingStatus,
)
from mlrollout.evidence.checks.kinds import kind_of
from mlrollout.evidence.measurement import Counted, Evidence, Measurement, MeasurementHistory, Verdict

from .outlook import served, upcoming
from .record import Cause, Record
from .request import Heard
from .state import NamedRevision, RunOutcome, StageRun, State, Transition

M = TypeVar("M", RecordStatus, StageStatus, TransitionStatus, WaitingStatus)


def to_status(
    state: State | None,
    *,
    spec: Spec | None,
    conditions: tuple[Condition, ...],
    generation: int,
    guardrails: tuple[GuardrailStatus, ...] = (),
    ongoing: tuple[OngoingStatus, ...] = (),
    receivers: tuple[ReceiverStatus, ...] = (),
    written_by: str = "",
) -> Status:
    """The whole status of an object.

    Args:
        state: Where the rollout stands; `None` before it begins.
        spec: What is asked for; `None` where that is not known.
        conditions: How the rollout is doing.
        generation: The version of the spec.
        guardrails: The last look at each guardrail.
        ongoing: What goes on that receivers are told of.
        receivers: How far each has been told.
        written_by: The installation that writes this.
    """
    if state is None:
        return Status(
            observed_generation=generation, conditions=conditions, guardrails=guardrails, written_by=written_by
        )
    record = state.record
    return Status(
        observed_generation=generation,
        conditions=conditions,
        percentage=record.percentage,
        attempt=record.ordinal,
        stage=record.stage,
        revision=record.revision,
        waiting=None if state.waiting is None else _written(WaitingStatus, state.waiting),
        served="" if spec is None else served(spec, state),
        next="" if spec is None else upcoming(spec, state),
        record=_written(RecordStatus, record),
        progress=_progress(state),
        stages=tuple(_written(StageStatus, run) for run in state.runs),
        guardrails=guardrails,
        verbs=tuple(
            VerbStatus(verb=verb, value=mark.value, id=mark.id, at=mark.at or None)
            for verb, mark in state.verbs.items()
        ),
        history=tuple(_written(TransitionStatus, transition) for transition in state.history),
        serial=state.serial,
        ongoing=ongoing,
        receivers=receivers,
        written_by=written_by,
    )


@lru_cache(maxsize=4096)
def _written(model: type[M], part: Record | StageRun | Transition | NamedRevision) -> M:
    """A part of the state in the status; remembered, for little of a history is new when it is written again."""
    return model(**asdict(part))


def _progress(state: State) -> Progress:
    return Progress(
        began=state.measurements_from,
        clear=state.evidence_from or None,
        since=state.in_force_since or None,
        confirmed=state.confirmed,
        applied=state.applied,
        healthy_seconds=round(state.healthy, 3),
        paused=state.paused,
        approved=state.approved,
        promoted=state.promoted,
        evidence=state.fingerprint,
        completed=state.completed,
        announced=state.announced,
        cleared=state.cleared,
        cleared_at=state.cleared_at or None,
        **_cause(state.record.cause),
    )


def _cause(cause: Cause | None) -> dict[str, Any]:
    if cause is None:
        return {}
    return {"reason": cause.reason, "message": cause.message, "rolled_back": cause.at or None}


def last_looks(
    spec: Spec | None,
    measurements: Mapping[str, MeasurementHistory],
    shown: Iterable[GuardrailStatus] = (),
    *,
    rolled_back: bool = False,
) -> tuple[GuardrailStatus, ...]:
    """The last look at each guardrail, for the status.

    Args:
        spec: Names them; `None` where it is not known.
        measurements: What this process measured of each, by its name.
        shown: What stands in the status: where that is the newer look, it stays, whoever made it.
        rolled_back: Whether traffic was taken back. Nobody looks any more then, and people read what was breached: a
            look of another process a moment later, which could not see it, must not stand in its place for good.
    """
    guardrails: Iterable[Guardrail] = () if spec is None else spec.guardrails
    histories = [(one, measurements[one.name]) for one in guardrails if one.name in measurements]
    stand = {one.name: one for one in shown}
    found = (
        _newer(stand.get(one.name), _guardrail(one, history), one.max_age if rolled_back else 0.0)
        for one, history in histories
    )
    return tuple(look for look in found if look is not None)


def _guardrail(guardrail: Guardrail, history: MeasurementHistory) -> GuardrailStatus | None:
    measurement = history.last
    if measurement is None:
        # What an operator before this one counted must not be lost with this one's first write.
        kept = GuardrailStatus(
            name=guardrail.name,
            finding=Verdict.INCONCLUSIVE,
            message="not looked at yet since the operator began to know the object",
            checkpoint=history.checkpoint,
        )
        return kept if history.checkpoint else None
    return GuardrailStatus(
        name=guardrail.name,
        finding=measurement.verdict,
        value=measurement.value,
        limit=limit_of(guardrail, measurement),
        window=measurement.reach,
        samples=measurement.samples,
        at=measurement.at,
        message=measurement.message,
        recent=history.recent,
        evidence=None if measurement.evidence is None else _evidence(measurement.evidence),
        checkpoint=history.checkpoint,
    )


def _newer(shown: GuardrailStatus | None, found: GuardrailStatus | None, breach_lasts: float) -> GuardrailStatus | None:
    """Of two looks the one that was made later; what was seen before this process looks itself is not forgotten.

    A breach is taken for so many seconds later than it was seen.
    """
    if shown is None:
        return found
    if found is None or found.at is None:
        return shown
    if shown.at is None:
        return found
    lasts = [breach_lasts if one.finding == Verdict.BREACH else 0.0 for one in (shown, found)]
    return shown if shown.at + lasts[0] > found.at + lasts[1] else found


def limit_of(guardrail: Guardrail, measurement: Measurement) -> float | None:
    """What the value is held against."""
    if measurement.evidence is not None and measurement.evidence.limit is not None:
        return measurement.evidence.limit
    return kind_of(guardrail).limit(guardrail, measurement.value)


def _evidence(evidence: Evidence) -> EvidenceStatus:
    return EvidenceStatus(
        treatment=_counted(evidence.treatment),
        control=_counted(evidence.control),
        estimate=evidence.estimate,
        low=evidence.low,
        high=evidence.high,
        e_value=evidence.e_value,
        false_alarm=evidence.false_alarm,
        proven=evidence.proven or "",
        design_effect=evidence.design_effect,
    )


def _counted(counted: Counted | None) -> CountedStatus | None:
    return None if counted is None else CountedStatus(events=counted.events, bad=counted.bad)


def from_status(status: Status) -> State | None:
    """The state in a status; `None` where none has been saved yet."""
    if status.record is None:
        return None
    progress = status.progress or Progress()
    cause = Cause(progress.reason, progress.message, progress.rolled_back or 0.0) if progress.reason else None
    return State(
        record=Record(**dict(status.record), cause=cause),
        measurements_from=progress.began or 0.0,
        evidence_from=progress.clear or 0.0,
        in_force_since=progress.since or 0.0,
        confirmed=progress.confirmed,
        applied=progress.applied,
        healthy=progress.healthy_seconds or 0.0,
        fingerprint=progress.evidence,
        paused=progress.paused,
        approved=progress.approved,
        promoted=progress.promoted,
        completed=progress.completed,
        announced=progress.announced,
        waiting=None if status.waiting is None else NamedRevision(**dict(status.waiting)),
        cleared=progress.cleared,
        cleared_at=progress.cleared_at or 0.0,
        verbs={found.verb: Heard(found.value, found.id, found.at or 0.0) for found in status.verbs},
        runs=tuple(_run(run) for run in status.stages),
        history=tuple(Transition(**dict(transition)) for transition in status.history),
        serial=_last_told(status) if status.serial is None else status.serial,
    )


def _last_told(status: Status) -> int:
    """The number of the last transition, where it was not understood itself: what comes is told as later than that."""
    return max((transition.serial for transition in status.history), default=0)


def _run(run: StageStatus) -> StageRun:
    known = run.outcome in RunOutcome.__members__.values()
    return StageRun(
        name=run.name,
        percentage=run.percentage,
        entered=run.entered,
        left=run.left,
        outcome=RunOutcome(run.outcome) if known else RunOutcome.RUNNING,
    )
