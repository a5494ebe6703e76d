"""Counting what happens."""

from mlrollout.domain.state import Transition
from mlrollout.runtime.telling import Sink
from mlrollout.runtime.tracked import TrackedObject


class MetricsSink(Sink):
    """Counts every transition, a rollback's cause among them."""

    name = "metrics"
    hears_causes = True

    def transition(self, tracked: TrackedObject, transition: Transition) -> None:
        """Count it."""
        tracked.tally.happened(transition.reason)
