"""Which stage a record stands in, and what a changed spec makes of it."""

from dataclasses import replace

from mlrollout.api.spec import Spec, Stage

from .record import Record
from .state import Reason, RunOutcome, State


def current(spec: Spec, record: Record) -> Stage | None:
    """The record's stage; `None` before the first and where the spec no longer has it."""
    return next((stage for stage in spec.stages if stage.name == record.stage), None)


def following(spec: Spec, record: Record) -> Stage | None:
    """The stage that comes next; `None` after the last."""
    if not record.stage:
        return spec.stages[0]
    names = [stage.name for stage in spec.stages]
    after = names.index(record.stage) + 1
    return spec.stages[after] if after < len(names) else None


def first(spec: Spec, record: Record) -> bool:
    """Whether the record stands in the first stage, which is entered on the user's word."""
    return record.stage == spec.stages[0].name


def follow(spec: Spec, state: State, now: float) -> State:
    """The state under a spec that may have changed in the middle of a stage.

    A change never raises by itself, but for the percentage of the first stage, which is the user's
    word: the rollout stands in its stage where that asks for no more than it had, otherwise in the
    last stage that does. Guardrails that changed have to be passed for the whole duration again.
    """
    record = state.record
    if record.latched:
        return state
    if state.guards != spec.fingerprint:
        state = replace(state, guards=spec.fingerprint)
        if state.healthy and not state.completed:
            state = replace(state, healthy=0.0, counted=None)
            state = state.tell(now, Reason.EVIDENCE_RESTARTED, "the guardrails changed: the stage's time begins again")
    if not record.stage:
        return state
    stage = _position(spec, record)
    name, percentage = (stage.name, stage.percentage) if stage is not None else ("", 0)
    if (name, percentage) == (record.stage, record.percentage):
        return replace(state, completed=False) if state.completed and following(spec, record) is not None else state
    return _move(state, name, percentage, now)


def _position(spec: Spec, record: Record) -> Stage | None:
    own = current(spec, record)
    if own is not None and (own.percentage <= record.percentage or first(spec, record)):
        return own
    below = [stage for stage in spec.stages if stage.percentage <= record.percentage]
    return below[-1] if below else None


def _move(state: State, name: str, percentage: int, now: float) -> State:
    before = state.record
    state = state.leave(now, RunOutcome.SUPERSEDED)
    state = replace(
        state,
        record=replace(before, sequence=before.sequence + 1, stage=name, percentage=percentage),
        confirmed=False,
        healthy=0.0,
        counted=None,
        approved="",
        promoted="",
        completed=False,
    )
    where = f"stage {name} at {percentage} %" if name else "before the first stage, at 0 %"
    message = f"spec.stages changed: from stage {before.stage} at {before.percentage} % to {where}"
    return (state.enter(now) if name else state).tell(now, Reason.STAGE_CHANGED, message)
