"""Guardrails that can't do their work: told once for each generation, and in a condition while it is so."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from mlrollout.domain.conditions import GUARDRAILS_HEALTHY, Fact
from mlrollout.domain.decision import Alert
from mlrollout.domain.reason import Reason
from mlrollout.lint.finding import Finding
from mlrollout.lint.lint import warnings

from .tracked import TrackedObject


def doubts(tracked: TrackedObject) -> Sequence[Finding]:
    """What is doubtful about an object's guardrails, as far as they and their last answers show."""
    return () if tracked.spec is None else warnings(tracked.spec, tracked.measured.histories)


def alerts(tracked: TrackedObject, found: Sequence[Finding]) -> Sequence[Alert]:
    """What a person hears of it, once for each field and generation: it was so when it was written, and goes on."""
    generation = tracked.resource.generation
    return [
        Alert(
            Reason.GUARDRAIL_DOUBTFUL,
            f"{generation} {one.where}",
            str(one),
            once=f"doubt-{generation}-{hashlib.sha256(one.where.encode()).hexdigest()[:16]}",
        )
        for one in found
    ]


def noted(facts: tuple[Fact, ...], found: Sequence[Finding]) -> tuple[Fact, ...]:
    """The conditions, with what is doubtful in the one about guardrails."""
    if not found:
        return facts
    more = "; ".join(str(one) for one in found)
    return tuple(
        replace(fact, message=f"{fact.message}. Doubtful: {more}") if fact.type == GUARDRAILS_HEALTHY else fact
        for fact in facts
    )
