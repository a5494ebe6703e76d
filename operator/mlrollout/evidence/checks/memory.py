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
        """Its evidence."""
        ...

    def next_stage(self) -> Self:
        """The same at the beginning of another stage."""
        ...


class Test(Protocol[S, C]):
    """What a kind tests by."""

    def begin(self, at: float) -> S:
        """Before the first block of an attempt, whose first users came at that time."""
        ...

    def update(self, state: S, block: Block[C]) -> S:
        """With one more block."""
        ...


@dataclass(frozen=True, slots=True)
class BlockSamples:
    """What was read for one block.

    Attributes:
        series: What each selector matches, by the question's name, with samples from `grid.BEFORE` before the block on.
        begin: Samples up to then were counted before.
        end: Samples up to then are counted now.
        share: The share of users that got the treatment all the time; `None` where it may have been another.
    """

    series: Mapping[str, tuple[Series, ...]]
    begin: float
    end: float
    share: float | None


@dataclass(frozen=True, slots=True)
class Calm(Generic[S]):
    """Where nothing spoke for a breach for the last time in this stage: at its begin, or later.

    Attributes:
        at: When that block ended, seconds since the epoch.
        state: What the test kept.
    """

    at: float
    state: S


@dataclass(frozen=True, slots=True)
class Memory(Generic[S]):
    """What a check remembers from one look to the next. Times are seconds since the epoch.

    Attributes:
        attempt: Which attempt it is about.
        stage: When the percentage came into force in whose stage `state` counts.
        since: Where the first block of that stage began.
        upto: Where the last block ended that was counted or passed over.
        counted: Where the last block ended that was counted.
        state: What the test keeps.
        calm: Where nothing spoke for a breach for the last time.
    """

    attempt: int
    stage: float
    since: float
    upto: float
    counted: float
    state: S
    calm: Calm[S]

    def next_stage(self, stage: float, since: float) -> "Memory[S]":
        """The same at the beginning of another stage."""
        state = self.state.next_stage()
        return replace(self, stage=stage, since=since, state=state, calm=Calm(since, state))

    def with_block(self, state: S, end: float) -> "Memory[S]":
        """With one more block."""
        calm = Calm(end, state) if state.bets.log_worse <= 0 else self.calm
        return replace(self, state=state, counted=end, calm=calm)
