"""Which stage a record stands in, and what a changed spec makes of it."""

from dataclasses import replace

from mlrollout.api.approval import Approval
from mlrollout.api.spec import Spec, Stage

from .reason import Reason
from .record import Record
from .state import Phase, RunOutcome, State


def current(spec: Spec, record: Record) -> Stage | None:
    """The record's stage; `None` before the first and where the spec no longer has it."""
    return next((stage for stage in spec.stages if stage.name == record.stage), None)


def following(spec: Spec, record: Record) -> Stage | None:
    """The stage that comes next; `None` after the last, and after one that the spec does not have."""
    if not record.stage:
        return spec.stages[0]
    names = [stage.name for stage in spec.stages]
    if record.stage not in names:
        return None  # what stands in Redis or in a status anybody may have written (invariant 2)
    after = names.index(record.stage) + 1
    return spec.stages[after] if after < len(names) else None


def last_stage_up_to(spec: Spec, percentage: int) -> Stage | None:
    """The last stage that asks for no more; `None` where every one asks for more."""
    return next((stage for stage in reversed(spec.stages) if stage.percentage <= percentage), None)


def first(spec: Spec, record: Record) -> bool:
    """Whether the record stands in the first stage, which is entered on the user's word."""
    return record.stage == spec.stages[0].name


def follow(spec: Spec, state: State, now: float) -> State:
    """The state under a spec that may have changed in the middle of a stage.

    A change never raises by itself, but for the percentage of the first stage, which is the user's
    word: the rollout stands in its stage where that asks for no more than is in force, otherwise in
    the last stage that does. Guardrails that changed have to be passed for the whole duration again.
    """
    record = state.record
    if state.phase is Phase.ROLLED_BACK:
        return state
    judged = state.fingerprint in spec.fingerprints  # which one stays in the status: an older operator may come back
    state = state if judged else _judge_anew(state, spec, now)
    if state.phase is Phase.BEFORE_FIRST_STAGE:
        return state
    stage = current(spec, record)
    if (
        stage is not None
        and stage.percentage == record.percentage
        and _needs_no_evidence(spec, state, stage, judged=judged)
    ):
        goes_on = state.phase is Phase.COMPLETED and following(spec, record) is not None
        return replace(state, completed=False) if goes_on else state
    return _moved(state, _position(spec, state), now)


def passes_over(spec: Spec, state: State) -> bool:
    """Whether a stage in which nothing is earned yet would be raised to from below the stage before it.

    Redis went back while it was announced. One that something was earned in has stood there, and may come back.
    """
    record = state.record
    # Up only by one stage at a time: a failover under an announced raise would pass over the stage before it.
    if state.healthy or state.healthy_until is not None or state.phase is Phase.COMPLETED or first(spec, record):
        return False
    return any(state.applied < stage.percentage < record.percentage for stage in spec.stages)


def fall_back(spec: Spec, state: State, now: float) -> State:
    """The state in the last stage that raises nothing, for Redis went back to before the one that was left."""
    state = move(state, _position(spec, state), now)
    message = f"Redis went back to {state.applied} %, before the stage that was left: on from {_where(state.record)}"
    return state.with_transition(now, Reason.STAGE_CHANGED, message, warning=True)


def _judge_anew(state: State, spec: Spec, now: float) -> State:
    earned = state.healthy and state.phase is not Phase.COMPLETED
    state = replace(state, fingerprint=spec.fingerprint, healthy_until=None)
    if not earned:
        return state
    message = "the guardrails changed: the stage's time begins again"
    return replace(state, healthy=0.0).with_transition(now, Reason.EVIDENCE_RESTARTED, message)


def _needs_no_evidence(spec: Spec, state: State, stage: Stage, *, judged: bool) -> bool:
    """Whether nothing is left to earn: a stage not in force yet needs the guardrails and the approval of today."""
    # Up only on what was earned under this spec: an edit while a raise is announced must not let it slip through.
    if stage.percentage <= state.applied or first(spec, state.record):
        return True
    return (
        judged
        and (stage.approval is Approval.AUTOMATIC or state.approved == stage.name)
        and _is_adjacent(spec, state, stage)
    )


def _is_adjacent(spec: Spec, state: State, stage: Stage) -> bool:
    """Whether no stage has been put between this one and the one that was left for it."""
    if len(state.runs) < 2:  # noqa: PLR2004 - the one that was left, and this one
        return True
    left = state.runs[-2].percentage
    return not any(left < other.percentage < stage.percentage for other in spec.stages)


def _position(spec: Spec, state: State) -> Stage | None:
    """The record's own stage if that raises nothing, or else the last that does not."""
    own, limit = current(spec, state.record), min(state.record.percentage, state.applied)
    if own is not None and (own.percentage <= limit or first(spec, state.record)):
        return own
    return last_stage_up_to(spec, limit)


def _moved(state: State, stage: Stage | None, now: float) -> State:
    before, state = state.record, move(state, stage, now)
    message = f"the spec changed: from {_where(before)} to {_where(state.record)}"
    return state.with_transition(now, Reason.STAGE_CHANGED, message)


def supersede(state: State, revision: str, now: float) -> State:
    """The state at 0 % before another revision begins: what one has earned is never another's, not for a moment."""
    before, state = state.record, move(state, None, now)
    message = f"revision {revision} is asked for: from {_where(before)} to {_where(state.record)}"
    return state.with_transition(now, Reason.STAGE_CHANGED, message)


def _where(record: Record) -> str:
    return f"stage {record.stage} at {record.percentage} %" if record.stage else "before the first stage, at 0 %"


def move(state: State, stage: Stage | None, now: float) -> State:
    """The state in another stage, or before the first, with nothing earned there."""
    before = state.record
    name, percentage = (stage.name, stage.percentage) if stage is not None else ("", 0)
    record = replace(before, sequence=before.next_sequence, stage=name, percentage=percentage)
    state = state.leave(now, RunOutcome.SUPERSEDED).at(record)
    return state.enter(now) if name else state
