"""An assignment as OFREP has it. Pure."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from mlrollout.assignment import Group
from mlrollout.assignment.evaluation import REASONS, basis

from .served import Served

Evaluation = dict[str, Any]

_KNOWN = frozenset({"STATIC", "TARGETING_MATCH", "SPLIT", "DISABLED"})
"""The reasons that OFREP knows besides `UNKNOWN`, which those of ours become that say that nothing is known (such as
`Stale`); they stand in the metadata as they are."""


class ContextError(ValueError):
    """The context names no user; the text says why, and what to do.

    Attributes:
        code: The error code of OFREP.
    """

    def __init__(self, code: str, told: str) -> None:
        super().__init__(told)
        self.code = code


def user_of(request: object) -> str:
    """The user that a request's body asks for: its context's targeting key.

    Raises:
        ContextError: There is none.
    """
    if not isinstance(request, Mapping):
        raise ContextError("INVALID_CONTEXT", 'The body must be an object: {"context": {"targetingKey": "…"}}.')
    context = request.get("context")
    if context is None:
        context = {}
    if not isinstance(context, Mapping):
        raise ContextError("INVALID_CONTEXT", 'The context must be an object: {"targetingKey": "…"}.')
    user_id = context.get("targetingKey")
    if user_id is None or user_id == "":
        raise ContextError("TARGETING_KEY_MISSING", "A group is a user's: give the user's id as context.targetingKey.")
    if not isinstance(user_id, str):
        raise ContextError("INVALID_CONTEXT", "context.targetingKey must be a string: the user's id.")
    if not is_text(user_id):
        raise ContextError("INVALID_CONTEXT", "context.targetingKey holds half a character: it is no text.")
    return user_id


def is_text(user_id: str) -> bool:
    """Whether it can be written in UTF-8; half a surrogate pair can't."""
    try:
        user_id.encode()
    except UnicodeEncodeError:
        return False
    return True


def evaluate(served: Served, user_id: str) -> Evaluation:
    """What the rollout's flag is for a user. It depends on nothing else than where the rollout stands: no clock."""
    assignment = served.assign(user_id)
    values, reason = served.entry.values, REASONS.get(assignment.reason)
    told = basis(assignment)
    return {
        "key": served.entry.name,
        "value": values.treatment if assignment.group is Group.TREATMENT else values.control,
        "reason": reason if reason in _KNOWN else "UNKNOWN",
        "variant": assignment.group.value,
        "metadata": told | {"percentage": float(told["percentage"])},
    }


def tag(document: object) -> str:
    """A name for exactly this content, in every process."""
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:32]
