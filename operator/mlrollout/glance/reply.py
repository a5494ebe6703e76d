"""What the operator answered to a verb."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlrollout.api import GROUP
from mlrollout.domain.request import Verb

from .fields import Fields

_DONE: Mapping[Verb, str] = {
    Verb.ROLLBACK: "RolledBack",
    Verb.RETRY: "Retried",
    Verb.RESUME: "Resumed",
    Verb.APPROVE: "Approved",
    Verb.PROMOTE: "Promoted",
    Verb.DEMOTE: "Demoted",
    Verb.PAUSE: "Paused",
}
"""The step by which each is told of in the history; a rollback's comes once Redis holds 0 %."""
_UNTOLD = "it was refused, and the Events about the object say why"


@dataclass(frozen=True, slots=True)
class VerbReply:
    """The answer to a verb.

    Attributes:
        message: What was done, or why it was not.
        refused: Whether it was not.
    """

    message: str
    refused: bool = False


def last_step(found: Mapping[str, Any]) -> int:
    """The number of the last step in an object's history: what comes later may be an answer."""
    return Fields(found).part("status").whole("serial")


def reply(found: Mapping[str, Any], verb: Verb, after: int) -> VerbReply | None:
    """The answer to a verb that was asked for after a step; `None` where there is none yet."""
    whole = Fields(found)
    for step in whole.part("status").parts("history"):
        if step.whole("serial") <= after:
            continue
        reason, message = step.text("reason"), step.text("message")
        if reason == _DONE[verb]:
            return VerbReply(message)
        if reason == "VerbRefused" and message.startswith((f"{verb} (", f"a {verb} ")):
            return VerbReply(message, refused=True)
    stands = f"{GROUP}/{verb}" in whole.part("metadata").part("annotations")
    to_come = verb is Verb.ROLLBACK and whole.part("status").part("record").flag("latched")
    return None if stands or to_come else VerbReply(_UNTOLD, refused=True)
