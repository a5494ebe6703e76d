"""Numbers as people read them in a message: short, stable, and never on the wrong side of a limit."""

import math

from mlrollout.api import duration
from mlrollout.api.limits import Limits, position
from mlrollout.evidence.measurement import Evidence

_BELIEVABLE = 1e9
"""Seconds; a sample from decades ago is a clock or a server gone wrong."""


def line(limits: Limits, value: float, reach: float, count: float | None) -> str:
    """A value, its limit, and what it stands on: `0.071 is above max 0.05 (window 5m, 1240 samples)`."""
    basis = [f"window {duration.rough(reach)}"] if round(reach, 3) else []
    basis += [] if count is None else [f"{math.floor(count):.15g} samples"]
    return f"{_value(limits, value)} is {position(limits, value)}" + (f" ({', '.join(basis)})" if basis else "")


def percent(share: float) -> str:
    """A share for people: `6.12 %`."""
    return f"{100 * share:.3g} %"


def share(part: float, every: float, what: str) -> str:
    """A share for people, with what it stands on: `6.1 % are bad (61 of 1000)`."""
    return f"{percent(part / every)} {what} ({part:.15g} of {every:.15g})" if every else "no events yet"


def proven(evidence: Evidence) -> str:
    """What is proven in this stage, for people."""
    return "; proven safe" if evidence.proven else ""


def chance(evidence: Evidence) -> str:
    """How seldom a breach is a false alarm, for people."""
    return f"by chance alone, that is seen in less than {percent(evidence.false_alarm)} of all attempts"


def false_alarm(evidence: Evidence) -> str:
    """The same in fewer words, where there is much to tell."""
    return f"chance of a false alarm below {percent(evidence.false_alarm)}"


def times(ratio: float) -> str:
    """A ratio for people: `3.2`, `20`."""
    return f"{ratio:.2g}" if ratio < 99.5 else f"{ratio:.0f}"  # noqa: PLR2004 - where `g` begins to write exponents


def points(difference: float) -> str:
    """A difference of shares for people: `4.2 points`."""
    return f"{100 * difference:.2g} points"


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
