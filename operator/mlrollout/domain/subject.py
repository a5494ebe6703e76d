"""What a measurement is about, as its check has to know it."""

from dataclasses import dataclass, replace
from math import inf

from mlrollout.api import moment
from mlrollout.api.spec import Spec
from mlrollout.evidence.checks.check import Attempt

from .state import State

BACK_WITHIN = 5.0
"""Seconds in which applications go by Redis again, once it answers: they try every two, and wait one for an answer."""


@dataclass(frozen=True, slots=True)
class InForce:
    """What users go by, as Redis was last found to hold it.

    Attributes:
        percentage: The percentage in force; `None` where it is another object's, or another attempt's.
        since: Since when it is known to be that, by wall time.
        changed: Whether it was seen to become that then; else it may have been so before.
    """

    percentage: int | None
    since: float
    changed: bool


def attempt(
    state: State, found: InForce | None = None, asked: float = inf, answers_since: float = -inf
) -> Attempt | None:
    """The attempt; `None` while nobody has had the treatment yet.

    Args:
        state: Where the rollout stands. Users may go by something else: a raise was announced, or Redis went back.
        found: What they go by, or did when Redis could be asked last; `None` where it never could.
        asked: When Redis was asked last of those times that it answered, by wall time.
        answers_since: When it answered again after a silence in which applications may have given it up.
    """
    if not state.record.stage or not state.in_force_since:
        return None
    stands = InForce(state.record.percentage if state.confirmed else None, state.in_force_since, changed=True)
    if found is not None and not state.confirmed:
        stands = found
    elif found is not None and found.percentage != stands.percentage:
        stands = replace(stands, percentage=None)
    elif found is not None and found.changed:
        stands = replace(stands, since=max(stands.since, found.since))
    return Attempt(
        number=state.record.attempt,
        # As a status has them, so that every replica knows the same times.
        began=moment.parse(moment.render(max(state.measurements_from, state.evidence_from))),
        stage=moment.parse(moment.render(state.in_force_since)),
        percentage=stands.percentage,
        steady=moment.parse(moment.render(stands.since)),
        seen=asked,
        followed=answers_since + BACK_WITHIN,
        evidence_from=state.evidence_from,
        holdback=state.record.holdback,
    )


def sharing(spec: Spec | None) -> int:
    """Among how many guardrails of an object the chance of a false alarm is divided."""
    return sum(guardrail.sequential for guardrail in spec.guardrails) if spec is not None else 0
