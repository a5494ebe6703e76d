"""Numbers as people read them in a message: short, stable, and never on the wrong side of a limit."""

import math

from mlrollout.api import duration
from mlrollout.api.limits import Limits, position

_BELIEVABLE = 1e9
"""Seconds; a sample from decades ago is a clock or a server gone wrong."""


def line(limits: Limits, value: float, reach: float, count: float | None) -> str:
    """A value, its limit, and what it stands on: `0.071 is above max 0.05 (window 5m, 1240 samples)`."""
    basis = [f"window {duration.rough(reach)}"] if round(reach, 3) else []
    basis += [] if count is None else [f"{math.floor(count):.15g} samples"]
    return f"{_value(limits, value)} is {position(limits, value)}" + (f" ({', '.join(basis)})" if basis else "")


def ago(seconds: float, limit: float) -> str:
    """How long ago something was, where that is too long: `3m ago (maxAge is 2m)`."""
    when = f"{duration.render(seconds)} ago" if seconds < _BELIEVABLE else "at an unknown time"
    return f"{when} (maxAge is {duration.render(limit)})"


def _value(limits: Limits, value: float) -> str:
    """Four significant digits, and all of them only where four would move it across a limit."""
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    rounded = float(f"{value:.4g}")
    return f"{rounded + 0.0:.15g}" if position(limits, rounded) == position(limits, value) else repr(value)
