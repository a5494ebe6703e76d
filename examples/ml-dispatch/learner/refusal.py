"""What is no outcome to learn from: told and counted, and never learned."""

from collections.abc import Sequence
from enum import StrEnum
from math import isfinite

from dispatch.model import FEATURES
from pydantic import BaseModel, ConfigDict

from .outcome import Outcome

PER_DAY = 50
"""As many outcomes of one user count in a day: no single one decides what all others get."""
DAY = 86_400
RATINGS = range(1, 6)


class Reason(StrEnum):
    """Why it is none."""

    INPUTS = "inputs"
    """A feature is no number from 0 to 1."""
    LABEL = "label"
    """There is no such rating, or it was known before the dispatch was made."""
    BURST = "burst"
    """Its user has had as many outcomes today as count."""


class Quota(BaseModel):
    """How many outcomes of each user have counted on a day, which is told in days since the epoch."""

    model_config = ConfigDict(frozen=True)

    day: int = 0
    counted: dict[str, int] = {}

    def admit(self, together: Sequence[Outcome]) -> tuple["Quota", list[Outcome], list[tuple[Outcome, Reason]]]:
        """The quota after these outcomes of one moment, and which of them count, which not and why."""
        # By the dispatch: whose turn it is within a second must not depend on the order that they came in.
        ordered = sorted(together, key=lambda one: one.dispatch)
        day = max([self.day, *(one.known_at // DAY for one in ordered if trouble(one) is None)])
        counted = dict(self.counted) if day == self.day else {}
        good: list[Outcome] = []
        refused: list[tuple[Outcome, Reason]] = []
        for one in ordered:
            reason = trouble(one) or (Reason.BURST if counted.get(one.user, 0) >= PER_DAY else None)
            if reason is not None:
                refused.append((one, reason))
                continue
            counted[one.user] = counted.get(one.user, 0) + 1
            good.append(one)
        return Quota(day=day, counted=counted), good, refused


def trouble(one: Outcome) -> Reason | None:
    """What is wrong with it by itself."""
    if len(one.inputs) != len(FEATURES) or not all(isfinite(value) and 0 <= value <= 1 for value in one.inputs):
        return Reason.INPUTS
    if (one.rating is not None and one.rating not in RATINGS) or one.known_at < one.predicted_at:
        return Reason.LABEL
    return None
