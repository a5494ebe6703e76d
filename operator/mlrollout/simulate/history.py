"""What traffic was, by the counters that a rollout's guardrails ask about: what is asked, and what the answers mean."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from mlrollout.api.compare import CompareGuardrail
from mlrollout.api.duration import brief
from mlrollout.api.guardrail import Guardrail
from mlrollout.api.rate import RateGuardrail
from mlrollout.api.spec import Spec
from mlrollout.evidence.answer import Answer
from mlrollout.lint.selectors import SelectorField

from .load import PastTraffic
from .promql import UnknownError

STEP = 3600.0
"""Seconds of a span of the past: traffic has its hours."""
_GROUP = "group"
_ALL, _BAD, _GOOD = "all", "bad", "good"


@dataclass(frozen=True, slots=True)
class History:
    """What was read.

    Attributes:
        past: The traffic.
        notes: What could not be read, for people.
    """

    past: PastTraffic
    notes: tuple[str, ...]


def questions(spec: Spec, seconds: float) -> Mapping[str, str]:
    """The queries, for the traffic of all groups in the last so many seconds.

    Raises:
        UnknownError: No guardrail names counters of all events and of bad ones.
    """
    for guardrail in spec.guardrails:
        every = _counters(guardrail)
        if every:
            span = f"[{seconds:.0f}s:{STEP:.0f}s]"
            return {name: f"sum(increase({selector}[{STEP:.0f}s])){span}" for name, selector in every.items()}
    raise UnknownError("no guardrail is a `rate` or a `compare` of bad events, whose counters could tell the traffic")


def read(answers: Mapping[str, Answer], seconds: float) -> History:
    """The traffic by what was answered.

    Raises:
        UnknownError: There was none.
    """
    all_, other = _by_time(answers[_ALL]), _by_time(answers[_BAD if _BAD in answers else _GOOD])
    bad = other if _BAD in answers else {at: max(0.0, count - other.get(at, 0.0)) for at, count in all_.items()}
    if not any(all_.values()):
        raise UnknownError(f"Prometheus has counted nothing in the last {brief(seconds)}")
    notes = []
    first, last = min(all_), max(all_)
    missing = round(seconds / STEP) - len(all_)
    if missing > 1:
        notes.append(f"{missing} of {round(seconds / STEP)} hours could not be read, and are left out")
    spans = []
    share = math.fsum(bad.values()) / math.fsum(all_.values())
    for number in range(round((last - first) / STEP) + 1):
        at = first + number * STEP
        if at in all_:
            events = all_[at]
            spans.append((events / STEP, min(1.0, bad.get(at, 0.0) / events) if events else share))
    return History(PastTraffic(STEP, tuple(spans)), tuple(notes))


def _counters(guardrail: Guardrail) -> Mapping[str, str]:
    """The selectors of all events, and of bad or of good ones, in every group; none where it names no such counters."""
    match guardrail:
        case RateGuardrail():
            rate = guardrail.rate
            return _of_form(rate.bad, rate.all, rate.histogram, rate.above, _GROUP)
        case CompareGuardrail() if not guardrail.compare.of_means:
            compare = guardrail.compare
            return _of_form(compare.bad, compare.all, compare.histogram, compare.above, compare.group)
    return {}


def _of_form(
    bad: str | None, every: str | None, histogram: str | None, above: str | None, label: str
) -> Mapping[str, str]:
    if histogram is None:
        return {_ALL: _of_all(every or "", label), _BAD: _of_all(bad or "", label)}
    edges = "|".join(_edges(float(above or "0")))
    return {_ALL: _of_all(histogram, label, 'le="+Inf"'), _GOOD: _of_all(histogram, label, f'le=~"{edges}"')}


def _of_all(text: str, label: str, also: str = "") -> str:
    """The selector of the same events in every group.

    Raises:
        UnknownError: It can't be read.
    """
    found = SelectorField.of("", text)
    if found is None:
        raise UnknownError(f"the selector {text} can't be read")
    asks = [
        one for one in found.written if not one.startswith((f"{label}=", f"{label}!")) and not one.startswith("le=")
    ]
    return f"{found.name}{{{','.join([*asks, also] if also else asks)}}}"


def _edges(edge: float) -> tuple[str, ...]:
    """How an edge may be written."""
    short = f"{edge:.15g}"
    return (short,) if "." in short or "e" in short else (short, rf"{short}\\.0")


def _by_time(answer: Answer) -> dict[float, float]:
    """The points of the one series of an answer; what is no number is none."""
    points = answer.series[0].samples if answer.series else ()
    return {at: value for at, value in points if math.isfinite(value) and value >= 0}
