"""Durations that are counted with, `[5m * 2]`: newer servers take them, and other dialects."""

import math
import re
from collections.abc import Mapping, Sequence

from .text import QueryError

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhdwy])")
_NUMBER = re.compile(r"\d+(?:\.\d*)?(?:e[+-]?\d+)?", re.IGNORECASE)
_SECONDS: Mapping[str, float] = {
    "ms": 0.001,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
    "d": 86400.0,
    "w": 604800.0,
    "y": 31536000.0,
}
_RANKS: Mapping[str, int] = {"+": 1, "-": 1, "*": 2, "/": 2, "%": 2, "^": 3}
_DEEPEST = 20
"""Brackets inside brackets, which nobody writes; each costs the reader a level of its own."""


def seconds(words: Sequence[str]) -> float:
    """What a duration comes to, by its words.

    Raises:
        QueryError: It can't be told, so that nobody knows which evidence the query stands on.
    """
    reading = _Reading(words)
    try:
        found = reading.sum(0, 0)
    except (ArithmeticError, IndexError, ValueError):
        found = math.nan
    if not math.isfinite(found) or reading.at < len(words):
        raise QueryError(
            f"how far back `{' '.join(words)}` looks can't be told here: write it out as a duration, such as 5m"
        )
    return found


class _Reading:
    """The words of one duration, read from left to right."""

    def __init__(self, words: Sequence[str]) -> None:
        self._words = words
        self.at = 0

    def sum(self, rank: int, depth: int) -> float:
        """What is there up to an operator that binds no closer than `rank`."""
        found = self._one(depth)
        while self.at < len(self._words) and _RANKS.get(self._words[self.at], 0) > rank:
            sign = self._words[self.at]
            self.at += 1
            # `a ^ b ^ c` is `a ^ (b ^ c)`, as everywhere.
            found = _counted(found, sign, self.sum(_RANKS[sign] - (sign == "^"), depth))
        return found

    def _one(self, depth: int) -> float:
        word = self._words[self.at]
        self.at += 1
        if depth > _DEEPEST:
            return math.nan
        if word in ("+", "-"):
            found = self.sum(_RANKS["*"], depth + 1)
            return -found if word == "-" else found
        if word == "(":
            found = self.sum(0, depth + 1)
            closed = self._words[self.at] == ")"
            self.at += 1
            return found if closed else math.nan
        return _value(word)


def _value(word: str) -> float:
    if _NUMBER.fullmatch(word):
        return float(word)
    parts = _DURATION.findall(word)
    if "".join(number + unit for number, unit in parts) != word:
        return math.nan
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)


def _counted(left: float, sign: str, right: float) -> float:
    match sign:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case "/":
            return left / right
        case "%":
            return math.fmod(left, right)
    return math.pow(left, right)
