"""What a test is given: what was counted in a span of time that no other block covers."""

import math
from dataclasses import dataclass
from typing import Generic, TypeVar

Content = TypeVar("Content")


@dataclass(frozen=True, slots=True)
class Block(Generic[Content]):
    """What was counted after `begin` and up to `end`, seconds since the epoch."""

    begin: float
    end: float
    content: Content

    def __post_init__(self) -> None:
        if not -math.inf < self.begin < self.end < math.inf:
            raise ValueError(f"a block ends after it begins: {self.begin} to {self.end}")


@dataclass(frozen=True, slots=True)
class Counts:
    """How many events there were, and how many of them were bad."""

    events: float = 0.0
    bad: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.bad <= self.events < math.inf:
            raise ValueError(f"{self.bad} bad events of {self.events} cannot be")

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.events + other.events, self.bad + other.bad)


@dataclass(frozen=True, slots=True)
class Sums:
    """How many values there were, and what they add up to."""

    count: float = 0.0
    total: float = 0.0

    def __post_init__(self) -> None:
        if not (0 <= self.count < math.inf and math.isfinite(self.total)):
            raise ValueError(f"{self.count} values that add up to {self.total} cannot be")

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(self.count + other.count, self.total + other.total)


@dataclass(frozen=True, slots=True)
class Pair(Generic[Content]):
    """What was counted of each of the two groups."""

    treatment: Content
    control: Content
