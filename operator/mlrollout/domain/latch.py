"""The latch of a rollback: how it is set, and how it is told of.

It is told of where Redis is seen to hold it, and not before: so nothing is told that never came to stand, and of
several replicas that see a breach, the record that stands says what is told, whoever leads.
"""

from dataclasses import replace

from .reason import Reason
from .record import Cause, Record
from .state import Phase, RunOutcome, StageRun, State

CAUSES = frozenset(
    {
        Reason.GUARDRAIL_BREACHED,
        Reason.EVIDENCE_MISSING,
        Reason.INVALID_SPEC,
        Reason.MANUAL_ROLLBACK,
        Reason.EMERGENCY_STOP,
    }
)
"""Why an attempt is taken to zero. A cause and its rollback are two transitions, and one piece of news."""


def latch(state: State, now: float, cause: Cause) -> State:
    """The state after a rollback: at 0 %, and latched there for the rest of the attempt."""
    before = state.record
    record = replace(before, latched=True, sequence=before.next_sequence, percentage=0, stage="", cause=cause)
    return state.leave(now, RunOutcome.ROLLED_BACK).at(record)


def landed(state: State, found: Record, now: float) -> State:
    """The state where Redis holds its record: if that is a rollback, the history tells of it from now on.

    Args:
        state: Where the rollout stands.
        found: The record in Redis; it may be another replica's, latched for another cause.
        now: Seconds since the epoch.
    """
    if state.confirmed or state.phase is not Phase.ROLLED_BACK:
        return state
    mine = state.record.cause
    if mine is not None and _tells(state, mine):
        return state  # Redis lost it, and whoever ended its users again had another cause
    state = replace(state, record=replace(state.record, cause=found.cause or mine))
    if not untold(state):
        return forestalled(state, mine, now)
    left = _left(state)
    step = "stays at 0 %" if left is None else f"{left.percentage} % -> 0 %"
    state = _tell_cause(state, now).with_transition(
        now, Reason.ROLLED_BACK, f"{step}: {state.explanation}", warning=True
    )
    return forestalled(state, mine, now)


def forestalled(state: State, mine: Cause | None, now: float) -> State:
    """Who asked for this rollback and came second hears it: no request stays without an answer.

    Args:
        state: Where the rollout stands, by the rollback that came first.
        mine: Why this process had rolled it back.
        now: Seconds since the epoch.
    """
    if mine is None or mine.reason != Reason.MANUAL_ROLLBACK or state.explanation == mine.message:
        return state
    if _tells(state, mine):
        return state
    message = f"a rollback {mine.message}: this attempt was rolled back before that"
    return state.with_transition(now, Reason.VERB_REFUSED, message, warning=True)


def never_landed(state: State, now: float) -> State:
    """The state before another attempt: of a rollback that Redis never held, at least the cause is told."""
    return _tell_cause(state, now) if untold(state) and not state.confirmed else state


def untold(state: State) -> bool:
    """Whether the attempt was rolled back for a cause that is known and that the history does not tell."""
    attempt = state.record.ordinal
    return state.cause not in ("", Reason.ROLLED_BACK) and not any(
        transition.reason == Reason.ROLLED_BACK and transition.attempt == attempt for transition in state.history
    )


def _tells(state: State, cause: Cause) -> bool:
    """Whether the history tells that this attempt was rolled back for that cause."""
    told = (cause.reason, cause.message, state.record.ordinal)
    return any((one.reason, one.message, one.attempt) == told for one in state.history)


def _tell_cause(state: State, now: float) -> State:
    """The cause in the history, in the stage that it ended and at the time when it was seen."""
    left, record = _left(state), state.record
    seen = record.cause.at if record.cause is not None else 0.0
    last = state.history[-1].at if state.history else 0.0
    if left is not None:
        state = replace(state, record=replace(record, stage=left.name, percentage=left.percentage))
    state = state.with_transition(max(last, min(seen or now, now)), state.cause, state.explanation, warning=True)
    return replace(state, record=record)


def _left(state: State) -> StageRun | None:
    """The stage whose traffic the rollback took; `None` where there was none.

    The last stage was passed already where the rollout was complete, and its users lose it all the same.
    """
    last = state.runs[-1] if state.runs else None
    return last if last is not None and last.outcome in (RunOutcome.ROLLED_BACK, RunOutcome.PASSED) else None
