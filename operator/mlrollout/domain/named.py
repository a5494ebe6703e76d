"""Revisions that a source names: which of them shall be rolled out, and which waits for a person. Pure."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace

from mlrollout.api import moment
from mlrollout.api.approval import Approval
from mlrollout.api.spec import Spec

from .decision import Observation
from .reason import Reason
from .state import NamedRevision, Phase, State

_ROUNDED = 0.001
"""Seconds by which a moment may have grown in the status."""
_PLAIN = re.compile(r"[\w.@:/+-]+")


def noted(spec: Spec, state: State, observation: Observation) -> State:
    """The state with what its source names, as far as that waits for a person."""
    source, found = spec.revision_from, observation.named
    if source is None:
        return replace(state, waiting=None, cleared="", cleared_at=0.0) if state.waiting or state.cleared else state
    if found is None or _asks_again(state, observation):
        return state  # nothing is known, so nothing changes
    news = found.revision != state.record.revision
    # Of what is named in between, a person has said nothing.
    cleared = state.cleared if news and found.revision == state.cleared else ""
    # A registry does not take from users what a person has paused.
    waits = news and (_paused(spec, state) or (source.approval is Approval.MANUAL and not cleared))
    cleared_at = state.cleared_at if cleared else 0.0
    return replace(state, waiting=found if waits else None, cleared=cleared, cleared_at=cleared_at)


def _paused(spec: Spec, state: State) -> bool:
    return spec.paused or state.paused


def effective(spec: Spec, state: State | None, observation: Observation) -> Spec | None:
    """The spec with the revision that shall be rolled out; `None` where there is none yet.

    What stands goes on while nothing is named, whatever the cause: no attempt begins without a version that the source
    named. What was named and rolled back is still what it names, and is not tried again.
    """
    if spec.revision or spec.revision_from is None:
        return spec
    found = observation.named.revision if observation.named is not None else ""
    if state is not None and (not found or state.waiting is not None or _asks_again(state, observation)):
        found = state.record.revision
    return spec.model_copy(update={"revision": found}) if found else None


def _asks_again(state: State, observation: Observation) -> bool:
    """Whether the attempt, or a person's word, is newer than what the source said: it may name another by now.

    For a moment two may believe that they lead, and each would take back what the other has begun by a later answer.
    """
    return observation.asked + _ROUNDED < max(state.measurements_from, state.cleared_at if state.cleared else 0.0)


def approved(state: State, waits: NamedRevision, now: float, why: str) -> State:
    """The state once a person has said that what waits may begin."""
    state = replace(state, waiting=None, cleared=waits.revision, cleared_at=now)
    return state.with_transition(now, Reason.APPROVED, f"revision {waits.revision} may begin: {why}")


def is_meant(waits: NamedRevision, why: str, *, alone: bool) -> bool:
    """Whether a person's word begins with the revision that waits.

    Args:
        waits: The revision.
        why: What the person said.
        alone: Whether nothing else waits that it could be about: many a reason begins with a number.
    """
    words = f"{why} "
    return words.startswith(f"revision {waits.revision} ") or (alone and words.startswith(f"{waits.revision} "))


def told(spec: Spec, observation: Observation, state: State, now: float) -> State:
    """The state that tells where the revision of its new attempt comes from."""
    if spec.revision_from is None:
        return state
    message = f"{spec.revision_from.where} names revision {_quoted(state.record.revision)}"
    named = observation.named
    origin = _origin(named) if named is not None and named.revision == state.record.revision else ""
    return state.with_transition(now, Reason.REVISION_FOUND, message + origin)


def announced(spec: Spec, observation: Observation, state: State, now: float) -> State:
    """The state that tells that its source knows of the completion, once it does."""
    alias = completion_alias(spec)
    known = alias and observation.announced == state.record.attempt
    if not known or state.announced or state.phase is not Phase.COMPLETED:
        return state
    message = f"{alias} is revision {state.record.revision} now"
    return replace(state, announced=True).with_transition(now, Reason.ALIAS_SET, message)


def completion_alias(spec: Spec) -> str:
    """The alias that is set once a rollout is complete; empty for none."""
    mlflow = spec.revision_from.mlflow if spec.revision_from is not None else None
    return mlflow.on_completion or "" if mlflow is not None else ""


def unknown(spec: Spec, observation: Observation) -> str:
    """What a person is told of an object that has no revision yet."""
    where = spec.revision_from.where if spec.revision_from is not None else "its source"
    return observation.unnamed or f"{where} has not said yet which revision shall be rolled out"


def waits(spec: Spec, state: State) -> Iterator[str]:
    """What a person is told about a revision that waits."""
    if state.waiting is None:
        return
    revision = state.waiting.revision
    about = f"revision {_quoted(revision)}{_origin(state.waiting)} waits"
    if _paused(spec, state):
        yield f"{about} while the rollout is paused"
    else:
        yield f'{about} for a person: annotate mlrollout.dev/approve="{revision} why"'


def _origin(named: NamedRevision) -> str:
    """By whom it is and of when, as far as that is known."""
    by = f"by {_quoted(named.by)}" if named.by else ""
    at = moment.to_second(named.at) if named.at is not None else ""
    return f" ({', '.join(filter(None, (by, at)))})" if by or at else ""


def _quoted(text: str) -> str:
    """What a stranger may have written, so that nobody takes it for the operator's own words."""
    return text if _PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)
