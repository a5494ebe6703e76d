"""Counting what happens."""

from mlrollout.domain.state import Transition
from mlrollout.runtime.metrics import OperatorMetrics
from mlrollout.runtime.telling import Sink
from mlrollout.runtime.tracked import TrackedObject


class MetricsSink(Sink):
    """Counts every transition, a rollback's cause among them."""

    name = "metrics"
    hears_causes = True

    def __init__(self, metrics: OperatorMetrics) -> None:
        self._metrics = metrics

    def transition(self, tracked: TrackedObject, transition: Transition) -> None:
        """Count it; the series of an object that is gone would stay for ever."""
        if not tracked.gone:
            self._metrics.transition(tracked.ref, transition.reason)
