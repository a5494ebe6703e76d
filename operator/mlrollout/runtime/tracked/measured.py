"""What was measured."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from mlrollout.api.guardrail import Guardrail
from mlrollout.api.spec import Spec
from mlrollout.domain.reason import Reason
from mlrollout.evidence.measurement import Measurement, MeasurementHistory
from mlrollout.ports import AddressRefusedError, Connections, EvidenceSource, Ref
from mlrollout.runtime.loop_time import NEVER, LoopTime, loop_time
from mlrollout.runtime.reading import Problem


@dataclass(slots=True, eq=False)
class Measured:
    """What was measured of an object's guardrails, and whom to ask. Written by its own methods.

    Attributes:
        histories: The measurements of each guardrail, by its name.
        source: The object's Prometheus, once known.
        refused: What is wrong with the Prometheus that the spec names.
        last: When a guardrail was last measured, by the loop's clock; before the first time, when the object was met.
    """

    histories: dict[str, MeasurementHistory] = field(default_factory=dict)
    source: EvidenceSource | None = None
    refused: Problem | None = None
    last: LoopTime = NEVER

    def sync(self, guardrails: Iterable[Guardrail], checkpoints: Mapping[str, str]) -> None:
        """Begin a new history for each guardrail whose definition is new; forget those that are gone.

        Args:
            guardrails: What is to be measured.
            checkpoints: What stands in the status of what each remembers, by its name.
        """
        self.histories = {one.name: self._history(one, checkpoints.get(one.name, "")) for one in guardrails}

    def _history(self, guardrail: Guardrail, checkpoint: str) -> MeasurementHistory:
        history = self.histories.get(guardrail.name)
        if history is not None and history.guardrail == guardrail:
            return history
        return MeasurementHistory(guardrail, checkpoint=checkpoint)

    def add(self, guardrail: Guardrail, measurement: Measurement) -> bool:
        """Take in a measurement; answers whether the guardrail is still defined as it was asked."""
        self.last = loop_time()
        history = self.histories.get(guardrail.name)
        if history is None or history.guardrail != guardrail:
            return False
        self.histories[guardrail.name] = history.add(measurement)
        return True

    def find_source(self, connections: Connections, ref: Ref, spec: Spec) -> None:
        """Find the Prometheus that the spec names."""
        self.source, self.refused = None, None
        try:
            self.source = connections.source(ref, spec)
        except AddressRefusedError as error:
            self.refused = Problem(Reason.CONNECTION_REFUSED, str(error))

    @property
    def problem(self) -> Problem | None:
        """What a person has to mend before evidence can be had."""
        return self.refused or self._unreadable

    @property
    def _unreadable(self) -> Problem | None:
        """A query that Prometheus itself can't read: which dialect it speaks, it alone knows."""
        for name, history in self.histories.items():
            if history.last is not None and history.last.refused:
                return Problem(Reason.INVALID_QUERY, f"guardrail {name}: {history.last.message}")
        return None
