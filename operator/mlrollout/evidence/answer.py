"""What a source of evidence answers: to an instant query numbers, to a range selector the samples as they are."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from mlrollout.evidence.statistics.counting.series import Series


@dataclass(frozen=True, slots=True)
class Sample:
    """One series of an instant answer."""

    value: float
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """What Prometheus answered to a query.

    Attributes:
        samples: The series of a vector; one sample without labels for a scalar.
        evaluated: The time of evaluation by Prometheus' clock, seconds since the epoch; `None` where no sample says it.
        lag: How many seconds the evaluation lies behind the server's own clock (a cache, for example); 0 if unknown.
        warnings: What Prometheus warned of (a partial answer, for example), shortened.
        kind: The result's type as Prometheus names it: `vector`, `scalar`, `matrix`, `string`.
        series: The series of a range selector with their samples; read only where the question has a moment.
        ahead: Seconds at least by which the server's clock is ahead of the one here; below zero, behind; 0 if unknown.
    """

    samples: tuple[Sample, ...]
    evaluated: float | None = None
    lag: float = 0.0
    warnings: tuple[str, ...] = ()
    kind: str = "vector"
    series: tuple[Series, ...] = ()
    ahead: float = 0.0
