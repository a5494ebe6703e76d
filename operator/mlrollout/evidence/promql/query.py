"""A guardrail's PromQL: whether it can be evidence at all, how far back it looks, and where it takes its samples."""

import math
from dataclasses import dataclass
from typing import Self

from mlrollout.api import duration

from . import dialect, selection, shape, syntax
from .selection import Selection
from .text import QueryError, set_window, without_strings

__all__ = ["Query", "QueryError", "WindowedSelection"]

_LONG = 1000.0
"""A `$window` at which it shows whether a duration grows evenly with it."""
SHORTEST = 1.0
"""The shortest duration that `$window` stands for, in seconds: a stage that has just begun has no window yet."""


@dataclass(frozen=True, slots=True)
class WindowedDuration:
    """A stretch of time: `fixed` seconds and `windows` times `$window`."""

    fixed: float
    windows: float = 0

    def seconds(self, window: float) -> float:
        """How long it is with `$window` as so many seconds."""
        return self.fixed + self.windows * _exact(window)


@dataclass(frozen=True, slots=True)
class WindowedSelection:
    """One place where a query takes samples, with any window; see `Selection` for what is not said here.

    Attributes:
        selection: The place, with the shortest window.
        begins: How far before the evaluation its samples begin.
        width: How long its range is.
    """

    selection: Selection
    begins: WindowedDuration
    width: WindowedDuration


@dataclass(frozen=True, slots=True)
class Query:
    """PromQL that can answer with one number; `Query.parse` is the way to make one.

    Attributes:
        text: As the user wrote it. `$window` in a range, a subquery or an offset stands for a duration.
        selections: Where it takes its samples.
        loses_le: Whether it takes a quantile over buckets without the label that tells them apart.
        unread: Why only its words could be read and not its meaning; empty where it was understood. Then `selections`
            is a guess, and `reach` a bound.
    """

    text: str
    selections: tuple[WindowedSelection, ...]
    loses_le: bool = False
    unread: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """The query in a text.

        Reading the most tangled text that is accepted can take 0.1 s, so do it once; all the rest is cheap.

        Raises:
            QueryError: It can't answer with a number, answers only when something is wrong, or looks at a moment
                that has nothing to do with now. Whether it is PromQL at all, the server decides.
        """
        once, twice = (_read(_render(text, windows * SHORTEST)) for windows in (1, 2))
        if once.unread:
            _check_even(once, twice, _read(_render(text, _LONG)))
        selections = tuple(_windowed(one, two) for one, two in zip(once.selections, twice.selections, strict=True))
        return cls(text, selections, once.loses_le, once.unread)

    def render(self, window: float) -> str:
        """The PromQL to send, with `$window` as so many seconds: to the millisecond, and at least one second."""
        return _render(self.text, window)

    def reach(self, window: float, longest: float = 0.0) -> float:
        """How many seconds before its evaluation the query's evidence begins, with `$window` as so many seconds.

        An instant selector counts as its offset alone: how old its sample is, only the samples tell.

        Args:
            window: What `$window` stands for.
            longest: What a range is taken for that can't be read off a query of another dialect.
        """
        untold = any(not one.selection.width for one in self.selections) if self.unread else False
        return max([longest if untold else 0.0, *(one.begins.seconds(window) for one in self.selections)])


@dataclass(frozen=True, slots=True)
class _Parsed:
    selections: tuple[Selection, ...]
    loses_le: bool = False
    unread: str = ""


def _read(text: str) -> _Parsed:
    bare, strings = without_strings(text)
    try:
        tree = syntax.parse(bare)
    except syntax.UnreadableError as error:
        return _Parsed(tuple(dialect.selections(bare, strings)), unread=str(error))
    syntax.check(tree)
    shape.check(syntax.shape(tree, strings))
    return _Parsed(tuple(selection.selections(tree, strings)), syntax.loses_le(tree, strings))


def _windowed(once: Selection, twice: Selection) -> WindowedSelection:
    return WindowedSelection(once, _duration(once.begins, twice.begins), _duration(once.width, twice.width))


def _duration(once: float, twice: float) -> WindowedDuration:
    """The duration that is so many seconds long with the shortest window, and so many with twice of it."""
    windows = round((twice - once) / SHORTEST, 9)
    if windows < 0:
        raise QueryError("`offset -$window` looks into the future, where there is no evidence: remove the minus")
    return WindowedDuration(once - windows * SHORTEST, windows)


def _check_even(*read: _Parsed) -> None:
    """Refuse a duration that does not grow evenly with `$window`: from two windows nobody can tell it for a third.

    Args:
        read: The query with the shortest window, with twice of it, and with `_LONG`.

    Raises:
        QueryError: There is one.
    """
    for one, two, long in zip(*(each.selections for each in read), strict=True):
        expected = one.begins + (two.begins - one.begins) / SHORTEST * (_LONG - SHORTEST)
        if not math.isclose(long.begins, expected, abs_tol=0.001):
            raise QueryError("`$window` may be multiplied by a number or have one added, and nothing else")


def _render(text: str, window: float) -> str:
    return set_window(text, duration.render(_exact(window)))


def _exact(window: float) -> float:
    """Whole milliseconds, rounded down: a window that began with its stage must not reach back before it."""
    return max(math.floor(window * 1000) / 1000, SHORTEST)
