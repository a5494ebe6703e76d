"""The operator's own questions about the life of series, for a Prometheus that is played."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mlrollout.api import duration
from mlrollout.evidence.answer import Answer, Sample

_PART = re.compile(
    r"label_replace\(max\((?:max by \(job\) \(max by \(job\) \()?"
    r"(?P<function>timestamp|present_over_time|count_over_time)\("
    r"(?P<selector>.*?)(?:\[(?P<seconds>[^\]]+)\])?\)(?P<down>\) \* on \(job\) .*? == 0 or .*? == 0)?"
    r'\), "selector", "(?P<name>[^"]*)", "", ""\)'
)


@dataclass(frozen=True, slots=True)
class Part:
    """One question about one selector; `down` where it counts only if the targets are."""

    name: str
    function: str
    selector: str
    seconds: float
    down: bool


def asked(promql: str) -> Iterator[Part]:
    """What is asked; nothing where it is a query of a user's."""
    for part in _PART.finditer(promql):
        seconds = duration.parse(part["seconds"]) if part["seconds"] else 0.0
        yield Part(part["name"], part["function"], part["selector"], seconds, part["down"] is not None)


def answer(promql: str, now: float, said: Callable[[Part], float | None]) -> Answer | None:
    """The answer to such a question, of a value for each part that has one; `None` where it is a query of a user's."""
    parts = tuple(asked(promql))
    if not parts:
        return None
    values = ((part, said(part)) for part in parts)
    return Answer(
        tuple(Sample(value, {"selector": part.name}) for part, value in values if value is not None), evaluated=now
    )
