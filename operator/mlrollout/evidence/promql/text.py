"""PromQL as text: its strings, its comments, and the one variable there is."""

import re
from collections.abc import Mapping

TOKEN = re.compile(
    r"""
    (?P<string> "(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])*' | `[^`]*` )
    | (?P<comment> \#[^\n]* )
    | (?<!\w)\$(?P<variable>\w*)
    """,
    re.VERBOSE | re.DOTALL,
)
"""Strings and comments stand before the variable, so that a `$` inside one is left alone."""
_WORD = re.compile(r"\w+|[^\w\s]")
MAX_WORDS = 500
"""Words and signs in a query. The parser's time grows with their square, and the operator stands still meanwhile."""

FIXED_TIME = "`@` with a fixed time is not evidence about now: remove it"


class QueryError(ValueError):
    """The query can't be evidence; the text says why and what to write instead."""


def set_window(text: str, value: str) -> str:
    """The text with each `$window` outside strings and comments replaced.

    Raises:
        QueryError: It holds another variable.
    """

    def replace(token: re.Match[str]) -> str:
        if token["variable"] not in (None, "window"):
            raise QueryError(f"`{token[0]}` is not known here: only `$window` stands for something, a duration")
        return token[0] if token["variable"] is None else value

    return TOKEN.sub(replace, text)


def without_strings(text: str) -> tuple[str, Mapping[str, str]]:
    """The query with a number for each string and no comments, and what the numbers stand for.

    The parser would compile regular expressions, which can take it seconds, and it reads escapes where
    PromQL has none. What is in a string, Prometheus judges.

    Raises:
        QueryError: It is too long to be read.
    """
    strings: dict[str, str] = {}

    def replace(token: re.Match[str]) -> str:
        if token["string"]:
            number = f"${len(strings)}"
            strings[number] = token[0]
            return f'"{number}"'
        return "" if token["comment"] else token[0]

    bare = TOKEN.sub(replace, text)
    if len(_WORD.findall(bare)) > MAX_WORDS:
        raise QueryError(f"the query has more than {MAX_WORDS} words and signs: put a part into a recording rule")
    return bare, strings
