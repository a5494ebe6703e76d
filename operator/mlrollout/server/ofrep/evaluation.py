"""A user's assignment as an evaluation of OFREP. Pure."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlrollout.assignment import Group
from mlrollout.assignment.evaluation import REASONS, basis
from mlrollout.assignment.ids import text_of, trouble_with
from mlrollout.server.rollouts import ServedRollout

Evaluation = dict[str, Any]

_KNOWN = frozenset({"STATIC", "TARGETING_MATCH", "SPLIT", "DISABLED"})
"""The reasons that OFREP knows. Any other of ours (such as `Stale`) becomes `UNKNOWN`, and stands in the metadata."""


class ContextError(ValueError):
    """The context names no user; the text says why, and what to do.

    Attributes:
        code: The error code of OFREP.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Asked:
    """The user and the revision that a flag is evaluated for.

    Attributes:
        user_id: The user, by the canonical text of the id.
        revision: The revision that the calling program runs; `None` where it does not say.
    """

    user_id: str
    revision: str | None


def asked(request: object) -> Asked:
    """What a request's body asks for: its context's targeting key, and its `revision`.

    Raises:
        ContextError: It names no user, or what is no revision.
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
    text, revision = text_of(user_id), context.get("revision")
    if text is None:
        raise ContextError("INVALID_CONTEXT", f"context.targetingKey is nobody's id: {trouble_with(user_id)}.")
    if revision is not None and (not isinstance(revision, str) or not revision):
        raise ContextError("INVALID_CONTEXT", "context.revision must be a string: the revision that the caller runs.")
    return Asked(text, revision)


def evaluate(served: ServedRollout, asked: Asked) -> Evaluation:
    """The rollout's flag for a user. It depends on nothing but where the rollout stands: there is no clock in it."""
    assignment = served.assign(asked.user_id, asked.revision)
    values, reason = served.entry.values, REASONS.get(assignment.reason)
    metadata = basis(assignment)
    return {
        "key": served.entry.name,
        "value": values.treatment if assignment.group is Group.TREATMENT else values.control,
        "reason": reason if reason in _KNOWN else "UNKNOWN",
        "variant": assignment.group.value,
        "metadata": metadata | {"percentage": float(metadata["percentage"])},
    }


def tag(document: object) -> str:
    """A name for exactly this content, in every process."""
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:32]
