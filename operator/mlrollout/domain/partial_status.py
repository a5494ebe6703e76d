"""What can be understood of a status that as a whole can't be. Pure.

A newer version's word, or a slip of whoever edited it, must neither wipe where a rollout stands nor leave its traffic
with nobody looking. What is only shown is written anew with the next status. What is remembered there and nowhere else
can't be: while a part of that is not understood, nothing grows, and the status is left as it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from mlrollout.api.status import Status
from mlrollout.plain import plain

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

MEMORY = frozenset({"record", "progress", "waiting", "stages", "verbs", "history", "serial", "ongoing", "receivers"})
"""The fields that nothing else tells. Of `guardrails`, what a test remembers can be counted anew."""


@dataclass(frozen=True, slots=True)
class PartialStatus:
    """What was understood of a status.

    Attributes:
        status: All of it, or what could be.
        problems: What of its memory could not be understood, for people; empty where all was.
    """

    status: Status
    problems: tuple[str, ...] = ()


def understand_status(raw: object) -> PartialStatus:
    """What can be understood of an object's `status`; never raises."""
    try:
        return PartialStatus(Status.model_validate(raw))
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_input=False)
    fields: Mapping[str, Any] = raw if isinstance(raw, Mapping) else {}
    kept = {name: _kept(name, value) for name, value in fields.items()}
    status = Status.model_validate({name: value for name, value in kept.items() if not _wrong({name: value})})
    return PartialStatus(status, tuple(_told(one) for one in wrong if not one["loc"] or one["loc"][0] in MEMORY))


def _wrong(raw: object) -> Sequence["ErrorDetails"]:
    try:
        Status.model_validate(raw)
    except ValidationError as error:
        return error.errors(include_url=False, include_input=False)
    return ()


def _kept(name: str, value: object) -> object:
    """A field without what is wrong in it: of a list each item by itself, and of an item its fields."""
    if isinstance(value, list):
        return [kept for item in value if not _wrong({name: [kept := _without(item, name, [item], 2)]})]
    return _without(value, name, value, 1)


def _without(part: object, name: str, value: object, depth: int) -> object:
    """A part without those of its fields that are wrong where it stands alone."""
    if not isinstance(part, Mapping):
        return part
    wrong = {one["loc"][depth] for one in _wrong({name: value}) if len(one["loc"]) > depth}
    return {field: found for field, found in part.items() if field not in wrong}


def _told(one: "ErrorDetails") -> str:
    return ".".join(str(part) for part in one["loc"]) + (": " if one["loc"] else "") + plain(one)
