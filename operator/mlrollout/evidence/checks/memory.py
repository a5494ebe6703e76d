"""What a sequential check keeps: the state of its test, and how far it has read."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Generic, Protocol, Self, TypeVar

from mlrollout.evidence.statistics.bets import Bets
from mlrollout.evidence.statistics.blocks import Block
from mlrollout.evidence.statistics.counting.series import Series

S = TypeVar("S", bound="TestState")
C = TypeVar("C")


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
    """

    series: Mapping[str, tuple[Series, ...]]
    begin: float
    end: float
    share: float | None


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
    """

    attempt: int
    stage: float
    since: float
    upto: float
    counted: float
    state: S
    change_point: ChangePoint[S]

    @property
    def empty(self) -> bool:
        """Whether no block was counted yet."""
        return self.counted == self.since and not self.stage

    def next_stage(self, stage: float, since: float) -> "Memory[S]":
        """This memory as another stage begins with it, whose percentage came into force at `stage`.

        Args:
            stage: When that was.
            since: Where its first block begins.
        """
        state = self.state.next_stage()
        return replace(self, stage=stage, since=since, state=state, change_point=ChangePoint(since, state))

    def with_block(self, state: S, end: float) -> "Memory[S]":
        """This memory after one more block, which was counted and ended then."""
        change_point = ChangePoint(end, state) if state.bets.log_worse <= 0 else self.change_point
        return replace(self, state=state, counted=end, change_point=change_point)
