"""What the operator would answer to a verb: tried on the object as it stands, by the functions that answer it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from mlrollout.api.spec import Spec
from mlrollout.api.status import Status

from .annotations import requests
from .decision import Observation
from .named import effective
from .persist import from_status
from .reason import Reason
from .request import Request, Verb
from .state import State
from .verb_plan import Refusal, rollback
from .verbs import NOTHING_BEGUN, answer

_UNKNOWN = "what comes of it can't be said beforehand, for the object's {} can't be read"


@dataclass(frozen=True, slots=True)
class Foretold:
    """What would come of a verb.

    Attributes:
        verb: The verb.
        value: What its annotation would say.
        means: What comes of it, for people.
        refused: Why it is not acted on; empty where it is.
    """

    verb: Verb
    value: str
    means: str = ""
    refused: str = ""


def foretell(found: Mapping[str, Any], verb: Verb, value: str, now: float) -> Foretold:
    """What would come of a verb.

    Args:
        found: The object, as the API server gives it.
        verb: The verb.
        value: What its annotation would say.
        now: Seconds since the epoch.
    """
    try:
        state = from_status(Status.model_validate(found.get("status") or {}))
    except ValidationError:
        return Foretold(verb, value, means=_UNKNOWN.format("status"))
    if state is None:
        return _before_anything(verb, value)
    try:
        spec = Spec.model_validate(found.get("spec") or {})
    except ValidationError:
        return Foretold(verb, value, means=_UNKNOWN.format("spec"))
    observation = Observation(state.record.owner, state.record.holder, verbs=requests(found.get("metadata") or {}))
    spec = effective(spec, state, observation) or spec
    answered = answer(verb, Request(value, ""), spec, observation, state, now)
    if isinstance(answered, Refusal):
        return Foretold(verb, value, refused=answered.because)
    return _told(verb, value, state, answered)


def offered(found: Mapping[str, Any], now: float) -> tuple[Foretold, ...]:
    """Every verb that would be acted on now, in the order in which they are heard."""
    tried = (foretell(found, verb, _example(found, verb), now) for verb in Verb)
    return tuple(one for one in tried if not one.refused)


def step_down(found: Mapping[str, Any]) -> int:
    """The percentage of the stage before the one that an object stands in; 0 where there is none."""
    standing = (found.get("status") or {}).get("percentage")
    stages = (found.get("spec") or {}).get("stages") or ()
    below = (stage.get("percentage") for stage in stages if isinstance(stage, Mapping))
    return max(
        (one for one in below if isinstance(one, int) and isinstance(standing, int) and one < standing), default=0
    )


def _example(found: Mapping[str, Any], verb: Verb) -> str:
    """A value with which the operator would act on a verb, if it does at all."""
    if verb is Verb.APPROVE:
        waiting = (found.get("status") or {}).get("waiting")
        return f"revision {waiting.get('revision', '')}" if isinstance(waiting, Mapping) else ""
    return str(step_down(found)) if verb is Verb.DEMOTE else ""


def _before_anything(verb: Verb, value: str) -> Foretold:
    if verb is Verb.ROLLBACK:
        return Foretold(verb, value, means="it does not begin until a retry or a new revision")
    return Foretold(verb, value, refused=NOTHING_BEGUN)


def _told(verb: Verb, value: str, before: State, after: State) -> Foretold:
    """What a state after a verb comes to, in the words of its history."""
    new = [transition for transition in after.history if transition.serial > before.serial]
    for transition in new:
        if transition.reason is Reason.VERB_REFUSED:
            return Foretold(verb, value, refused=transition.message.partition(" is refused: ")[2])
    means = rollback(value).means if verb is Verb.ROLLBACK else "; ".join(transition.message for transition in new)
    return Foretold(verb, value, means=means)
