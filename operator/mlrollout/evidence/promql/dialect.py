"""A query that the parser does not know, read word by word: another dialect, or a function newer than the parser.

Whether it can be answered, the server decides. What is needed here is where it takes its samples: every name
that is no function and no keyword is taken for a series, and every duration in it for time that it looks back. And when
it has an answer, and what the user wrote for a series that is missing: that its operators and functions show.
"""

import re
from collections.abc import Mapping, Sequence

from . import shape, words
from .durations import seconds
from .selection import Selection
from .shape import Shape
from .syntax import alerts
from .text import FIXED_TIME, QueryError

_TOKEN = re.compile(r'"\$\d+"|[A-Za-z_:][\w:]*|\.?\d[\w.]*|[!=]~|[!=<>]=|\S')
_NAME = re.compile(r"[A-Za-z_:][\w:]*")
_LISTS = frozenset({"by", "without", "on", "ignoring", "group_left", "group_right", "fill", "fill_left", "fill_right"})
_KEYWORDS = _LISTS | {
    *("and", "or", "unless", "bool", "offset", "default", "if", "ifnot", "limit", "keep_metric_names", "atan2"),
    *("inf", "nan", "anchored", "smoothed"),
}
_AFTER_FUNCTIONS = frozenset({"(", "by", "without"})
"""What makes the name before it a function's: `sum by (a) (x)`."""
_UNHEARD = _LISTS | {"keep_metric_names"}


def selections(bare: str, strings: Mapping[str, str]) -> Sequence[Selection]:
    """What a query seems to take its samples from, each as far back as all of its durations together.

    Args:
        bare: The query without strings and comments.
        strings: The strings.

    Raises:
        QueryError: Its series can't be told, or how far back it looks; or it answers only when something is wrong.
    """
    tokens = _TOKEN.findall(bare)
    if "with" in (token.lower() for token in tokens):
        raise QueryError("what a `WITH` template stands for can't be told here: write the query out")
    reading = _DialectReading(tokens, strings)
    reading.read()
    found, read = reading.found, words.shape(reading.words)
    # Where that can't be told, nothing counts as having a fallback: at the worst a series is missed, which is no data.
    optional = [False] * len(found) if read is None else list(shape.optional(read))
    if read is not None:
        shape.check(read)
    return tuple(
        Selection(selector, reading.back, width=reading.back if ranged else 0.0, optional=one, passing=alerts(selector))
        for (selector, ranged), one in zip(found, optional, strict=True)
    )


class _DialectReading:
    """The words of a query, read from left to right.

    Attributes:
        found: The selectors, each with whether it has a range.
        back: How far all durations go back together, in seconds.
        words: What is left without ranges, offsets and lists of labels: what the shape is read from.
    """

    def __init__(self, tokens: Sequence[str], strings: Mapping[str, str]) -> None:
        self._tokens = tokens
        self._strings = strings
        self.found: list[tuple[str, bool]] = []
        self.back = 0.0
        self.words: list[str | Shape] = []

    def read(self) -> None:
        """Read all of them.

        Raises:
            QueryError: How far back the query looks can't be told.
        """
        at = 0
        while at < len(self._tokens):
            at = self._one(at) + 1

    def _one(self, at: int) -> int:
        """Read what begins with this token; where it ends."""
        tokens, word, end = self._tokens, self._tokens[at].lower(), at
        following = "".join(tokens[at + 1 : at + 2]).lower()
        if word in _LISTS and following == "(":
            end = _closing(tokens, at, ")")
        elif word == "[":
            end = _closing(tokens, at, "]")
            self.back += max(0.0, _range(tokens[at + 1 : end]))
        elif word == "offset":
            back, end = _offset(tokens, at + 1)
            self.back += back
        elif word == "@":
            if following not in ("start", "end"):
                raise QueryError(FIXED_TIME)
            end = _closing(tokens, at, ")")
        elif word == "limit":
            end = at + 1
        elif word == "{" or (_NAME.fullmatch(word) and word not in _KEYWORDS and following not in _AFTER_FUNCTIONS):
            selector, end = _selector(tokens, at, self._strings)
            self.found.append((selector, tokens[end + 1 : end + 2] == ["["]))
            self.words.append(Shape(selects=True, alerts=alerts(selector)))
        elif word not in _UNHEARD:
            self.words.append(word)
        return end


def _selector(words: Sequence[str], at: int, strings: Mapping[str, str]) -> tuple[str, int]:
    """The selector that begins with this word, and where it ends."""
    name, opening = ("", at) if words[at] == "{" else (words[at], at + 1)
    if words[opening : opening + 1] != ["{"]:
        return f"{name}{{}}", at
    closing = _closing(words, opening, "}")
    labels = "".join(
        f" {word} " if word.lower() == "or" else strings.get(word.strip('"'), word)
        for word in words[opening + 1 : closing]
    )
    return f"{name}{{{labels}}}", closing


def _closing(words: Sequence[str], opening: int, sign: str) -> int:
    """Where a bracket closes; the last word where it doesn't, which the server will not like either."""
    return next((at for at in range(opening, len(words)) if words[at] == sign), len(words) - 1)


def _range(words: Sequence[str]) -> float:
    """How long a range is; 0 where it says nothing. What follows a colon is a subquery's resolution."""
    length = next((at for at, word in enumerate(words) if word.startswith(":")), len(words))
    return seconds(words[:length]) if length else 0.0


def _offset(words: Sequence[str], at: int) -> tuple[float, int]:
    """How far back an offset goes, and where it ends; what lies ahead counts as nothing."""
    end = at
    while words[end : end + 1] in (["-"], ["+"]):
        end += 1
    depth = 0
    while end < len(words):
        depth += {"(": 1, ")": -1}.get(words[end], 0)
        if depth <= 0:
            break
        end += 1
    written = words[at : end + 1]
    return max(0.0, seconds(written)) if written else 0.0, end
