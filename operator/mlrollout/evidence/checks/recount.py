"""What a test stands on, counted again: all blocks of an attempt, from the samples that there are now.

Prometheus is the log. The same samples make the same blocks, whoever reads them and whenever, so what was counted need
not be kept anywhere else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from mlrollout.evidence.answer import Answer
from mlrollout.evidence.statistics.bets import enough
from mlrollout.evidence.statistics.blocks import Block
from mlrollout.evidence.statistics.counting import grid

from .check import Questions
from .memory import Memory, ShareSince
from .sequential import SAMPLES, SequentialCheck

_FEW = 4
"""Blocks that are read first, as nothing is known yet of how many samples they have."""
_MORE = 8
"""How many times as far as before the next samples may reach, at most."""


@dataclass(frozen=True, slots=True)
class Breached:
    """A breach that another replica found, after the checkpoint was made.

    Attributes:
        by: Up to when it had found it, seconds since the epoch.
        level: The chance of a false alarm that it found it with.
    """

    by: float
    level: float


class Recount:
    """The blocks up to a checkpoint, read anew; or up to a breach that was found after it.

    Args:
        check: The guardrail's.
        memory: What it remembered.
        breach: The breach, if there was one.

    Attributes:
        blocks: What was counted so far.
    """

    def __init__(
        self, check: SequentialCheck[Any, Any, Any], memory: Memory[Any], breach: Breached | None = None
    ) -> None:
        self.blocks: list[Block[Any]] = []
        self._check = check
        self._kept = memory
        self._breach = breach
        self._goal = memory.upto if breach is None else max(memory.upto, breach.by)
        first = check.blocks.begin(memory.attempt, memory.state.bets.begin)
        # A checkpoint from before there were any tells of its own stage alone, and not at which share.
        shares = memory.shares or (ShareSince(memory.since, memory.stage, None),)
        self._memory = replace(first, shares=shares, gaps=memory.gaps)
        self._begin = self._reached = first.upto
        self._ahead = _FEW * check.blocks.step
        self._over_gaps()

    @property
    def done(self) -> float:
        """How much of the time is read, from 0 to 1."""
        whole = self._goal - self._begin
        return (self._reached - self._begin) / whole if whole > 0 else 1.0

    @property
    def memory(self) -> Memory[Any]:
        """What the blocks so far come to."""
        return self._memory

    def questions(self) -> Questions:
        """What has to be asked next; nothing where all is read."""
        return self._check.questions(self._memory.upto, self._end) if self._reached < self._goal else {}

    def take(self, answers: Mapping[str, Answer]) -> None:
        """Count what was answered to the last questions."""
        end = self._end
        series = {name: answer.series for name, answer in answers.items()}
        for read in self._check.blocks.read(self._memory, series, end):
            self._memory = read.memory
            self.blocks += [read.block] if read.block is not None else []
            if self._is_breach():
                self._goal = end
                break  # whoever found it stopped at this block, too
        samples = sum(len(one.samples) for found in series.values() for one in found)
        seconds = SAMPLES * (end - self._reached + grid.BEFORE) / max(1, samples) - grid.BEFORE
        self._ahead = min(max(seconds, self._check.blocks.step), _MORE * self._ahead)
        self._reached = end
        self._over_gaps()

    def _is_breach(self) -> bool:
        """Whether this is the breach that was found after the checkpoint."""
        if self._breach is None or self._memory.upto <= self._kept.upto:
            return False
        return enough(self._memory.state.bets.log_worse, self._breach.level)

    @property
    def _end(self) -> float:
        """Up to where is asked next: the goal, or what nobody read at its time either."""
        gaps = (gap.begin for gap in self._kept.gaps if gap.begin > self._reached)
        # The grid's own numbers, so that no block is cut: what lies between is a whole number of blocks.
        blocks = max(1, int(self._ahead / self._check.blocks.step))
        return min(self._reached + blocks * self._check.blocks.step, self._goal, *gaps)

    def _over_gaps(self) -> None:
        for gap in self._kept.gaps:
            if gap.begin == self._reached:
                self._memory, self._reached = replace(self._memory, upto=gap.end), gap.end
