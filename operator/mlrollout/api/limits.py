"""The limits of a value, `min` and `max`: the one place that holds a value against them.

A limit itself belongs to the good side. Infinity is a number like any other; NaN lies inside no limits.
"""

from typing import Annotated, Protocol

from pydantic import Field

Limit = Annotated[float, Field(allow_inf_nan=False)]


class Limits(Protocol):
    """Whatever has a lowest and a highest good value, of which at least one is given."""

    @property
    def min(self) -> float | None:
        """The lowest good value."""
        ...

    @property
    def max(self) -> float | None:
        """The highest good value."""
        ...


_CROSSED = "min must not be greater than max"
CROSSED_RULE = ("!has(self.min) || !has(self.max) || self.min <= self.max", _CROSSED)
"""The rule that `check_order` keeps, as CEL for the API server, with its message."""


def cel_rules(what: str) -> tuple[tuple[str, str], tuple[str, str]]:
    """The rules that `check` keeps, as CEL for the API server, with their messages."""
    return (
        ("has(self.min) || has(self.max)", _absent(what)),
        CROSSED_RULE,
    )


def check(limits: Limits, what: str) -> None:
    """Refuse limits that nothing or everything keeps.

    Args:
        limits: As the user wrote them.
        what: Whose they are, for the message.

    Raises:
        ValueError: There is none, or the lower one lies above the higher.
    """
    if limits.min is None and limits.max is None:
        raise ValueError(_absent(what))
    check_order(limits)


def check_order(limits: Limits) -> None:
    """Refuse limits that no value keeps.

    Raises:
        ValueError: The lower one lies above the higher.
    """
    if limits.min is not None and limits.max is not None and limits.min > limits.max:
        raise ValueError(f"{_CROSSED}: {listed(limits, digits=15)}")


def _absent(what: str) -> str:
    return f"{what} needs a limit: min, max or both"


def contains(limits: Limits, value: float) -> bool:
    """Whether a value keeps every limit that is given."""
    return (limits.min is None or limits.min <= value) and (limits.max is None or value <= limits.max)


def position(limits: Limits, value: float) -> str:
    """Where a value lies, for people: `above max 0.05`, `within min 0.9 and max 1`."""
    if limits.max is not None and value > limits.max:
        return f"above max {limits.max:.15g}"
    if limits.min is not None and value < limits.min:
        return f"below min {limits.min:.15g}"
    return f"within {listed(limits, digits=15)}"


def listed(limits: Limits, *, digits: int) -> str:
    """The limits for people, with so many significant digits: `min 0.9 and max 1`."""
    bounds = (("min", limits.min), ("max", limits.max))
    return " and ".join(f"{name} {bound:.{digits}g}" for name, bound in bounds if bound is not None)


def shown_beside(limits: Limits, value: float | None) -> float | None:
    """The one limit to show beside a value, where there is room for one: `min` if it lies below that, else `max`.

    Of a guardrail without the one it is the other.
    """
    below = limits.min is not None and value is not None and value < limits.min
    return limits.min if limits.max is None or below else limits.max
