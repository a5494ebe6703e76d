"""What one thing that is asked of a label says about another, as far as both name their values.

A regular expression of words between bars (`success|failure`) names its values; any other is not read.
"""

import re
from collections.abc import Collection

LabelAsked = tuple[str, str, str]
"""A label, how it is asked (`MatchOp.…`), and the string as it is written, in its quotes."""

_WORDS = re.compile(r"[\w-]*(?:\|[\w-]*)*")
_ESCAPED = re.compile(r'\\(["\'\\])')
_ANYTHING, _SOMETHING = ".*", ".+"
_NAMING = frozenset({"MatchOp.Equal", "MatchOp.Re"})
_DENYING = frozenset({"MatchOp.NotEqual", "MatchOp.NotRe"})


def unquoted(string: str) -> str:
    """What is in a string: its quotes are a matter of taste."""
    inside = string[1:-1]
    return inside if string.startswith("`") else _ESCAPED.sub(r"\1", inside)


def implied(asked: LabelAsked, others: Collection[LabelAsked]) -> bool:
    """Whether what keeps to all of `others` keeps to this as well, as far as it can be told."""
    label, op, string = asked
    if op == "MatchOp.Re" and unquoted(string) == _ANYTHING:
        return True
    named = _named(label, others)
    if named is not None and (kept := _kept(asked, named)) is not None:
        return kept == named
    same = (label, op, unquoted(string))
    return any(same == (*other[:2], unquoted(other[2])) for other in others)


def excluded(asked: LabelAsked, others: Collection[LabelAsked]) -> bool:
    """Whether nothing that keeps to all of `others` keeps to this."""
    named = _named(asked[0], others)
    return named is not None and _kept(asked, named) == frozenset()


def edge(others: Collection[LabelAsked]) -> float | None:
    """The edge of the one bucket that `le` asks for; `None` where it asks for none, or for several."""
    found = [unquoted(string) for label, op, string in others if (label, op) == ("le", "MatchOp.Equal")]
    try:
        return float(found[0]) if len(found) == 1 else None
    except ValueError:
        return None


def _named(label: str, others: Collection[LabelAsked]) -> frozenset[str] | None:
    """The values that a label may have by one of these; `None` where none names them."""
    found = (_values(op, string) for name, op, string in others if name == label and op in _NAMING)
    return next((values for values in found if values is not None), None)


def _values(op: str, string: str) -> frozenset[str] | None:
    text = unquoted(string)
    if op in ("MatchOp.Equal", "MatchOp.NotEqual"):
        return frozenset({text})
    return frozenset(text.split("|")) if _WORDS.fullmatch(text) else None


def _kept(asked: LabelAsked, values: frozenset[str]) -> frozenset[str] | None:
    """Which of some values keep to what is asked; `None` where that is not read."""
    _, op, string = asked
    if op == "MatchOp.Re" and unquoted(string) == _SOMETHING:
        return values - {""}
    named = _values(op, string)
    if named is None:
        return None
    return values - named if op in _DENYING else values & named
