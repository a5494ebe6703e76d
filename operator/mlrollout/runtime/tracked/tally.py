"""What happened to an object, counted."""

from dataclasses import dataclass, field
from enum import StrEnum

from mlrollout.domain.reason import TRANSITIONS


class Source(StrEnum):
    """Whom the operator asks, and who may fail."""

    REDIS = "redis"
    PROMETHEUS = "prometheus"
    KUBERNETES = "kubernetes"
    REVISIONS = "revisions"


@dataclass(slots=True, eq=False)
class Tally:
    """Everything is there from the beginning at 0: of a series that is born at 1, Prometheus sees no increase.

    Attributes:
        transitions: By reason, those that this process was the one to save.
        errors: By source, calls about this object that failed.
    """

    transitions: dict[str, int] = field(default_factory=lambda: dict.fromkeys(TRANSITIONS, 0))
    errors: dict[str, int] = field(default_factory=lambda: dict.fromkeys(Source, 0))

    def happened(self, reason: str) -> None:
        """A transition was saved."""
        self.transitions[reason] = self.transitions.get(reason, 0) + 1

    def failed(self, source: Source) -> None:
        """A call failed."""
        self.errors[source] += 1
