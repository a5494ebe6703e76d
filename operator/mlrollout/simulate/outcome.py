"""What a simulation comes to: how often a healthy model is taken back, how soon a bad one is found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .load import Load

TIMES = (1.5, 2.0, 5.0, 20.0)
"""How many times worse than the healthy model a bad one is."""
ALLOWED = 0.01
"""The chance of a rollback for nothing from which on people are warned."""
TRIES = 300
"""Healthy rollouts where nobody says how many: where none of so many is rolled back, the chance is surely below 1 %."""


@dataclass(frozen=True, slots=True)
class SimulationParameters:
    """What a simulation starts from.

    Attributes:
        load: The traffic of a healthy model.
        tries: Healthy rollouts; of a bad model there are a tenth for each stage and badness.
        scrape: Seconds between two scrapes.
        seed: Where chance begins.
    """

    load: Load
    tries: int = TRIES
    scrape: float = 15.0
    seed: int = 1

    @property
    def bad_tries(self) -> int:
        """Rollouts of each bad model in each stage."""
        return max(1, self.tries // 10)


@dataclass(frozen=True, slots=True)
class Covered:
    """Whether a guardrail is simulated.

    Attributes:
        name: The guardrail.
        why_not: Why it is taken as always passing; empty where it is simulated.
    """

    name: str
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class Healthy:
    """What became of the rollouts of a healthy model. Times are seconds.

    Attributes:
        tries: How many there were.
        taken_back: How many were rolled back.
        by: By which guardrails.
        after: After how long, in the median; `None` where none was.
        arrived: How many reached the last stage.
        arrival: After how long, in the median.
        completed: How many served its time as well.
        completion: After how long, in the median.
        waits: What those wait for that neither were rolled back nor completed.
    """

    tries: int
    taken_back: int
    by: Mapping[str, int]
    after: float | None
    arrived: int
    arrival: float | None
    completed: int
    completion: float | None
    waits: str = ""

    @property
    def chance(self) -> float:
        """The share that was rolled back for nothing."""
        return self.taken_back / self.tries


@dataclass(frozen=True, slots=True)
class Detection:
    """How a bad model is detected in one stage. Times are seconds since the stage began.

    Attributes:
        stage: The stage.
        times: How many times worse it is.
        share: Of its events that are bad.
        tries: How many rollouts there were.
        found: How many were rolled back within `within`.
        within: The stage's duration; for the last one at least a week, since guardrails go on looking.
        after: After how long, in the median over all; `None` where not even half were found.
        users: How many requests had been treated by then.
    """

    stage: str
    times: float
    share: float
    tries: int
    found: int
    within: float
    after: float | None
    users: float | None


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a simulation comes to."""

    parameters: SimulationParameters
    covered: Sequence[Covered]
    healthy: Healthy
    detections: Sequence[Detection]

    @property
    def well(self) -> bool:
        """Whether a healthy model is left alone."""
        return self.healthy.chance <= ALLOWED
