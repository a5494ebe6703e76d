"""What is learned from: one dispatch of which it is known how it went."""

from dataclasses import dataclass
from typing import TypeAlias

WELL = 4
"""The rating from which on a dispatch went well; one that was cancelled did not."""

Inputs: TypeAlias = tuple[float, ...]
"""What a model is given, in the order of `dispatch.model.FEATURES`."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a dispatch.

    Attributes:
        number: Its place in the order in which outcomes became known.
        dispatch: Which dispatch.
        user: Whose it was.
        inputs: How the vehicle suited the order when it was assigned.
        rating: 1 to 5; `None` where it was cancelled.
        predicted_at: When it was assigned, in seconds since the epoch.
        known_at: When it was known how it went, likewise.
    """

    number: int
    dispatch: int
    user: str
    inputs: Inputs
    rating: int | None
    predicted_at: int
    known_at: int

    @property
    def well(self) -> bool:
        """Whether it went well."""
        return self.rating is not None and self.rating >= WELL
