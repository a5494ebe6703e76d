"""What a source of evidence answers to an instant query."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Sample:
    """One series of an instant answer."""

    value: float
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """What Prometheus answered to an instant query.

    Attributes:
        samples: The series of a vector; one sample without labels for a scalar.
        evaluated: The time of evaluation by Prometheus' clock, seconds since the epoch; `None` where no sample says it.
        lag: How many seconds the evaluation lies behind the server's own clock (a cache, for example); 0 if unknown.
        warnings: What Prometheus warned of (a partial answer, for example), shortened.
        kind: The result's type as Prometheus names it: `vector`, `scalar`, `matrix`, `string`.
    """

    samples: tuple[Sample, ...]
    evaluated: float | None = None
    lag: float = 0.0
    warnings: tuple[str, ...] = ()
    kind: str = "vector"
