"""Revisions that a source names: which of them shall be rolled out, and which waits for a person. Pure."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from mlrollout.api import moment
from mlrollout.api.approval import Approval
from mlrollout.api.spec import Spec

from .reason import Reason
from .state import NamedRevision, Phase, State

if TYPE_CHECKING:
    from .decision import Observation


def noted(spec: Spec, state: State, observation: "Observation") -> State:
    """The state with what its source names, as far as that waits for a person."""
    source, found = spec.revision_from, observation.named
    if source is None:
        return replace(state, waiting=None, cleared="") if state.waiting or state.cleared else state
    if found is None:
        return state  # nothing is known, so nothing changes
    news = found.revision != state.record.revision
    # Of what is named in between, a person has said nothing.
    cleared = state.cleared if news and found.revision == state.cleared else ""
    waits = news and source.approval is Approval.MANUAL and not cleared
    return replace(state, waiting=found if waits else None, cleared=cleared)


def effective(spec: Spec, state: State | None, observation: "Observation") -> Spec | None:
    """The spec with the revision that shall be rolled out; `None` where there is none yet.

    What stands goes on while nothing is named, whatever the cause: no attempt begins without a version that the source
    named. What was named and rolled back is still what it names, and is not tried again.
    """
    if spec.revision or spec.revision_from is None:
        return spec
    found = observation.named.revision if observation.named is not None else ""
    if state is not None:
        found = state.record.revision if state.waiting is not None else found or state.cleared or state.record.revision
    return spec.model_copy(update={"revision": found}) if found else None


def approved(state: State, waits: NamedRevision, now: float, why: str) -> State:
    """The state once a person has said that what waits may begin."""
    state = replace(state, waiting=None, cleared=waits.revision)
    return state.with_transition(now, Reason.APPROVED, f"revision {waits.revision} may begin: {why}")


def is_meant(waits: NamedRevision, why: str) -> bool:
    """Whether a person's word begins with the revision that waits."""
    return f"{why} ".startswith(f"{waits.revision} ")


def told(spec: Spec, observation: "Observation", state: State, now: float) -> State:
    """The state that tells where the revision of its new attempt comes from."""
    if spec.revision_from is None:
        return state
    message = f"{spec.revision_from.where} names revision {state.record.revision}"
    named = observation.named
    origin = _origin(named) if named is not None and named.revision == state.record.revision else ""
    return state.with_transition(now, Reason.REVISION_FOUND, message + origin)


def announced(spec: Spec, observation: "Observation", state: State, now: float) -> State:
    """The state that tells that its source knows of the completion, once it does."""
    alias = completion_alias(spec)
    known = alias and observation.announced == state.record.revision
    if not known or state.announced or state.phase is not Phase.COMPLETED:
        return state
    message = f"{alias} is revision {state.record.revision} now"
    return replace(state, announced=True).with_transition(now, Reason.ALIAS_SET, message)


def completion_alias(spec: Spec) -> str:
    """The alias that is set once a rollout is complete; empty for none."""
    mlflow = spec.revision_from.mlflow if spec.revision_from is not None else None
    return mlflow.on_completion or "" if mlflow is not None else ""


def waits(state: State) -> Iterator[str]:
    """What a person is told about a revision that waits."""
    if state.waiting is not None:
        revision = state.waiting.revision
        yield (
            f"revision {revision}{_origin(state.waiting)} waits for a person: "
            f'annotate mlrollout.dev/approve="{revision} why"'
        )


def _origin(named: NamedRevision) -> str:
    """Who brought it there and when, as far as that is known."""
    by = f" by {named.by}" if named.by else ""
    at = f" at {moment.to_second(named.at)}" if named.at is not None else ""
    return f", brought there{by}{at}" if by or at else ""
