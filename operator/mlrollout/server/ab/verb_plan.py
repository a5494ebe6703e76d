"""What is asked of the operator for somebody who asks for a percentage. Pure.

A percentage is never written from here: it becomes a verb on the `MLRollout`, so that the operator stays the only
writer, and two of them can't undo each other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from mlrollout.api.spec import Spec
from mlrollout.api.status import Status
from mlrollout.domain.persist import from_status
from mlrollout.domain.record import Record
from mlrollout.domain.stages import following
from mlrollout.domain.state import Verb
from mlrollout.ports import Object
from mlrollout.server.http.problem import HttpProblem

_NEW = Record(attempt=0, latched=False, sequence=0, percentage=0)


@dataclass(frozen=True, slots=True)
class Act:
    """A verb to be asked for.

    Attributes:
        verb: Which.
        value: What the annotation says.
        percentage: What is in force once the operator has done it.
        means: What comes of it, for people.
    """

    verb: Verb
    value: str
    percentage: int
    means: str


def rollback(why: str) -> Act:
    """Traffic to zero, for the rest of the attempt. It needs no look at the object."""
    return Act(Verb.ROLLBACK, why, 0, "traffic goes to 0 %, and stays there until a retry or a new revision")


def standing(found: Object) -> Record:
    """The record of an object; that of nothing where it has none yet.

    Raises:
        HttpProblem: It can't be read.
    """
    try:
        state = from_status(Status.model_validate(found.get("status") or {}))
    except ValidationError:
        raise _unusable("status") from None
    return _NEW if state is None else state.record


def towards(found: Object, percentage: int, why: str) -> Act | None:
    """What brings an object to a percentage; `None` where it stands there.

    Args:
        found: The object.
        percentage: What is asked for, 1 to 100; for 0 there is `rollback`.
        why: Who asks and why.

    Raises:
        HttpProblem: Nothing does; it lists what can be asked for.
    """
    record, spec = standing(found), _spec(found)
    if record.latched:
        raise _impossible(
            "the attempt is rolled back, and zero stays. Annotate the MLRollout with mlrollout.dev/retry, "
            "or give it a new spec.revision",
            record,
            [0],
        )
    if record.percentage == percentage:
        return None
    offers = {act.percentage: act for act in _offers(spec, record, why)}
    if percentage < record.percentage and (act := _demote(spec, record, percentage, why)):
        return act
    if percentage in offers:
        return offers[percentage]
    raise _impossible(_because(spec, record, percentage), record, sorted({0, record.percentage, *offers}))


def _offers(spec: Spec, record: Record, why: str) -> Sequence[Act]:
    """What can be had besides 0: every stage below, and the next."""
    if not record.stage:
        return []
    below = [one.percentage for one in spec.stages if 0 < one.percentage < record.percentage]
    acts = [_demote(spec, record, percentage, why) for percentage in below] + [_promote(spec, record, why)]
    return [act for act in acts if act is not None]


def _demote(spec: Spec, record: Record, percentage: int, why: str) -> Act | None:
    stage = next((one for one in reversed(spec.stages) if one.percentage <= percentage), None)
    if stage is None or not record.stage:
        return None
    means = f"back to stage {stage.name} at {stage.percentage} % at once, to be earned again from there"
    return Act(Verb.DEMOTE, f"{percentage} {why}", stage.percentage, means)


def _promote(spec: Spec, record: Record, why: str) -> Act | None:
    if all(one.name != record.stage for one in spec.stages):
        return None  # the spec has just changed, and the operator has yet to say what stage this is
    after = following(spec, record)
    if after is None:
        return None
    means = f"stage {after.name} at {after.percentage} % is entered as soon as every guardrail passes"
    return Act(Verb.PROMOTE, why, after.percentage, means)


def _because(spec: Spec, record: Record, percentage: int) -> str:
    if not record.stage:
        return (
            "its first stage is not entered yet; the operator enters it by itself once every guardrail's source answers"
        )
    if percentage < record.percentage:
        return f"no stage asks for {percentage} % or less; 0 rolls it back"
    after = _promote(spec, record, "")
    return "traffic grows by one stage at a time" if after else f"there is no stage after {record.stage}"


def _spec(found: Object) -> Spec:
    try:
        return Spec.model_validate(found.get("spec") or {})
    except ValidationError:
        raise _unusable("spec") from None


def _unusable(part: str) -> HttpProblem:
    return HttpProblem(
        409, f"The {part} of the MLRollout can't be read: `kubectl describe` it; 0 rolls it back all the same."
    )


def _impossible(because: str, record: Record, percentages: Sequence[int]) -> HttpProblem:
    listed = ", ".join(map(str, percentages))
    members: Mapping[str, Any] = {"percentage": record.percentage, "percentages": list(percentages)}
    return HttpProblem(
        409, f"It stands at {record.percentage} %, and {because}. What can be asked for now: {listed}.", **members
    )
