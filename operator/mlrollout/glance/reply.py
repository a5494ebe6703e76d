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
_BACK = "it is rolled back and stays so: Redis holds 0 %"


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


def rolled_back(found: Mapping[str, Any]) -> bool:
    """Whether what the object asks for now is rolled back, and Redis known to hold 0 %: nobody is in treatment."""
    metadata, status = Fields(found).part("metadata"), Fields(found).part("status")
    applied = [one.text("status") for one in status.parts("conditions") if one.text("type") == "TrafficApplied"]
    seen = status.whole("observedGeneration") >= metadata.whole("generation")
    return _is_latched(status) and applied == ["True"] and seen


def reply(found: Mapping[str, Any], verb: Verb, after: int) -> VerbReply | None:
    """The answer to a verb that was asked for after a step; `None` where there is none yet."""
    whole = Fields(found)
    latched = verb is Verb.ROLLBACK and _is_latched(whole.part("status"))
    for step in whole.part("status").parts("history"):
        if step.whole("serial") <= after:
            continue
        reason, message = step.text("reason"), step.text("message")
        if reason == _DONE[verb]:
            return VerbReply(message)
        # That it is rolled back already is no refusal to whoever waits for users to be out of treatment.
        if reason == "VerbRefused" and message.startswith((f"{verb} (", f"a {verb} ")) and not latched:
            return VerbReply(message, refused=True)
    if f"{GROUP}/{verb}" in whole.part("metadata").part("annotations"):
        return None
    if latched:  # its step may have been told before it was asked for again, so that no other comes
        return VerbReply(_BACK) if rolled_back(found) else None
    return VerbReply(_UNTOLD, refused=True)


def _is_latched(status: Fields) -> bool:
    return status.part("record").flag("latched")
