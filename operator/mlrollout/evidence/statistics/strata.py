"""Blocks in which one of the groups had nothing wait for the other, for alone they say nothing.

Where few requests come, or few users are held back, most blocks have events of one group alone, and the shorter blocks
are, the more do. What they hold is no evidence until something stands beside it. So such blocks are one larger block
with the next that completes them. When that is, events alone decide, and never how many of them were bad; so a bet
that is fair in each block is fair in these.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from .blocks import Block, Pair

Numbers = tuple[float, ...]
"""What was counted of one group, one pair of numbers after the other: events, and how many of them were bad; or values,
and what they add up to."""


@dataclass(frozen=True, slots=True)
class Unpaired:
    """What waits for the other group.

    Attributes:
        begin: When the first block began that waits, seconds since the epoch; 0 while none does.
        treatment: What they hold of the treatment.
        control: What they hold of the control.
    """

    begin: float = 0.0
    treatment: Numbers = ()
    control: Numbers = ()

    def join(self, block: Block[Pair[Numbers]]) -> Block[Pair[Numbers]]:
        """What waits and one more block, as one."""
        content = Pair(_sum(self.treatment, block.content.treatment), _sum(self.control, block.content.control))
        return Block(self.begin or block.begin, block.end, content)

    @classmethod
    def of(cls, block: Block[Pair[Numbers]]) -> "Unpaired":
        """All of a block, which is not complete yet."""
        return cls(block.begin, block.content.treatment, block.content.control)


def complete(block: Block[Pair[Numbers]]) -> bool:
    """Whether both groups have events."""
    return any(block.content.treatment[::2]) and any(block.content.control[::2])


def flat(pairs: Iterable[tuple[float, float]]) -> Numbers:
    """Pairs as their numbers, one after the other."""
    return tuple(number for pair in pairs for number in pair)


def pairs(numbers: Numbers) -> Iterable[tuple[float, float]]:
    """And back."""
    return zip(numbers[::2], numbers[1::2], strict=True)


def _sum(one: Numbers, other: Numbers) -> Numbers:
    most = max(len(one), len(other))
    return tuple(a + b for a, b in zip(_filled(one, most), _filled(other, most), strict=True))


def _filled(numbers: Numbers, most: int) -> Numbers:
    return (*numbers, *(0.0,) * (most - len(numbers)))
