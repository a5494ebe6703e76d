"""What a sequential check keeps: the state of its test, and how far it has read."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Generic, Protocol, Self, TypeVar

from mlrollout.evidence.statistics.bets import Bets
from mlrollout.evidence.statistics.blocks import Block
from mlrollout.evidence.statistics.counting.series import Series

S = TypeVar("S", bound="TestState")
C = TypeVar("C")

ROUNDED = 0.001
"""Seconds: a status keeps times to the millisecond, so what was just decided and what was read again differ by less."""
SHARES = 32
"""How many changes of the share are remembered."""
GAPS = 8
"""How many spans are remembered that nobody read."""


class TestState(Protocol):
    """What a test keeps from block to block."""

    @property
    def bets(self) -> Bets:
        """The evidence that it has found in this attempt."""
        ...

    def next_stage(self) -> Self:
        """This state as another stage begins with it: a breach may still be made of what was seen before."""
        ...


class Test(Protocol[S, C]):
    """A statistical test that takes one block after another."""

    def begin(self, at: float) -> S:
        """The state before the first block of an attempt, whose first users came at that time."""
        ...

    def update(self, state: S, block: Block[C]) -> S:
        """The state after one more block."""
        ...


@dataclass(frozen=True, slots=True)
class BlockSamples:
    """The samples that one block is counted from. Times are seconds since the epoch.

    Attributes:
        series: What each selector matches, by the question's name, with samples from `grid.BEFORE` before the block on.
        begin: Where the block begins; a sample at that very moment belongs to the block before.
        end: Where it ends; a sample at that very moment belongs to it.
        share: The share of users that got the treatment throughout the block; `None` where that may have changed.
        steady: Since when that share is known to stand.
        began: When the attempt's first users came.
        changes: When users were divided anew, as far as that is known.
    """

    series: Mapping[str, tuple[Series, ...]]
    begin: float
    end: float
    share: float | None = None
    steady: float = -math.inf
    began: float = -math.inf
    changes: Sequence[float] = ()


@dataclass(frozen=True, slots=True)
class ChangePoint(Generic[S]):
    """Since when evidence for a breach has grown: from the last block of this stage that left none, or from its begin.

    It is when something changed, as Page's CUSUM estimates that. What was counted since shows best what is wrong.

    Attributes:
        at: When that block ended, seconds since the epoch.
        state: The test's state after it.
    """

    at: float
    state: S


@dataclass(frozen=True, slots=True)
class ShareSince:
    """What share of the users got the treatment from some moment on.

    Attributes:
        since: For blocks that begin then or later, seconds since the epoch.
        stage: When the percentage of the stage came into force that this was in.
        share: The share; `None` where it is not known.
    """

    since: float
    stage: float
    share: float | None


@dataclass(frozen=True, slots=True)
class Gap:
    """A span that nobody read, from the end of one block to the begin of another, seconds since the epoch."""

    begin: float
    end: float


@dataclass(frozen=True, slots=True)
class Memory(Generic[S]):
    """What a check remembers from one look to the next. Times are seconds since the epoch.

    Attributes:
        attempt: The number of the attempt that it is about.
        stage: When the percentage of the stage came into force that `state` is about.
        since: Where the first block of that stage began.
        upto: Where the last block ended that was counted or passed over.
        counted: Where the last block ended that was counted.
        state: The test's state after that block.
        change_point: Since when evidence for a breach has grown.
        shares: Which share of the users got the treatment in this attempt, as far as that is known, oldest first.
        gaps: What nobody read, oldest first.
        told: Until when the share was seen to stand. Another process, which goes on from a checkpoint, knows it up to
            `upto`.
    """

    attempt: int
    stage: float
    since: float
    upto: float
    counted: float
    state: S
    change_point: ChangePoint[S]
    shares: tuple[ShareSince, ...] = ()
    gaps: tuple[Gap, ...] = ()
    told: float = 0.0

    @property
    def empty(self) -> bool:
        """Whether no block was counted yet."""
        return self.counted == self.since and not self.stage

    def samples(self, series: Mapping[str, tuple[Series, ...]], begin: float, end: float) -> BlockSamples:
        """A block's samples, with what is known of the time that it is from."""
        found, began = self._share(begin), self.state.bets.begin
        if found is None or any(begin < one.since < end for one in self.shares):
            return BlockSamples(series, begin, end, began=began, changes=self._changes)
        return BlockSamples(series, begin, end, found.share, found.since, began, self._changes)

    def with_share(self, seen: float, stage: float, steady: float, share: float | None) -> "Memory[S]":
        """This memory with the share that stands now, for all blocks that are still to be read.

        Args:
            seen: Until when it was seen to stand.
            stage: When the percentage of the stage came into force.
            steady: Since when the share is known to have stood.
            share: The share; `None` where it is not known.
        """
        begin = max(stage + ROUNDED, self.upto)
        shares = [one for one in self.shares if one.since < begin]
        told = max(self.told, self.upto)
        if shares and shares[-1].stage != stage and told < begin:
            # Whoever was away does not know that the stage before ended long ago: Redis may have lost it meanwhile.
            shares.append(ShareSince(max(told, shares[-1].since), shares[-1].stage, None))
        unknown = [] if share is not None and steady <= begin else [ShareSince(begin, stage, None)]
        known = [] if share is None or math.isinf(steady) else [ShareSince(max(begin, steady), stage, share)]
        for one in (*unknown, *known):
            if not shares or (shares[-1].stage, shares[-1].share) != (stage, one.share):
                shares.append(one)
        return replace(self, shares=(*shares,)[-SHARES:], told=seen)

    def skipped(self, upto: float) -> "Memory[S]":
        """This memory with nothing read up to there; where nothing was read just before either, that is one gap."""
        last = self.gaps[-1] if self.gaps else None
        longer = last is not None and last.end == self.upto
        gap = Gap(last.begin if last is not None and longer else self.upto, upto)
        return replace(self, upto=upto, gaps=(*(self.gaps[:-1] if longer else self.gaps), gap)[-GAPS:])

    def at(self, begin: float) -> "Memory[S]":
        """This memory in the stage in which a block begins that begins there."""
        found = self._share(begin)
        if found is None or found.stage == self.stage:
            return self
        state = self.state.next_stage()
        return replace(self, stage=found.stage, since=begin, state=state, change_point=ChangePoint(begin, state))

    def with_block(self, state: S, end: float) -> "Memory[S]":
        """This memory after one more block, which was counted and ended then."""
        change_point = ChangePoint(end, state) if state.bets.log_worse <= 0 else self.change_point
        return replace(self, state=state, upto=end, counted=end, change_point=change_point)

    @property
    def _changes(self) -> tuple[float, ...]:
        """When users were divided anew: with each stage, and when a share is known again within one.

        The moment from which it was not known is left out: each process has its own, and all have to count the same.
        """
        known_again = (
            one.since for before, one in pairwise(self.shares) if one.share is not None and one.stage == before.stage
        )
        return (*dict.fromkeys(one.stage for one in self.shares), *known_again)

    def _share(self, begin: float) -> ShareSince | None:
        """What stood where a block begins."""
        return next((one for one in reversed(self.shares) if begin >= one.since), None)
