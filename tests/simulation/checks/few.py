"""What stands on too few samples takes nobody down by itself."""

from collections.abc import Iterator

from mlrollout.api.guardrail import HoldsBack
from mlrollout.api.threshold import ThresholdGuardrail
from mlrollout.evidence.measurement import Verdict

from tests.simulation.world.history import Judged
from tests.simulation.world.world import World

from .violation import Violation


def a_breach_stands_on_its_samples(world: World) -> Iterator[Violation]:
    """A breach is told of no fewer samples than its guardrail asks for."""
    for entry in world.history.of(Judged):
        guardrail, measurement = entry.guardrail, entry.measurement
        if measurement.verdict is not Verdict.BREACH or not isinstance(guardrail, ThresholdGuardrail):
            continue
        wanted = guardrail.min_samples
        if wanted is None or wanted.holds_back is HoldsBack.PASS:
            continue
        if measurement.samples is None or measurement.samples < wanted.count:
            yield Violation(entry.at, f"a breach of {entry.ref} on {measurement.samples} of {wanted.count} samples")
