"""A guardrail's PromQL: whether it can be evidence at all, how far back it looks, how fresh its samples are."""

import math
from dataclasses import dataclass
from typing import Self

from mlrollout.api import duration

from . import syntax
from .syntax import QueryError

__all__ = ["Query", "QueryError"]

SHORTEST = 1.0
"""The shortest duration that `$window` stands for, in seconds: a stage that has just begun has no window yet."""


@dataclass(frozen=True, slots=True)
class Span:
    """How far before the evaluation one selector's samples begin: `fixed` seconds and `windows` times `$window`."""

    fixed: float
    windows: int


@dataclass(frozen=True, slots=True)
class Query:
    """PromQL that can answer with one number; `Query.parse` is the way to make one.

    Attributes:
        text: As the user wrote it. `$window` in a range, a subquery or an offset stands for a duration.
        spans: How far back each of its selectors looks.
        selectors: Its distinct selectors as PromQL, without ranges and offsets, in a stable order.
    """

    text: str
    spans: tuple[Span, ...]
    selectors: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """The query in a text.

        Reading the most tangled text that is accepted can take 0.1 s, so do it once; all the rest is cheap.

        Raises:
            QueryError: It isn't PromQL, can't answer with a number, answers only when something is wrong, or
                looks at a moment that has nothing to do with now.
        """
        once, twice = (syntax.read(_render(text, windows * SHORTEST)) for windows in (1, 2))
        spans = tuple(_span(one.begins, two.begins) for one, two in zip(once, twice, strict=True))
        return cls(text, spans, tuple(sorted({selection.selector for selection in once})))

    def render(self, window: float) -> str:
        """The PromQL to send, with `$window` as so many seconds: to the millisecond, and at least one second."""
        return _render(self.text, window)

    def reach(self, window: float) -> float:
        """How many seconds before its evaluation the query's evidence begins, with `$window` as so many seconds.

        An instant selector counts as its offset alone: how old its sample is, only the answer to `newest` tells.
        """
        seconds = _exact(window)
        return max([0.0, *(span.fixed + span.windows * seconds for span in self.spans)])

    def newest(self) -> str | None:
        """PromQL for the time of the newest sample behind each selector; `None` where the query has no selector.

        A selector is missing in the answer once its targets are gone, though a `rate` over it may still answer:
        at once where Prometheus has seen the series end, otherwise after its lookback (5 minutes unless
        configured). Ranges and offsets don't count here: what matters is whether the series live now.
        """
        times = (
            f'label_replace(max(timestamp({selector})), "selector", "{i}", "", "")'
            for i, selector in enumerate(self.selectors)
        )
        return " or ".join(times) or None


def _span(once: float, twice: float) -> Span:
    """The span that begins so many seconds back with the shortest window, and so many with twice of it."""
    windows = round((twice - once) / SHORTEST)
    if windows < 0:
        raise QueryError("`offset -$window` looks into the future, where there is no evidence: remove the minus")
    return Span(once - windows * SHORTEST, windows)


def _render(text: str, window: float) -> str:
    return syntax.set_window(text, duration.render(_exact(window)))


def _exact(window: float) -> float:
    """Whole milliseconds, rounded down: a window that began with its stage must not reach back before it."""
    return max(math.floor(window * 1000) / 1000, SHORTEST)
