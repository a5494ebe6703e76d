"""The shape of a query that the parser does not know, by its words: which operators and functions stand around what."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .shape import BOOL, COMPARISONS, Shape

_NAME = re.compile(r"[a-z_:][\w:]*")
_RANKS: Mapping[str, int] = {
    "default": 0,
    "if": 1,
    "ifnot": 1,
    "or": 2,
    "and": 3,
    "unless": 3,
    **dict.fromkeys((*COMPARISONS, BOOL), 4),
    "+": 5,
    "-": 5,
    **dict.fromkeys(("*", "/", "%", "atan2"), 6),
    "^": 7,
}
"""How close an operator binds, as in MetricsQL, which agrees with PromQL where that has it."""
_PROMQL: Mapping[str, str] = {"default": "or", "if": "and", "ifnot": "unless", "union": "or"}
_CONSTANT = frozenset({"inf", "nan"})


class _BrokenError(ValueError):
    """The words make no expression, or one of a grammar that nobody knows here."""


@dataclass(slots=True)
class _Bracket:
    """What was read of a bracket that is still open: its function, the parts before, and the part that is read."""

    does: str = ""
    parts: list[Shape] = field(default_factory=list)
    values: list[Shape] = field(default_factory=list)
    signs: list[str] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether the part that is read could end here."""
        return len(self.values) > len(self.signs)

    def add(self, value: Shape) -> None:
        if self.complete:
            raise _BrokenError
        self.values.append(value)

    def operator(self, sign: str) -> None:
        if self.complete:
            self._join(_RANKS[sign])
            self.signs.append(sign)
        elif sign == BOOL and self.signs[-1:] and self.signs[-1] in COMPARISONS:
            self.signs[-1] = BOOL
        elif sign not in ("+", "-"):  # what stands before a value is its sign
            raise _BrokenError

    def end_part(self) -> None:
        if not self.complete:
            raise _BrokenError
        self._join(0)
        self.parts.append(self.values.pop())

    def close(self) -> Shape:
        if self.parts or self.values or self.signs:
            self.end_part()
        # Several between mere brackets are MetricsQL's `union`.
        does = _PROMQL.get(self.does, self.does) or ("or" if len(self.parts) > 1 else "")
        return Shape.of(does, self.parts)

    def _join(self, rank: int) -> None:
        """Join what binds at least so close; that `^` begins on its right makes no difference here."""
        while self.signs and _RANKS[self.signs[-1]] >= rank:
            sign, right, left = self.signs.pop(), self.values.pop(), self.values.pop()
            self.values.append(Shape.of(_PROMQL.get(sign, sign), (left, right)))


def shape(words: Sequence[str | Shape]) -> Shape | None:
    """When the query has an answer; `None` where its words don't tell.

    Args:
        words: In lower case, without ranges, offsets and lists of labels. Each selector is a shape already.
    """
    try:
        return _read(words)
    except _BrokenError:
        return None


def _read(words: Sequence[str | Shape]) -> Shape:
    brackets, name = [_Bracket()], ""
    for word in words:
        called, name = name, ""
        if isinstance(word, Shape):
            brackets[-1].add(word)
        elif word in _RANKS:
            brackets[-1].operator(word)
        elif word == "(":
            brackets.append(_Bracket(called))
        elif word == ",":
            brackets[-1].end_part()
        elif word == ")":
            closed = brackets.pop().close()
            if not brackets:
                raise _BrokenError
            brackets[-1].add(closed)
        elif _NAME.fullmatch(word) and word not in _CONSTANT:
            name = word
        else:
            brackets[-1].add(Shape())
    if len(brackets) > 1:
        raise _BrokenError
    return brackets[0].close()
