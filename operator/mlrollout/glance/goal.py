"""Whether a rollout has come to where somebody waits for it to come."""

from dataclasses import dataclass
from enum import StrEnum

from .advice import advise
from .rollout import Glance
from .stages import StagePlace

COMPLETE, ROLLED_BACK, STAGE = "complete", "rolled-back", "stage="
"""What may be waited for; a stage is named behind its sign."""


class GoalOutcome(StrEnum):
    """What came of it."""

    REACHED = "reached"
    ROLLED_BACK = "rolled back"
    """It was rolled back, which nobody waited for."""
    HOPELESS = "hopeless"
    """It can't come there unless somebody mends something."""


@dataclass(frozen=True, slots=True)
class GoalReached:
    """The end of a wait.

    Attributes:
        outcome: What came of it.
        message: The same for people.
    """

    outcome: GoalOutcome
    message: str


def is_goal(goal: str) -> bool:
    """Whether this can be waited for."""
    return goal in (COMPLETE, ROLLED_BACK) or (goal.startswith(STAGE) and goal != STAGE)


def reached(goal: str, seen: Glance, revision: str = "") -> GoalReached | None:
    """What came of a wait; `None` where that is open.

    An object that the operator has not seen as it is now, or whose revision it has yet to begin, has come to nothing.
    Where a source names the revision, no object says beforehand which one shall begin.

    Args:
        goal: What is waited for.
        seen: The rollout.
        revision: The one that shall come there, and no other; empty for the one that the spec asks for.
    """
    stage = goal.removeprefix(STAGE) if goal.startswith(STAGE) else ""
    if stage and stage not in [one.name for one in seen.stages]:
        known = ", ".join(one.name for one in seen.stages)
        return GoalReached(GoalOutcome.HOPELESS, f"it has no stage {stage}, but {known}")
    if seen.unseen:
        return None
    if seen.stalled and seen.rollback is None:
        return GoalReached(GoalOutcome.HOPELESS, f"it can't go on: {advise(seen).why}")
    if seen.revision != seen.wanted or revision not in ("", seen.revision):
        return None
    if seen.rollback is not None:
        return _rolled_back(goal, seen)
    return _arrived(goal, stage, seen)


def _rolled_back(goal: str, seen: Glance) -> GoalReached | None:
    why = advise(seen).why
    if goal != ROLLED_BACK:
        return GoalReached(GoalOutcome.ROLLED_BACK, why)
    return None if seen.percentage or seen.traffic else GoalReached(GoalOutcome.REACHED, why)


def _arrived(goal: str, stage: str, seen: Glance) -> GoalReached | None:
    if goal == COMPLETE and seen.complete:
        return GoalReached(GoalOutcome.REACHED, advise(seen).why)
    for one in seen.stages if stage else ():
        in_force = one.place is StagePlace.HERE and not seen.traffic
        if one.name == stage and (in_force or one.place is StagePlace.BEHIND):
            return GoalReached(GoalOutcome.REACHED, f"stage {stage} at {one.percentage} % is reached")
    return None
