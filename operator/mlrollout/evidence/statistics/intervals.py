"""Intervals that hold the true value at every look at once, with the chance that was asked for. For display alone.

The same stake as everywhere, the other way round: a share is left out once a bet against it has won too much. The bet
is spread over all shares so that it loses little whatever the true one is (the Jeffreys prior, in Robbins' method of
mixtures). They are of one stage, whose percentage does not change.
"""

import math
from dataclasses import dataclass

from .blocks import Counts

FURTHEST = 745.0
"""The log-odds beyond which a share can't be told from 0 or 1."""


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate, `None` without events, between two bounds."""

    low: float
    estimate: float | None
    high: float


def of_rate(counts: Counts, alpha: float) -> Interval:
    """The interval of a share of bad events."""
    low, high = (_share(odds) for odds in _log_odds(counts.bad, counts.events, alpha))
    return Interval(low, counts.bad / counts.events if counts.events else None, high)


def of_ratio(treatment: Counts, control: Counts, alpha: float) -> Interval:
    """The interval of how many times the control's share of bad events the treatment's is.

    Of all bad events together, by how many are the treatment's beside its part of all events: so the control's share
    itself, which may change all the time, has no part in it.
    """
    if not (treatment.events and control.events):
        return Interval(0.0, None, math.inf)
    low, high = _log_odds(treatment.bad, treatment.bad + control.bad, alpha)
    even = math.log(treatment.events) - math.log(control.events)
    estimate = (treatment.bad / treatment.events) / (control.bad / control.events) if control.bad else None
    return Interval(_odds(low - even), estimate, _odds(high - even))


def of_difference(treatment: Counts, control: Counts, alpha: float) -> Interval:
    """The interval of the treatment's share of bad events less the control's; each has its own at half of `alpha`."""
    one, other = of_rate(treatment, alpha / 2), of_rate(control, alpha / 2)
    known = one.estimate is not None and other.estimate is not None
    estimate = treatment.bad / treatment.events - control.bad / control.events if known else None
    return Interval(one.low - other.high, estimate, one.high - other.low)


def _log_odds(bad: float, events: float, alpha: float) -> tuple[float, float]:
    """The bounds of a share as log-odds."""
    good = events - bad
    least = _log_beta(bad + 0.5, good + 0.5) - _log_beta(0.5, 0.5) + math.log(alpha)

    low = _edge(bad, good, least, -FURTHEST) if bad else -math.inf
    return low, _edge(bad, good, least, FURTHEST) if good else math.inf


def _edge(bad: float, good: float, least: float, outside: float) -> float:
    """Where so many events end to be likely, by Newton's method, which comes to it from the unlikely side alone."""

    def step(odds: float) -> float:
        above = -bad * _soft(-odds) - good * _soft(odds) - least
        return -above / (bad * _share(-odds) - good * _share(odds))

    inward = -math.copysign(1.0, outside)
    while (outside + (move := step(outside)) - outside) * inward > 0:
        outside += move
    return outside


def _soft(odds: float) -> float:
    """log(1 + e^odds), without overflow."""
    return max(odds, 0.0) + math.log1p(math.exp(-abs(odds)))


def _share(odds: float) -> float:
    return math.exp(-_soft(-odds)) if odds > -math.inf else 0.0


def _odds(log: float) -> float:
    return math.exp(log) if log < math.inf else math.inf


def _log_beta(one: float, other: float) -> float:
    return math.lgamma(one) + math.lgamma(other) - math.lgamma(one + other)
