"""Earning the next stage: healthy time, requirements, approval."""

from dataclasses import dataclass, replace

from mlrollout.api.approval import Approval
from mlrollout.api.duration import render, rough
from mlrollout.api.spec import Spec, Stage

from .decision import Blocker, Blockers, Observation
from .gate import (
    evidence_max_age,
    first_stage_blockers,
    gates,
    promotion_blockers,
    proven_safe,
    requirement_blockers,
)
from .reason import Reason
from .stages import current, following
from .state import Phase, RunOutcome, State


@dataclass(frozen=True, slots=True)
class Progressed:
    """The state after a step, and everything that keeps it from the next one."""

    state: State
    blockers: Blockers = ()
    again: float | None = None


def progress(spec: Spec, observation: Observation, state: State, now: float, pause: Blockers) -> Progressed:
    """One step towards the next stage; Redis holds the state's record."""
    stage = current(spec, state.record)
    if stage is None:
        return _enter_first(spec, observation, state, now, pause)
    missing = promotion_blockers(spec, state.in_force_since, observation.measurements, now)
    state = replace(state, healthy_until=None) if missing or pause else _count(spec, observation, state, stage, now)
    if state.phase is Phase.COMPLETED:
        return Progressed(state)
    rest = _rest(spec, observation, state, stage, now)
    served = rest <= 0 or state.promoted == stage.name
    unmet = requirement_blockers(stage, state.in_force_since, spec, observation.measurements, now) if served else ()
    if missing or pause:
        bad = unmet or any(blocker.reason is Reason.GUARDRAILS_UNHEALTHY for blocker in missing)
        return Progressed(state, (*pause, *missing, *(_outstanding(spec, state) if served and not bad else ())))
    # Up only once the stage has served its time, or a person says so (invariant 1).
    if not served:
        serves = Blocker(Reason.PROGRESSING, f"healthy for {rough(state.healthy)} of {render(stage.duration)}")
        return Progressed(state, (serves,), now + rest)
    if unmet:
        return Progressed(state, unmet)
    return _advance(spec, observation, state, stage, now)


def _rest(spec: Spec, observation: Observation, state: State, stage: Stage, now: float) -> float:
    """Seconds of healthy time that are still to be served."""
    early = stage.early is not None and proven_safe(spec, state.in_force_since, observation.measurements, now)
    # Up before the whole time is served only on proof, and never before the time that the user set (invariant 1).
    wanted = min(stage.early.after, stage.duration) if early and stage.early is not None else stage.duration
    return wanted - state.healthy


def _count(spec: Spec, observation: Observation, state: State, stage: Stage, now: float) -> State:
    """Add the time since evidence was last good, as far as it was good all along; no more than the stage asks for."""
    # A gap longer than evidence keeps is time in which nobody looked, and no healthy time (invariant 10).
    gap = 0.0 if state.healthy_until is None else now - state.healthy_until
    passing = now - max(observation.measurements[guardrail.name].passing_since for guardrail in gates(spec))
    gained = min(gap, passing) if 0 <= gap <= evidence_max_age(spec) else 0.0
    return replace(state, healthy=min(state.healthy + gained, stage.duration), healthy_until=now)


def _enter_first(spec: Spec, observation: Observation, state: State, now: float, pause: Blockers) -> Progressed:
    stage = spec.stages[0]
    clear = max(state.evidence_from, observation.others_until)
    missing = (
        *pause,
        *first_stage_blockers(spec, clear, observation.measurements, now),
        *_approval(stage, state),
    )
    if missing:
        return Progressed(state, missing)
    state = replace(state, measurements_from=now)
    return Progressed(_enter(state, stage, now, f"revision {state.record.revision} begins at {stage.percentage} %"))


def _advance(spec: Spec, observation: Observation, state: State, stage: Stage, now: float) -> Progressed:
    after = following(spec, state.record)
    served = f"stage {stage.name} was healthy for {rough(state.healthy)}; {_evidence(spec, observation)}"
    if after is None:
        state = replace(state.leave(now, RunOutcome.PASSED), completed=True, healthy_until=None)
        return Progressed(state.with_transition(now, Reason.COMPLETED, f"complete at {stage.percentage} %: {served}"))
    missing = _approval(after, state)
    if missing:
        return Progressed(state, missing)
    state = state.leave(now, RunOutcome.PASSED)
    return Progressed(_enter(state, after, now, f"{stage.percentage} % -> {after.percentage} %: {served}"))


def _evidence(spec: Spec, observation: Observation) -> str:
    """The last look of every guardrail, for the history."""
    latest = ((guardrail.name, observation.measurements[guardrail.name].last) for guardrail in gates(spec))
    return "; ".join(f"{name}: {last.message}" for name, last in latest if last is not None)


def _approval(stage: Stage, state: State) -> Blockers:
    """The word that a person still has to say."""
    # Up only with the word of a person, where the stage asks for one.
    if stage.approval is not Approval.MANUAL or state.approved == stage.name:
        return ()
    message = f"stage {stage.name} at {stage.percentage} % waits for a person: annotate mlrollout.dev/approve"
    return (Blocker(Reason.AWAITING_APPROVAL, message),)


def _outstanding(spec: Spec, state: State) -> Blockers:
    """The word of a person that the next stage waits for, beside whatever else it does."""
    after = following(spec, state.record)
    return () if after is None else _approval(after, state)


def _enter(state: State, stage: Stage, now: float, message: str) -> State:
    """The intent to stand in a stage; Redis is raised once this is saved."""
    before = state.record
    record = replace(before, sequence=before.next_sequence, percentage=stage.percentage, stage=stage.name)
    state = state.at(record, approved=state.approved).enter(now)
    return state.with_transition(now, Reason.STAGE_ADVANCED, f"stage {stage.name}: {message}")
