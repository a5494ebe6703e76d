"""What a process goes on from where another has written the status, too: its own state, merged with the saved one."""

from dataclasses import replace

from .latch import CAUSES
from .reason import Reason
from .request import Verb
from .state import HISTORY, State, Transition

_ROUNDED = 0.001
"""Seconds of healthy time that may be gained by writing it into a status and reading it back."""


def merge(working: State | None, loaded: State | None) -> State | None:
    """What this process goes on from, given its own state and the one that stands in the status.

    What stands in the status wins, but for a way down that is not saved yet. An intent to raise that
    was not saved is dropped: it is decided again, on the object as it is now.
    """
    if working is None or loaded is None:
        return loaded or working
    mine, theirs = working.record, loaded.record
    # Up only from the status: an intent of ours that was not saved is not even remembered (invariant 5).
    if mine.rank > theirs.rank and (mine.attempt > theirs.attempt or mine.percentage <= theirs.percentage):
        return _told_after(working, loaded)
    if mine.rank != theirs.rank or working.fingerprint != loaded.fingerprint:
        return loaded
    if _restarts(loaded) - _restarts(working):
        return replace(loaded, healthy_until=None)  # the guardrails were others meanwhile, and ours is of before that
    if loaded.healthy > working.healthy + _ROUNDED:
        return replace(loaded, healthy_until=None)  # another process counted this time; ours would count it again
    return replace(loaded, healthy=working.healthy, healthy_until=working.healthy_until)


ANSWERED_AGAIN = frozenset({Reason.RESUMED, Reason.PAUSED, Reason.APPROVED, Reason.PROMOTED, Reason.VERB_REFUSED})
"""Answers that count only once they are saved: the request still stands, unless another process has answered it."""
ANSWERED_BY_RECORD = {
    Reason.MANUAL_ROLLBACK: Verb.ROLLBACK,
    Reason.RETRIED: Verb.RETRY,
    Reason.DEMOTED: Verb.DEMOTE,
}
"""Answers that have changed the record, which may stand in Redis already."""
_ENDS = CAUSES | {Reason.ROLLED_BACK}
"""What tells of a rollback."""


def _told_after(working: State, loaded: State) -> State:
    """A way down that is not saved yet, with what another process has saved meanwhile.

    What was seen of an attempt before the saved one is told no more: whoever began the next has told how it ended, and
    one that heard a rollback and was deaf since would tell of it a second time, when it is long over. Nor is a rollback
    told that another process has told of: an attempt ends once, for the cause that was told.
    """
    ended = {transition.attempt for transition in loaded.history if transition.reason == Reason.ROLLED_BACK}
    if working.record.ordinal in ended:
        working = replace(working, record=replace(working.record, cause=loaded.record.cause))
    saved = {_mark(transition) for transition in loaded.history}
    since = loaded.history[0].serial if loaded.history else 0
    unsaved = [
        transition
        for transition in working.history
        if transition.serial >= since
        and transition.attempt >= loaded.record.ordinal
        and not (transition.attempt in ended and transition.reason in _ENDS)
        and _mark(transition) not in saved
        and transition.reason not in ANSWERED_AGAIN
    ]
    answered = {
        verb for transition in unsaved for reason, verb in ANSWERED_BY_RECORD.items() if transition.reason == reason
    }
    if working.cause == Reason.MANUAL_ROLLBACK:
        answered.add(Verb.ROLLBACK)  # told of once Redis is seen to hold it
    marks = {verb: mark for verb, mark in working.verbs.items() if verb in answered}
    numbered = (
        replace(transition, serial=serial) for serial, transition in enumerate(unsaved, start=loaded.serial + 1)
    )
    return replace(
        working,
        # Users of an earlier attempt that another process has seen and ended are evidence of nothing here either.
        evidence_from=max(working.evidence_from, loaded.evidence_from),
        paused=loaded.paused,
        waiting=loaded.waiting,
        cleared=loaded.cleared,
        cleared_at=loaded.cleared_at,
        verbs={**loaded.verbs, **marks},
        history=(*loaded.history, *numbered)[-HISTORY:],
        serial=loaded.serial + len(unsaved),
    )


def _restarts(state: State) -> set[tuple[int, str, int]]:
    return {_mark(transition) for transition in state.history if transition.reason == Reason.EVIDENCE_RESTARTED}


def _mark(transition: Transition) -> tuple[int, str, int]:
    """What tells a transition from others; a status holds its time to the millisecond."""
    return transition.serial, transition.reason, round(transition.at * 1000)
