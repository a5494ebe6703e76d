"""Whether what there is to choose from now is still what it was: the population stability index of each feature.

It is asked of the version that is rolled out, and not of the champion: with the champion the world has changed, and
that is what its successor has learned from. Where a model prefers rested drivers they are soon rare. So a guardrail
leaves that feature out: what a model does to its own inputs grows with its percentage, and is no drift.

PSI is the sum of (now - then) · ln(now / then) over the shares of values in a few bins: 0 where nothing has changed;
from 0.1 on people look, and above 0.25 the inputs count as other ones. It asks what could have been chosen, and not
what was: a better model chooses other vehicles, and that is no drift.
"""

from collections.abc import Mapping, Sequence
from math import fsum, log

from dispatch.model import FEATURES

from .outcome import Inputs

BINS = 5
"""Of equal width, from 0 to 1. A fleet of some dozen vehicles would fill more of them by chance alone."""
NEEDED = 200
"""With fewer values there is nothing to be said."""


def spread(values: Sequence[Inputs]) -> dict[str, list[float]]:
    """The shares of each feature's values in each bin, none of them 0; empty where there are too few."""
    if len(values) < NEEDED:
        return {}
    return {name: _shares([one[i] for one in values]) for i, name in enumerate(FEATURES)}


def _shares(values: Sequence[float]) -> list[float]:
    counts = [0.5] * BINS  # half a value in each: the logarithm of nothing is none
    for value in values:
        counts[min(int(value * BINS), BINS - 1)] += 1
    return [round(count / fsum(counts), 6) for count in counts]


def psi(then: Mapping[str, Sequence[float]], now: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """The index of each feature of which both are known, in the same bins."""
    return {
        name: fsum((after - before) * log(after / before) for before, after in zip(then[name], now[name], strict=True))
        for name in now
        if len(then.get(name, ())) == len(now[name])
    }
