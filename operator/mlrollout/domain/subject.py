"""What a measurement is about, as its check has to know it."""

import math
from dataclasses import dataclass

from mlrollout.api import moment
from mlrollout.api.spec import Spec
from mlrollout.evidence.checks.check import Attempt

from .state import State


@dataclass(frozen=True, slots=True)
class InForce:
    """What users go by, as Redis was found to hold it for this object: the percentage, and since when, by wall time."""

    percentage: int
    since: float


def attempt(state: State, found: InForce | None = None) -> Attempt | None:
    """The attempt; `None` while nobody has had the treatment yet.

    Args:
        state: Where the rollout stands.
        found: What users go by while that is not what the state says: a raise was announced, or Redis went back.
            `None` where it can't be known.
    """
    if not state.record.stage or not state.in_force_since:
        return None
    if state.confirmed:
        found = InForce(state.record.percentage, state.in_force_since)
    return Attempt(
        number=state.record.attempt,
        # As a status has them, so that every replica knows the same times.
        began=moment.parse(moment.render(state.measurements_from)),
        stage=moment.parse(moment.render(state.in_force_since)),
        percentage=None if found is None else found.percentage,
        steady=math.inf if found is None else moment.parse(moment.render(found.since)),
        evidence_from=state.evidence_from,
        holdback=state.record.holdback,
    )


def sharing(spec: Spec | None) -> int:
    """Among how many guardrails of an object the chance of a false alarm is divided."""
    return sum(guardrail.sequential for guardrail in spec.guardrails) if spec is not None else 0
