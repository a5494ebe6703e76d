"""How often requests fail as time goes on, and the counters that say so."""

import itertools
from collections.abc import Callable, Iterator

from tests.pure.evidence.checks.counters import Counters

HOUR = 3600.0


def healthy(_: float) -> float:
    return 0.01


def late(at: float) -> float:
    return 0.01 if at < 2 * HOUR else 0.2


def constant(value: float) -> Callable[[float], float]:
    return lambda _: value


def steps(*each: float) -> Iterator[float]:
    return itertools.chain(each, itertools.repeat(each[-1], 240))


def counters(failed: Iterator[float], every: Iterator[float]) -> Counters:
    found = Counters()
    found.scraped("failed_total", failed)
    found.scraped("all_total", every)
    return found
