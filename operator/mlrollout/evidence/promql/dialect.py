"""A query that the parser does not know, read word by word: another dialect, or a function newer than the parser.

Whether it can be answered, the server decides. What is needed here is where it takes its samples: every name
that is no function and no keyword is taken for a series, and every duration in it for time that it looks back.
"""

import re
from collections.abc import Mapping, Sequence

from .durations import seconds
from .selection import Selection
from .text import FIXED_TIME, QueryError

_TOKEN = re.compile(r'"\$\d+"|[A-Za-z_:][\w:]*|\d[\w.]*|[!=]~|!=|\S')
_NAME = re.compile(r"[A-Za-z_:][\w:]*")
_LISTS = frozenset({"by", "without", "on", "ignoring", "group_left", "group_right"})
_KEYWORDS = _LISTS | {
    *("and", "or", "unless", "bool", "offset", "default", "if", "ifnot", "limit", "keep_metric_names", "atan2"),
    *("inf", "nan", "anchored", "smoothed", "fill", "fill_left", "fill_right"),
}


def selections(bare: str, strings: Mapping[str, str]) -> Sequence[Selection]:
    """What a query seems to take its samples from, each as far back as all of its durations together.

    Args:
        bare: The query without strings and comments.
        strings: The strings.

    Raises:
        QueryError: Its series can't be told, or how far back it looks.
    """
    words = _TOKEN.findall(bare)
    if "with" in (word.lower() for word in words):
        raise QueryError("what a `WITH` template stands for can't be told here: write the query out")
    found: list[tuple[str, bool]] = []
    back, at = 0.0, 0
    while at < len(words):
        word, following = words[at].lower(), "".join(words[at + 1 : at + 2])
        if word in _LISTS and following == "(":
            at = _closing(words, at, ")")
        elif word == "[":
            end = _closing(words, at, "]")
            back += max(0.0, _range(words[at + 1 : end]))
            at = end
        elif word == "offset":
            back += _offset(words, at + 1)
        elif word == "@" and following.lower() not in ("start", "end"):
            raise QueryError(FIXED_TIME)
        elif word == "{" or (_NAME.fullmatch(word) and word not in _KEYWORDS and following != "("):
            selector, at = _selector(words, at, strings)
            found.append((selector, words[at + 1 : at + 2] == ["["]))
        at += 1
    return tuple(Selection(selector, back, width=back if ranged else 0.0) for selector, ranged in found)


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


def _offset(words: Sequence[str], at: int) -> float:
    """How far back an offset goes; what lies ahead counts as nothing."""
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
    return max(0.0, seconds(written)) if written else 0.0
