"""When blocks end: on one grid of wall time, so that every replica and every replay has the same ones."""

import math
from collections.abc import Iterator

SCRAPES = 2
"""How many scrapes a block's end lies back, so that the last sample before it has arrived everywhere."""
BEFORE = 300.0
"""Seconds before a block from which samples are read too: what the counters stood at, and how fast they grow."""


def latest(now: float, step: float, scrape: float, delay: float = 0.0) -> float:
    """The end of the newest block that is complete.

    Args:
        now: Seconds since the epoch.
        step: Seconds of a block.
        scrape: Seconds between two scrapes.
        delay: Seconds more until samples can be queried, behind remote write for example.
    """
    return math.floor((now - SCRAPES * scrape - delay) / _positive(step)) * step


def ends(after: float, upto: float, step: float) -> Iterator[float]:
    """The ends of the blocks after one moment and up to another."""
    at = math.floor(after / _positive(step)) + 1
    while at * step <= upto:
        yield at * step
        at += 1


def _positive(step: float) -> float:
    if not 0 < step < math.inf:
        raise ValueError(f"a block lasts longer than nothing, not {step:.15g} s")
    return step
