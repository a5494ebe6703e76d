"""What traffic was, by the counters that a rollout's guardrails ask about: what is asked, and what the answers mean."""

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from mlrollout.api.balance import BalanceGuardrail
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
"""The label by which the SDK tells the groups apart."""
_PLACES = frozenset({"namespace", "job", "service", "instance", "pod", "container"})
"""Labels that tell where something runs, whatever their values are called."""
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
    labels = _group_labels(spec.guardrails)
    for guardrail in spec.guardrails:
        every = _counters(guardrail, labels)
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


def _group_labels(guardrails: Iterable[Guardrail]) -> frozenset[str]:
    """The labels by which the object tells its groups apart; its `rate` guardrails ask for one group by them, too."""
    compared = [one.compare.group for one in guardrails if isinstance(one, CompareGuardrail)]
    balanced = [one.balance.group for one in guardrails if isinstance(one, BalanceGuardrail)]
    return frozenset({_GROUP, *compared, *balanced})


def _counters(guardrail: Guardrail, labels: Collection[str]) -> Mapping[str, str]:
    """The selectors of all events, and of bad or of good ones, in every group; none where it names no such counters."""
    match guardrail:
        case RateGuardrail():
            rate = guardrail.rate
            return _of_form(rate.bad, rate.all, rate.histogram, rate.above, labels)
        case CompareGuardrail() if not guardrail.compare.of_means:
            compare = guardrail.compare
            return _of_form(compare.bad, compare.all, compare.histogram, compare.above, labels)
    return {}


def _of_form(
    bad: str | None, every: str | None, histogram: str | None, above: str | None, labels: Collection[str]
) -> Mapping[str, str]:
    if histogram is None:
        return {_ALL: _of_all(every or "", labels), _BAD: _of_all(bad or "", labels)}
    edges = "|".join(_edges(float(above or "0")))
    return {_ALL: _of_all(histogram, labels, 'le="+Inf"'), _GOOD: _of_all(histogram, labels, f'le=~"{edges}"')}


def _of_all(text: str, labels: Collection[str], also: str = "") -> str:
    """The selector of the same events in every group.

    Raises:
        UnknownError: It can't be read, or asks for one group by a label that nobody names.
    """
    found = SelectorField.of("", text)
    if found is None:
        raise UnknownError(f"the selector {text} can't be read")
    asks = replace(found, asks=frozenset(one for one in found.asks if one[0] not in {*labels, "le"}))
    for label, _, string in sorted(asks.asks):
        if label not in _PLACES and _is_group(string):
            why = f"the selector {text} asks by `{label}` for one group alone, and the traffic of all is needed"
            raise UnknownError(f"{why}: say --traffic, or name `{label}` as the `group` of a `compare` or a `balance`")
    return f"{found.name}{{{','.join([*asks.written, also] if also else asks.written)}}}"


def _is_group(string: str) -> bool:
    """Whether what is asked of a label may be one group alone."""
    asked = string.strip("\"'`^$()").split("|")
    return ("treatment" in asked) != ("control" in asked)


def _edges(edge: float) -> tuple[str, ...]:
    """How an edge may be written."""
    short = f"{edge:.15g}"
    return (short,) if "." in short or "e" in short else (short, rf"{short}\\.0")


def _by_time(answer: Answer) -> dict[float, float]:
    """The points of the one series of an answer; what is no number is none."""
    points = answer.series[0].samples if answer.series else ()
    return {at: value for at, value in points if math.isfinite(value) and value >= 0}
