"""What a person asks for by an annotation: heard once, answered in the history."""

import re
from collections.abc import Callable
from dataclasses import replace

from mlrollout.api.spec import Approval, Spec, Stage

from .attempt import renew
from .latch import latch
from .record import Cause
from .stages import current, following, move
from .state import Reason, Seen, State, Verb

_AT_MOST = re.compile(r"(100|[0-9]{1,2})(?:\s*%)?(?:\s+(.*))?", re.DOTALL)


def hear(spec: Spec, seen: Seen, state: State, now: float) -> State:
    """The state after the verbs that have not been acted on yet.

    A verb acted on stays in `state.verbs` until its annotation is seen to be gone, so that neither a
    restart nor a second operator acts on it twice.
    """
    asked = {verb: seen.verbs[verb] for verb in Verb if verb in seen.verbs}
    fresh = {verb: why for verb, why in asked.items() if state.verbs.get(verb) != why}
    if dict(state.verbs) != asked:
        state = replace(state, verbs={str(verb): why for verb, why in asked.items()})
    overruled = Verb.ROLLBACK in fresh
    for verb, why in fresh.items():
        reason = why.strip()[:256] or "no reason given"
        if overruled and verb is not Verb.ROLLBACK:
            state = _refuse(state, now, verb, "a rollback was asked for as well, and it outranks every other verb")
        else:
            state = _ANSWERS[verb](spec, seen, state, now, reason)
    return state


def _refuse(state: State, now: float, verb: Verb, because: str) -> State:
    return state.tell(now, Reason.VERB_REFUSED, f"{verb}: {because}", warning=True)


def _rollback(_spec: Spec, _seen: Seen, state: State, now: float, why: str) -> State:
    cause = Cause(Reason.MANUAL_ROLLBACK, f"asked for by annotation: {why}", now)
    found = state.record.cause
    if found is not None and (found.reason, found.message) == (cause.reason, cause.message):
        return state  # another replica heard it first
    if state.record.latched:
        return _refuse(state, now, Verb.ROLLBACK, f"this attempt is rolled back already ({why})")
    return latch(state, now, cause)


def _retry(spec: Spec, seen: Seen, state: State, now: float, why: str) -> State:
    if not state.record.latched:
        return _refuse(state, now, Verb.RETRY, "this attempt is not rolled back; there is nothing to begin again")
    return renew(state.tell(now, Reason.RETRIED, why), spec, seen, now)


def _resume(spec: Spec, _seen: Seen, state: State, now: float, why: str) -> State:
    if spec.paused:
        state = replace(state, paused=False)
        return _refuse(state, now, Verb.RESUME, "spec.paused is true and keeps the rollout paused; set it to false")
    if not state.paused:
        return _refuse(state, now, Verb.RESUME, "the rollout is not paused")
    return replace(state, paused=False).tell(now, Reason.RESUMED, why)


def _pause(_spec: Spec, _seen: Seen, state: State, now: float, why: str) -> State:
    if state.paused:
        return _refuse(state, now, Verb.PAUSE, "the rollout is paused already")
    return replace(state, paused=True).tell(now, Reason.PAUSED, why)


def _approve(spec: Spec, _seen: Seen, state: State, now: float, why: str) -> State:
    stage = _next(spec, state)
    if stage is None:
        return _refuse(state, now, Verb.APPROVE, "there is no further stage in this attempt")
    if stage.approval is not Approval.MANUAL:
        return _refuse(state, now, Verb.APPROVE, f"the next stage, {stage.name}, needs no approval")
    return replace(state, approved=stage.name).tell(now, Reason.APPROVED, f"stage {stage.name}: {why}")


def _promote(spec: Spec, _seen: Seen, state: State, now: float, why: str) -> State:
    stage = current(spec, state.record)
    if state.record.latched or state.completed or stage is None:
        where = "the attempt is rolled back" if state.record.latched else "no stage is under way"
        return _refuse(state, now, Verb.PROMOTE, where)
    after = _next(spec, state)
    state = replace(state, promoted=stage.name, approved=after.name if after is not None else state.approved)
    return state.tell(now, Reason.PROMOTED, f"stage {stage.name} may be left once every guardrail passes: {why}")


def _demote(spec: Spec, _seen: Seen, state: State, now: float, value: str) -> State:
    """Back to an earlier stage; the value is the percentage it may have at most, and why."""
    asked, record = _AT_MOST.fullmatch(value), state.record
    if asked is None:
        example = f'annotate mlrollout.dev/{Verb.DEMOTE}="10 too many complaints"'
        return _refuse(state, now, Verb.DEMOTE, f"it must say to how many per cent at most, and why: {example}")
    most, why = int(asked[1]), asked[2] or "no reason given"
    if record.latched or not record.stage:
        where = "the attempt is rolled back" if record.latched else "no stage is under way"
        return _refuse(state, now, Verb.DEMOTE, where)
    if most >= record.percentage:
        return _refuse(state, now, Verb.DEMOTE, f"{record.percentage} % is no more than {most} % already")
    below = [stage for stage in spec.stages if stage.percentage <= most]
    if not below:
        lowest = f"no stage asks for {most} % or less; to take traffic to 0 %, annotate mlrollout.dev/{Verb.ROLLBACK}"
        return _refuse(state, now, Verb.DEMOTE, lowest)
    message = f"{record.percentage} % -> {below[-1].percentage} %, back to stage {below[-1].name}: {why}"
    return move(state, below[-1], now).tell(now, Reason.DEMOTED, message)


def _next(spec: Spec, state: State) -> Stage | None:
    return None if state.record.latched else following(spec, state.record)


_ANSWERS: dict[Verb, Callable[[Spec, Seen, State, float, str], State]] = {
    Verb.ROLLBACK: _rollback,
    Verb.RETRY: _retry,
    Verb.RESUME: _resume,
    Verb.APPROVE: _approve,
    Verb.PROMOTE: _promote,
    Verb.DEMOTE: _demote,
    Verb.PAUSE: _pause,
}
