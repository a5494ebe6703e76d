"""From an object to its line on the dashboard. Pure."""

from collections.abc import Iterable
from typing import Any

from mlrollout.api import moment
from mlrollout.domain.request import Verb
from mlrollout.glance.advice import Advice
from mlrollout.glance.fields import Fields
from mlrollout.glance.guardrails import GuardrailGlance, worst
from mlrollout.glance.rollout import Glance
from mlrollout.glance.stages import StageGlance
from mlrollout.ports import Object

from .models import LineStage, RolloutLine, WorstGuardrail


def line(found: Object, seen: Glance, advice: Advice, can: Iterable[Verb]) -> RolloutLine:
    """The line of an object.

    Args:
        found: The object.
        seen: What it tells.
        advice: What it waits for.
        can: Verbs that the reader may use now.
    """
    return RolloutLine(**common(found, seen, advice), stages=tuple(map(_stage, seen.stages)), can=tuple(can))


def at_once(seen: Glance) -> tuple[Verb, ...]:
    """The verbs that a line offers to whoever may patch: a rollback needs no look at the object, so it costs none."""
    return () if seen.rollback is not None else (Verb.ROLLBACK,)


def common(found: Object, seen: Glance, advice: Advice) -> dict[str, Any]:
    """What a line and a detail have in common, but for the stages and what the reader may do."""
    metadata = Fields(found).part("metadata")
    here = seen.here
    return {
        "namespace": seen.namespace,
        "name": seen.name,
        "uid": metadata.text("uid"),
        "phase": seen.state,
        "tone": seen.tone,
        "percentage": seen.percentage,
        "asked": seen.asked,
        "stage": None if here is None else here.name,
        "revision": seen.revision,
        "attempt": seen.attempt,
        "ready": seen.complete,
        "rolled_back": seen.rollback is not None,
        "reason": seen.reason,
        "message": advice.why,
        "waiting_for": advice.waits,
        "worst": _worst(worst(seen.guardrails)),
        "since": when(seen.since),
        "updated_at": when(_saved(metadata)),
    }


def when(at: float | None) -> str | None:
    """A point in time as the page has it."""
    return None if at is None else moment.render(at)


def _stage(seen: StageGlance) -> LineStage:
    return LineStage(name=seen.name, percentage=seen.percentage, place=seen.place, share=round(seen.share, 4))


def _worst(seen: GuardrailGlance | None) -> WorstGuardrail | None:
    if seen is None:
        return None
    return WorstGuardrail(name=seen.name, verdict=seen.finding, value=seen.value, limit=seen.limit, bound=seen.bound)


def _saved(metadata: Fields) -> float | None:
    saved = (one.moment("time") for one in metadata.parts("managedFields") if one.text("subresource") == "status")
    return max((at for at in saved if at is not None), default=None)
