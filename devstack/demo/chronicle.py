"""What was seen from outside, moment by moment. Times are seconds since the epoch."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby

from mlrollout.api.status import Condition, ConditionStatus, Status
from mlrollout.domain.traffic import Traffic

from .application import Requests

# A process learns of a raise a moment later, and the requests under way end after that.
SETTLED = 1.0


@dataclass(frozen=True, slots=True)
class Happening:
    """A Kubernetes Event.

    Attributes:
        serial: Its name, which tells it from others that say the same.
        reason: Such as `GuardrailBreached`.
        message: For people.
        warning: Whether its type is `Warning`.
    """

    serial: str
    reason: str
    message: str
    warning: bool


@dataclass(frozen=True, slots=True)
class Quiet:
    """The second rollout at one moment, where few requests come.

    Attributes:
        percentage: In force in Redis.
        latched: Whether Redis holds a rollback.
        requests: Its application's counters.
        events: Of its object, oldest first.
    """

    percentage: int
    latched: bool
    requests: Requests
    events: tuple[Happening, ...] = ()

    @property
    def warnings(self) -> tuple[Happening, ...]:
        """The Events of type Warning, oldest first."""
        return tuple(event for event in self.events if event.warning)


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything at one moment.

    Attributes:
        at: When that was, seconds since the epoch.
        traffic: What stands in Redis.
        requests: The application's counters.
        error_rate: Of the ML path as Prometheus has it; None without traffic.
        generation: Of the object's spec; 0 while there is no object.
        status: Of the object.
        events: Of the object, oldest first.
        quiet: The second rollout.
    """

    at: float
    traffic: Traffic
    requests: Requests
    error_rate: float | None = None
    generation: int = 0
    status: Status = field(default_factory=Status)
    events: tuple[Happening, ...] = ()
    quiet: Quiet | None = None

    @property
    def attempt(self) -> int:
        """Which attempt of the object Redis knows of; 0 for none."""
        return self.traffic.record.ordinal if self.traffic.record else 0

    @property
    def percentage(self) -> int:
        """The percentage in force in Redis."""
        return self.traffic.in_force

    @property
    def latched(self) -> bool:
        """Whether Redis holds a rollback."""
        return self.traffic.record is not None and self.traffic.record.latched

    @property
    def warnings(self) -> tuple[Happening, ...]:
        """The Events of type Warning, oldest first."""
        return tuple(event for event in self.events if event.warning)

    def condition(self, name: str) -> Condition | None:
        """A condition that speaks of the present spec."""
        for condition in self.status.conditions:
            if condition.type == name and condition.observed_generation == self.generation:
                return condition
        return None

    def is_true(self, name: str) -> bool:
        """Whether a condition is there, up to date and true."""
        condition = self.condition(name)
        return condition is not None and condition.status is ConditionStatus.TRUE


@dataclass(frozen=True)
class Spell:
    """A time during which Redis held one percentage."""

    attempt: int
    percentage: int
    scenes: tuple[Scene, ...]

    @property
    def begin(self) -> float:
        """When it was first seen."""
        return self.scenes[0].at

    @property
    def end(self) -> float:
        """When it was last seen."""
        return self.scenes[-1].at

    @property
    def served(self) -> Requests:
        """The requests meanwhile, from when the application had settled."""
        settled = [scene for scene in self.scenes if scene.at >= self.begin + SETTLED] or self.scenes[-1:]
        return settled[-1].requests - settled[0].requests


def spells(scenes: Sequence[Scene]) -> list[Spell]:
    """The percentages that Redis held, one after the other, the time before the first attempt left out."""
    held = groupby(scenes, key=lambda scene: (scene.attempt, scene.percentage))
    return [Spell(attempt, percentage, tuple(group)) for (attempt, percentage), group in held if attempt]
