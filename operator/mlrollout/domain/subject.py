"""What a measurement is about, as its check has to know it."""

from mlrollout.api import moment
from mlrollout.api.spec import Spec
from mlrollout.evidence.checks.check import Attempt

from .state import State


def attempt(state: State) -> Attempt | None:
    """The attempt; `None` while nobody has had the treatment yet."""
    if not state.record.stage or not state.in_force_since:
        return None
    return Attempt(
        number=state.record.attempt,
        # As a status has them, so that every replica knows the same times.
        began=moment.parse(moment.render(state.measurements_from)),
        stage=moment.parse(moment.render(state.in_force_since)),
        percentage=state.record.percentage,
        evidence_from=state.evidence_from,
        holdback=state.record.holdback,
    )


def sharing(spec: Spec | None) -> int:
    """Among how many guardrails of an object the chance of a false alarm is divided."""
    return sum(guardrail.sequential for guardrail in spec.guardrails) if spec is not None else 0
