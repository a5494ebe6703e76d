"""The last looks at a guardrail on one line: `0.021 0.019 - 0.024? 0.071!`.

A line and not a list, so that `kubectl describe` shows it as one. The oldest is first; `!` stands behind a breach, `?`
behind what is inconclusive, and `-` for a look without an answer. People and the command line read it; nothing is
decided by it.
"""

import math
from typing import NamedTuple

KEPT = 16
"""How many looks a line keeps."""
LONGEST = KEPT * 13
"""How many characters it has at most: each look a number of 11, a mark, and the space before it."""

_MARKS = {"Pass": "", "Breach": "!"}


class PastLook(NamedTuple):
    """One look.

    Attributes:
        value: The number that was found, to four digits; `None` for none.
        breached: Whether it was a breach.
    """

    value: float | None
    breached: bool


def longer(line: str, finding: str, value: float | None) -> str:
    """A line with one more look at its end.

    Args:
        line: What it was.
        finding: What the look came to: `Pass`, `Breach`, `Inconclusive`, `NoData` or `Error`.
        value: The number that was found, if any.
    """
    look = "-" if finding in ("NoData", "Error") else _number(value) + _MARKS.get(finding, "?")
    return " ".join((*line.split()[1 - KEPT :], look or "-"))


def newest(line: object) -> object:
    """What of a line the object takes; it may be longer by the hand of another version."""
    if not isinstance(line, str) or len(line) <= LONGEST:
        return line
    return line[-LONGEST:].partition(" ")[2]


def looks(line: str) -> tuple[PastLook, ...]:
    """The looks of a line that anybody may have written."""
    return tuple(PastLook(_value(one.rstrip("!?")), one.endswith("!")) for one in line.split()[-KEPT:])


def _number(value: float | None) -> str:
    return "" if value is None or not math.isfinite(value) else f"{value:.4g}"


def _value(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
