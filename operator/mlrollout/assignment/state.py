"""What an application gets to know of a rollout, and of one user in it."""

from dataclasses import dataclass

from mlrollout.domain.record import Record

from .bucket import Group
from .view import Reason


@dataclass(frozen=True, slots=True)
class State:
    """What decisions are based on at a moment.

    Attributes:
        percentage: The share of users in treatment, 0 to 100, of those who are not held back.
        reason: Why it is this one.
        record: The greatest record seen; `None` before the first.
        age: Seconds since the last read of Redis that succeeded began; infinity before the first.
        holdback: Per cent of the users who stay in control at every percentage; 0 where nothing is under way.
    """

    percentage: int
    reason: Reason
    record: Record | None
    age: float
    holdback: int = 0


@dataclass(frozen=True, slots=True)
class Assignment:
    """One user's group, and what it is based on.

    Attributes:
        group: The group.
        reason: Why.
        state: What is known of the rollout.
    """

    group: Group
    reason: Reason
    state: State
