"""Blocks one after the other, and every way in which they can turn out."""

import itertools
import math
from collections.abc import Callable, Sequence
from typing import TypeVar

from mlrollout.evidence.statistics.blocks import Block, Counts

BEGIN = 1_800_000_000.0
State = TypeVar("State")
Content = TypeVar("Content")


def states(
    begin: State, update: Callable[[State, Block[Content]], State], blocks: Sequence[Content], seconds: float = 15.0
) -> list[State]:
    """The state before the first block and after each."""
    found = [begin]
    for at, content in enumerate(blocks):
        found.append(update(found[-1], Block(BEGIN + at * seconds, BEGIN + (at + 1) * seconds, content)))
    return found


def chance(counts: Counts, share: float) -> float:
    """How likely so many bad events are, each bad with that chance."""
    events, bad = int(counts.events), int(counts.bad)
    return math.comb(events, bad) * share**bad * (1 - share) ** (events - bad)


def every(sizes: Sequence[int]) -> list[tuple[Counts, ...]]:
    """Every way in which blocks of these sizes can turn out."""
    return list(itertools.product(*([Counts(size, bad) for bad in range(size + 1)] for size in sizes)))
