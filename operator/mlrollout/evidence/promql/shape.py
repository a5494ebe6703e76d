"""When a query has an answer at all, by its shape alone: the operators and functions in it, of whatever dialect."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from .text import QueryError

COMPARISONS = frozenset({"==", "!=", ">", "<", ">=", "<="})
BOOL = "bool"
"""What a comparison does that answers with 0 or 1, and so always."""
_ABSENT = frozenset({"absent", "absent_over_time"})
_GUARDED_RIGHT = frozenset({"/", "%"})

_EITHER = "so no answer could mean healthy or broken"
_ALERTS = (
    f"an alert is pending or firing, {_EITHER}: write "
    '`(count(ALERTS{alertname="…",alertstate="firing"}) or vector(0)) and on() count(…)`, with max: 0, where the '
    "last part counts what the alert looks at, and so shows that it lives; better still, ask what the alert asks"
)


@dataclass(frozen=True, slots=True)
class Shape:
    """A part of a query.

    Attributes:
        does: The operator or function, by its name in PromQL; empty where it changes nothing here.
        parts: What it works on, in the order of the text.
        selects: Whether it takes samples somewhere.
        alerts: Whether it is a selector of the series of alerts.
    """

    does: str = ""
    parts: tuple["Shape", ...] = ()
    selects: bool = False
    alerts: bool = False

    @classmethod
    def of(cls, does: str, parts: Sequence["Shape"]) -> Self:
        """What an operator or a function makes of its parts."""
        return cls(does, tuple(parts), any(part.selects for part in parts))


def check(shape: Shape) -> None:
    """Refuse a query that answers only when something is wrong.

    Such a query never passes, as nothing is no number; or, worse, its silence is taken for health.

    Raises:
        QueryError: The query is such a one.
    """
    if why := _only_when_wrong(shape, guarded=False):
        raise QueryError(f"the query answers only while {why}")


def replaceable(does: str, place: int) -> bool:
    """Whether an operator or a function says what holds where the part at this place has no series."""
    return does == "or" or does in _ABSENT or (does == "unless" and place > 0)


def optional(shape: Shape) -> Iterator[bool]:
    """For each selector, in the order of the text, whether the user wrote what holds where it has no series."""
    pending = [(shape, False)]
    while pending:
        node, inside = pending.pop()
        if node.selects and not node.parts:
            yield inside
        around = [(part, inside or replaceable(node.does, place)) for place, part in enumerate(node.parts)]
        pending.extend(reversed(around))


def _only_when_wrong(node: Shape, *, guarded: bool) -> str:
    """What has to be so for the query to have any answer, and what to write instead; empty if nothing wrong has.

    Args:
        node: The part to look into.
        guarded: Whether it is the condition of something that is asked beside it. Then a comparison in it is no fault:
            `errors / (requests > 0)` is how people avoid a division by zero, and without requests it says so.
    """
    if node.alerts:
        return _ALERTS
    if node.does in _ABSENT:
        return _absent(node.does)
    if node.does in COMPARISONS and not guarded:
        return _comparison(node.does)
    if node.does == "or":
        found = [_only_when_wrong(part, guarded=guarded) for part in node.parts]
        return found[0] if all(found) else ""
    for place, part in enumerate(node.parts[:1] if node.does == "unless" else node.parts):
        # Where a constant stands before `and`, what comes after it is all that is asked.
        beside = node.does in _GUARDED_RIGHT or (node.does == "and" and node.parts[0].selects)
        if why := _only_when_wrong(part, guarded=guarded or (beside and place > 0)):
            return why
    return ""


def _absent(function: str) -> str:
    return (
        f"the series of `{function}` are missing, {_EITHER}: write `{function}(…) or vector(0)`, with max: 0; where it "
        "is well that they are missing, `… unless on() …`"
    )


def _comparison(sign: str) -> str:
    return (
        f"its comparison `{sign}` holds, {_EITHER}: leave the comparison out and give the limit as max or min, "
        f"or write `{sign} bool`; where nothing left means healthy, write `(…) or vector(0)`"
    )
