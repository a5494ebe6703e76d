"""Somebody who says which group a user is in, and somebody who writes down what became of the calls."""

from dataclasses import dataclass, field

from mlrollout import Feature, Group


@dataclass(frozen=True)
class Recorded:
    """One call."""

    user_id: str
    group: Group
    failed: bool
    score: float | None
    seconds: float


@dataclass
class World:
    """Everybody in one group, and every call kept."""

    group_of_all: Group = Group.TREATMENT
    calls: list[Recorded] = field(default_factory=list)

    def group(self, user_id: str) -> Group:
        return self.group_of_all if user_id else Group.CONTROL

    def record(self, user_id: str, group: Group, *, failed: bool, seconds: float, score: float | None) -> None:
        self.calls.append(Recorded(user_id, group, failed, score, seconds))

    def feature(self, timeout: float | None = None, *, threads: int = 32) -> Feature:
        return Feature(self, self, timeout, threads=threads)

    @property
    def outcomes(self) -> list[tuple[str, bool, float | None]]:
        """Group, failed and score of every call."""
        return [(call.group.value, call.failed, call.score) for call in self.calls]


class BrokenModelError(Exception):
    """What a model raises that nobody has tried on this."""
