"""From the samples of counters to what a test keeps: block by block, each once, the same whoever reads them."""

import json
import math
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, Generic, TypeVar

from mlrollout.evidence.statistics import checkpoint
from mlrollout.evidence.statistics.blocks import Block
from mlrollout.evidence.statistics.counting import grid
from mlrollout.evidence.statistics.counting.arrival import NO_PATIENCE, Patience
from mlrollout.evidence.statistics.counting.series import Series
from mlrollout.evidence.statistics.counting.uncountable import UncountableError, UncountableReason

from .memory import BlockSamples, ChangePoint, Gap, Memory, ShareSince, Test, TestState

SILENCE = 3600.0
"""Seconds that a block may grow while nothing is scraped. Longer, and only what comes after is counted."""
SKEW = 3
"""Scrapes within which counters that belong together are to be seen together, though they are not exported at once."""
_NEVER = 0.0
"""When the percentage of a stage came into force of which nothing was counted yet: earlier than that of any other."""
_TIMES = ("stage", "since", "upto", "counted")

S = TypeVar("S", bound=TestState)
C = TypeVar("C")


@dataclass(frozen=True, slots=True)
class BlockRead(Generic[S, C]):
    """A block that was read.

    Attributes:
        memory: What is remembered after it.
        block: What was counted; `None` where it could not be, and was passed over.
    """

    memory: Memory[S]
    block: Block[C] | None


class BlockTest(Generic[S, C]):
    """A test that is given what was counted, block by block.

    Args:
        name: What tells its checkpoints from those of another guardrail.
        step: Seconds of a block.
        test: The test.
        kept: What it keeps, as a type.
        count: What is counted of a block's samples; raises `UncountableError` where it can't be.
    """

    def __init__(
        self, name: str, step: float, test: Test[S, C], kept: type[S], count: Callable[[BlockSamples], C]
    ) -> None:
        self.name = name
        self.step = step
        self.uncountable: UncountableError | None = None
        """Why the last block that was read can't be counted; `None` where it was."""
        self._waited = 0.0  # up to where the block that waits is known to have nothing that can be counted
        self._test = test
        self._kept = kept
        self._count = count

    def begin(self, attempt: int, began: float) -> Memory[S]:
        """Before the first block of an attempt, whose first users came at that time."""
        self._waited = 0.0
        begin = next(grid.ends(began, math.inf, self.step))
        state = self._test.begin(began)
        return Memory(attempt, _NEVER, begin, begin, begin, state, ChangePoint(begin, state))

    def add(self, memory: Memory[S], block: Block[C]) -> Memory[S]:
        """With one more block, that was counted."""
        memory = memory.at(block.begin)
        return memory.with_block(self._test.update(memory.state, block), block.end)

    def read(
        self,
        memory: Memory[S],
        series: Mapping[str, tuple[Series, ...]],
        upto: float,
        patience: Patience = NO_PATIENCE,
    ) -> Iterator[BlockRead[S, C]]:
        """All blocks up to a moment, one by one; whoever has heard enough reads on from the last another time.

        Args:
            memory: What is remembered of those before.
            series: The samples from `grid.BEFORE` before the first block on, by the question's name.
            upto: Where the last block ends, if it ends there.
            patience: Which of them is to be read another time, where something of it has not arrived yet.
        """
        self.uncountable = self.uncountable if self._waited > memory.upto else None
        samples = {name: [_Samples.of(one) for one in found] for name, found in series.items()}
        for end in grid.ends(max(memory.upto, self._waited), upto, self.step):
            begin = memory.upto
            if patience.waits(chain.from_iterable(series.values()), end):
                self.uncountable = None  # what there is of it tells nothing yet
                return
            found = {name: tuple(_within(all_, begin - grid.BEFORE, end)) for name, all_ in samples.items()}
            try:
                content = self._count(memory.samples(found, begin, end))
            except UncountableError as error:
                self.uncountable = error
                if error.reason.waits and self._may_wait(error.reason, found, begin, end):
                    self._waited = end
                    continue
                memory = replace(memory, upto=end)
                yield BlockRead(memory, None)
            else:
                self.uncountable, block = None, Block(begin, end, content)
                memory = self.add(memory, block)
                yield BlockRead(memory, block)

    def _may_wait(
        self, reason: UncountableReason, found: Mapping[str, tuple[Series, ...]], begin: float, end: float
    ) -> bool:
        """Whether a block that can't be counted may go on growing."""
        if reason.silent:
            return end - begin < SILENCE
        # Waiting longer, bad events of anything would be counted as soon as there are as many others, all of them bad.
        scrapes = max(len(one.times) - bisect_right(one.times, begin) for all_ in found.values() for one in all_)
        return end - begin < 2 * self.step or scrapes <= SKEW

    def dump(self, memory: Memory[S]) -> str:
        """What is remembered, as text."""
        times = {name: getattr(memory, name) for name in _TIMES}
        # `calm` is what the status has always called the change point: an older version reads it, too.
        states = {"state": checkpoint.dump(memory.state), "calm": checkpoint.dump(memory.change_point.state)}
        spans = {
            "shares": [[one.since, one.stage, one.share] for one in memory.shares],
            "gaps": [[one.begin, one.end] for one in memory.gaps],
        }
        kept = {
            "guardrail": self.name,
            "attempt": memory.attempt,
            **times,
            "calmAt": memory.change_point.at,
            **states,
            **spans,
        }
        return json.dumps(kept, separators=(",", ":"))

    def load(self, text: str) -> Memory[S] | None:
        """What such a text remembers; `None` where it is of another guardrail, or broken."""
        try:
            found = json.loads(text or "null")
            return self._loaded(found) if found["guardrail"] == self.name else None
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
            return None

    def _loaded(self, found: Mapping[str, Any]) -> Memory[S]:
        # A checkpoint from before there were any has no spans.
        shares = found.get("shares", ())
        return Memory(
            attempt=int(found["attempt"]),
            state=checkpoint.load(self._kept, found["state"]),
            change_point=ChangePoint(_moment(found["calmAt"]), checkpoint.load(self._kept, found["calm"])),
            shares=tuple(ShareSince(_moment(since), _moment(stage), _share(share)) for since, stage, share in shares),
            gaps=tuple(Gap(_moment(begin), _moment(end)) for begin, end in found.get("gaps", ())),
            **{name: _moment(found[name]) for name in _TIMES},
        )


def _moment(found: Any) -> float:  # noqa: ANN401 - JSON
    if not math.isfinite(moment := float(found)):
        raise ValueError(f"{found} is no time")
    return moment


def _share(found: Any) -> float | None:  # noqa: ANN401 - JSON
    return None if found is None else _moment(found)


@dataclass(frozen=True, slots=True)
class _Samples:
    series: Series
    times: list[float]

    @classmethod
    def of(cls, series: Series) -> "_Samples":
        return cls(series, [at for at, _ in series.samples])


def _within(all_: list[_Samples], after: float, upto: float) -> Iterator[Series]:
    """The series with the samples of a span alone: what a look at that time would have been answered."""
    for one in all_:
        first, last = bisect_right(one.times, after), bisect_right(one.times, upto)
        if first < last or one.series.native:
            whole = first == 0 and last == len(one.times)
            yield one.series if whole else replace(one.series, samples=one.series.samples[first:last])
