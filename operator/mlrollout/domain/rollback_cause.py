"""What takes traffic to zero, and what is worth an alert. None of it waits for anything."""

from collections.abc import Iterator, Mapping

from mlrollout.api.duration import render
from mlrollout.api.guardrail import Action, MissingAction
from mlrollout.api.spec import AfterCompletion, Spec
from mlrollout.evidence.measurement import Held

from .decision import Alert, Observation
from .gate import overdue
from .partial import UNGUARDED_FOR
from .reason import Reason
from .record import Cause
from .state import Phase, State
from .traffic import Traffic

Why = tuple[Reason, str]
"""The reason, and the explanation for people."""

_LACKS: Mapping[Held | None, str] = {
    None: "without evidence",
    Held.FEW: "outside its limits on too few samples",
    Held.UNCOUNTED: "outside its limits on samples that can't be counted",
}


def rollback_cause(spec: Spec, observation: Observation, state: State, now: float) -> Cause | None:
    """Why this attempt must be rolled back now; `None` if it need not."""
    why = _why(spec, observation, state, now)
    return None if why is None else Cause(*why, at=now)


def _why(spec: Spec, observation: Observation, state: State, now: float) -> Why | None:
    if state.phase is Phase.ROLLED_BACK:
        return None
    stop = _emergency_stop(observation.traffic, state)
    if stop is not None:
        return stop
    if not guarded(spec, state) or not (state.record.percentage or state.applied):
        return None
    if not state.record.entered:
        return None  # it has had no user yet: what is in force, and on its way down, is the attempt before it
    if observation.unguarded:
        return Reason.INVALID_SPEC, (
            f"nothing that can be understood and asked has guarded this traffic for {render(UNGUARDED_FOR)}: "
            f"{observation.unguarded}"
        )
    return next(_breaches(spec, observation, state), None) or next(_policies(spec, observation, state, now), None)


def guarded(spec: Spec, state: State) -> bool:
    """Whether guardrails still count: always, but after completion where the user said to stop."""
    return not (state.phase is Phase.COMPLETED and spec.after_completion is AfterCompletion.STOP)


def _emergency_stop(traffic: Traffic | None, state: State) -> Why | None:
    """A key below its record means that somebody pressed the button, with nothing but Redis."""
    if traffic is None or traffic.unreadable:
        return None
    if traffic.record is not None:
        pressed = traffic.stopped and traffic.record.owner == state.record.owner
        limit = traffic.record.percentage
    else:
        pressed = traffic.key is not None and (traffic.percentage or 0) < state.applied
        limit = state.applied
    if not pressed:
        return None
    found = "was deleted" if traffic.key is None else f"was set to {traffic.key[:32]!r}"
    return (
        Reason.EMERGENCY_STOP,
        f"the key {found} by hand, below the record's {limit}; to begin again, annotate mlrollout.dev/retry",
    )


def _breaches(spec: Spec, observation: Observation, state: State) -> Iterator[Why]:
    for guardrail in spec.guardrails:
        measured = observation.measurements.get(guardrail.name)
        if guardrail.action is Action.ROLLBACK and measured is not None and measured.guardrail == guardrail:
            last = measured.breach(state.measurements_from, state.evidence_from)
            if last is not None:
                yield Reason.GUARDRAIL_BREACHED, f"guardrail {guardrail.name}: {last.message}"


def _policies(spec: Spec, observation: Observation, state: State, now: float) -> Iterator[Why]:
    for guardrail in spec.guardrails:
        measured = observation.measurements.get(guardrail.name)
        policy = None if measured is None else overdue(guardrail, measured, state, now)
        if measured is None or measured.last is None or policy is None or policy.action is not MissingAction.ROLLBACK:
            continue
        what = _LACKS[measured.last.held]
        yield (
            Reason.EVIDENCE_MISSING,
            f"guardrail {guardrail.name} {what} for {render(policy.after)}: {measured.last.message}",
        )


def evidence_alerts(spec: Spec, observation: Observation, state: State, now: float) -> Iterator[Alert]:
    """Breaches that do not roll back, and evidence that has been missing for long."""
    if state.phase is Phase.ROLLED_BACK or not guarded(spec, state):
        return
    for guardrail in spec.guardrails:
        measured = observation.measurements.get(guardrail.name)
        if measured is None or measured.last is None or measured.guardrail != guardrail:
            continue
        last = (
            None
            if guardrail.action is Action.ROLLBACK
            else measured.breach(state.measurements_from, state.evidence_from)
        )
        if last is not None:
            does = "holds the rollout" if guardrail.gates else "alerts only"
            yield Alert(Reason.GUARDRAIL_ALERT, guardrail.name, f"guardrail {guardrail.name} ({does}): {last.message}")
        if overdue(guardrail, measured, state, now):
            yield Alert(Reason.EVIDENCE_MISSING, guardrail.name, f"guardrail {guardrail.name}: {measured.last.message}")
