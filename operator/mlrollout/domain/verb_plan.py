"""Which verb brings a rollout to a percentage, for whoever asks by percentage: over HTTP, or at a command line. Pure.

Nobody but the operator writes the percentage. What others want becomes a verb on the `MLRollout`, so that two of them
can't undo each other. `verbs.py` acts on a verb; this module knows beforehand which one will do, and what comes of it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from mlrollout.api.spec import Spec
from mlrollout.api.status import Status

from .persist import from_status
from .record import Record
from .request import Verb
from .stages import following, last_stage_up_to

_NEW = Record(attempt=0, latched=False, sequence=0, percentage=0)
_AT_MOST = re.compile(r"(100|[0-9]{1,2})(?: ?%)?(?: (.*))?")


@dataclass(frozen=True, slots=True)
class Act:
    """A verb to be asked for.

    Attributes:
        verb: The verb.
        value: What its annotation says.
        percentage: What is in force once the operator has acted on it.
        means: What comes of it, for people.
    """

    verb: Verb
    value: str
    percentage: int
    means: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why nothing can be asked for, as text for people.

    Attributes:
        because: What is in the way, and what to do about it.
        percentage: What is in force.
        percentages: What could be asked for instead; empty where the object can't be read, so that nobody knows.
    """

    because: str
    percentage: int = 0
    percentages: Sequence[int] = ()

    def __str__(self) -> str:
        if not self.percentages:
            return self.because
        listed = ", ".join(map(str, self.percentages))
        return f"It stands at {self.percentage} %, and {self.because}. What can be asked for now: {listed}."


def rollback(why: str) -> Act:
    """Traffic to zero, for the rest of the attempt. It needs no look at the object, so nothing can be in its way."""
    return Act(Verb.ROLLBACK, why, 0, "traffic goes to 0 %, and stays there until a retry or a new revision")


def plan(found: Mapping[str, Any], percentage: int, why: str) -> Act | Refusal | None:
    """What brings an object to a percentage; `None` where it stands there already.

    Args:
        found: The object, as the API server gives it.
        percentage: What is asked for, 1 to 100; for 0 there is `rollback`.
        why: Who asks and why.
    """
    try:
        state = from_status(Status.model_validate(found.get("status") or {}))
    except ValidationError:
        return _unreadable("status")
    try:
        spec = Spec.model_validate(found.get("spec") or {})
    except ValidationError:
        return _unreadable("spec")
    return _plan(spec, _NEW if state is None else state.record, percentage, why)


def _plan(spec: Spec, record: Record, percentage: int, why: str) -> Act | Refusal | None:
    if record.latched:
        because = (
            "the attempt is rolled back, and zero stays. Annotate the MLRollout with mlrollout.dev/retry, "
            "or roll out another revision (spec.revision, or what its source names)"
        )
        return Refusal(because, record.percentage, (0,))
    if record.percentage == percentage:
        return None
    offers = {act.percentage: act for act in _offers(spec, record, why)}
    if percentage < record.percentage and (act := _demote(spec, record, percentage, why)):
        return act
    if percentage in offers:
        return offers[percentage]
    because = _because(spec, record, percentage)
    return Refusal(because, record.percentage, tuple(sorted({0, record.percentage, *offers})))


def _offers(spec: Spec, record: Record, why: str) -> Sequence[Act]:
    """What can be had besides 0: every stage below, and the next."""
    if not record.stage:
        return []
    below = [stage.percentage for stage in spec.stages if 0 < stage.percentage < record.percentage]
    acts = [_demote(spec, record, percentage, why) for percentage in below] + [_promote(spec, record, why)]
    return [act for act in acts if act is not None]


def _demote(spec: Spec, record: Record, at_most: int, why: str) -> Act | None:
    stage = last_stage_up_to(spec, at_most)
    if stage is None or not record.stage:
        return None
    means = f"back to stage {stage.name} at {stage.percentage} % at once, to be earned again from there"
    return Act(Verb.DEMOTE, f"{at_most} {why}", stage.percentage, means)


def _promote(spec: Spec, record: Record, why: str) -> Act | None:
    after = following(spec, record)
    if after is None:
        return None
    means = f"stage {after.name} at {after.percentage} % is entered as soon as every guardrail passes"
    return Act(Verb.PROMOTE, why, after.percentage, means)


def _because(spec: Spec, record: Record, percentage: int) -> str:
    if not record.stage:
        return (
            "its first stage is not entered yet; the operator enters it by itself once every guardrail's source "
            "answers and none is breached"
        )
    if percentage < record.percentage:
        return f"no stage asks for {percentage} % or less; 0 rolls it back"
    if following(spec, record) is None:
        return f"there is no stage after {record.stage}"
    return "traffic grows by one stage at a time"


def _unreadable(part: str) -> Refusal:
    return Refusal(f"The {part} of the MLRollout can't be read: `kubectl describe` it; 0 rolls it back all the same.")


def demotion(value: str) -> tuple[int, str] | None:
    """What the value of the verb `demote` says: how many per cent at most, and why; `None` where it does not say so."""
    said = _AT_MOST.fullmatch(value)
    return (int(said[1]), said[2] or "") if said is not None else None
