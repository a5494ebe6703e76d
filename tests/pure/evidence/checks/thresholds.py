"""Guardrails on one number, and what they may be answered."""

from mlrollout.api.guardrail import HoldsBack, MinSamples
from mlrollout.api.threshold import ThresholdGuardrail
from mlrollout.evidence.answer import Answer, Sample
from mlrollout.evidence.checks.threshold import Look
from mlrollout.evidence.presence import Presence, needs
from mlrollout.evidence.promql.query import Query

NOW = 1_700_000_000.0


GUARDRAIL = ThresholdGuardrail(name="error-rate", query="x", max=0.05, max_age=120.0)
COUNTING = GUARDRAIL.model_copy(update={"min_samples": MinSamples(count=100, query="y")})
HASTY = GUARDRAIL.model_copy(update={"min_samples": MinSamples(count=100, query="y", holds_back=HoldsBack.PASS)})
QUERY = Query.parse("sum(rate(x[5m]))")


def look(guardrail: ThresholdGuardrail = GUARDRAIL, reach: float = 300.0, query: Query = QUERY) -> Look:
    return Look(guardrail, at=NOW, reach=reach, query=query)


def newest(*times: float, query: Query = QUERY, evaluated: float | None = NOW, lag: float = 0.0) -> Presence:
    """A presence whose selectors have their newest samples at these times."""
    needed = needs(query, 300.0, GUARDRAIL.max_age)
    samples = tuple(Sample(time, {"selector": str(at)}) for at, time in enumerate(times))
    return Presence(needed, GUARDRAIL.max_age, Answer(samples, evaluated, lag))


FRESH = newest(NOW - 10)


def number(*values: float) -> Answer:
    return Answer(tuple(Sample(value) for value in values), evaluated=NOW)
