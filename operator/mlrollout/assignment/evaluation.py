"""An assignment as OpenFeature tells it: the reason, and what it is based on. Needs none of OpenFeature's packages."""

from math import isfinite

from .state import Assignment
from .view import Reason

REASONS = {
    Reason.SPLIT: "SPLIT",
    Reason.LAST_KNOWN: "CACHED",
    Reason.HOLDBACK: "SPLIT",
    Reason.STAFF: "TARGETING_MATCH",
    Reason.OVERRIDE: "TARGETING_MATCH",
    Reason.FORCED: "STATIC",
    Reason.ROLLED_BACK: "DISABLED",
    Reason.STOPPED: "DISABLED",
    Reason.STALE: "STALE",
    Reason.ABSENT: "DEFAULT",
    Reason.UNREADABLE: "DEFAULT",
    Reason.UNCONFIRMED: "DEFAULT",
    Reason.OTHER_REVISION: "DEFAULT",
}
"""OpenFeature's reason for each of ours that comes with a group; for the other two there is an error code."""


def basis(assignment: Assignment) -> dict[str, bool | int | float | str]:
    """What an assignment is based on, as one flat mapping. It changes only when the rollout moves.

    `percentage` and `rollout_reason` always stand in it; `holdback` where users are held back; `attempt`, `sequence`,
    `stage` and `revision` where a record has been seen.
    """
    state = assignment.state
    found: dict[str, bool | int | float | str] = {
        "percentage": state.percentage,
        "rollout_reason": assignment.reason.value,
    }
    if state.holdback:
        found["holdback"] = state.holdback
    if state.record is not None:
        found |= {
            "attempt": state.record.attempt,
            "sequence": state.record.sequence,
            "stage": state.record.stage,
            "revision": state.record.revision,
        }
    return found


def metadata(assignment: Assignment) -> dict[str, bool | int | float | str]:
    """The `basis` of an assignment, and how old it is: `age_seconds`, where Redis has been read."""
    age = assignment.state.age
    return basis(assignment) | ({"age_seconds": age} if isfinite(age) else {})
