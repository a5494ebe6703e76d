"""Bugs to be planted in what guardrails count and conclude that test at every look; some were in it once."""

import math
from dataclasses import replace
from typing import Any

import pytest
from mlrollout.api.sequential import SequentialGuardrail
from mlrollout.domain.state import State
from mlrollout.domain.subject import InForce, attempt
from mlrollout.evidence.checks import sequential
from mlrollout.evidence.checks.balance import BalanceCheck
from mlrollout.evidence.checks.check import Attempt
from mlrollout.evidence.checks.compare_shares import Shares
from mlrollout.evidence.checks.memory import BlockSamples, Memory
from mlrollout.evidence.statistics.bets import MULTIPLES, SHARES
from mlrollout.evidence.statistics.blocks import Block, Counts, Pair
from mlrollout.evidence.statistics.compare import CompareState, CompareTest
from mlrollout.evidence.statistics.counting import increments
from mlrollout.evidence.statistics.counting.contents import CounterPair
from mlrollout.runtime import measuring


def forget_restarts(patch: pytest.MonkeyPatch) -> None:
    """A counter that fell has not grown."""
    patch.setattr(increments, "_step", lambda _, __, before, after: max(0.0, after[1] - before[1]))


def take_crash_loops_for_gauges(patch: pytest.MonkeyPatch) -> None:
    """Restarts that come often are taken for a gauge, whatever else fell with the counter."""
    patch.setattr(increments, "restarts", lambda _: {})


def swap_groups(patch: pytest.MonkeyPatch) -> None:
    """The control's events are counted as the treatment's."""
    count = Shares.count

    def swapped(self: Shares, samples: BlockSamples) -> Any:
        found = count(self, samples)
        return Pair(found.control, found.treatment) if found.control else found

    patch.setattr(Shares, "count", swapped)


def pool_strata(patch: pytest.MonkeyPatch) -> None:
    """The groups are compared by all that came since the attempt began, whatever share of it each stage had."""
    update = CompareTest.update

    def pooled(self: CompareTest, state: CompareState, block: Block[Pair[Counts]], weight: float = 1.0) -> CompareState:
        before = Pair(state.treatment, state.control)
        after = Pair(state.treatment + block.content.treatment, state.control + block.content.control)
        found = update(self, state, block, weight)
        bets = [
            [new - old for new, old in zip(self._factors(after, odds), self._factors(before, odds), strict=True)]
            for odds in (MULTIPLES, SHARES)
        ]
        return replace(found, bets=state.bets.read(block.begin, block.end, *bets))

    patch.setattr(CompareTest, "update", pooled)
    patch.setattr(CompareState, "next_stage", lambda self: replace(self, bets=self.bets.next_stage()))


def divide_nothing(patch: pytest.MonkeyPatch) -> None:
    """Each guardrail has all of the chance of a false alarm for itself."""
    level = SequentialGuardrail.level
    patch.setattr(SequentialGuardrail, "level", lambda self, _: level(self, 1))


def overlap(patch: pytest.MonkeyPatch) -> None:
    """A block has the sample at its begin, too, as ranges had before Prometheus 3."""
    span = CounterPair.span
    patch.setattr(
        CounterPair, "span", lambda self, begin, end, since, *more: span(self, begin - 1.0, end, since - 1.0, *more)
    )


def count_from_before(patch: pytest.MonkeyPatch) -> None:
    """What came since the last scrape counts for the attempt, be that long before it began."""
    span = CounterPair.span
    patch.setattr(CounterPair, "span", lambda self, begin, end, *_: span(self, begin, end))


def run_on(patch: pytest.MonkeyPatch) -> None:
    """A stage stands on what was counted in the one before."""
    at = Memory.at
    patch.setattr(Memory, "at", lambda self, begin: replace(at(self, begin), state=self.state))


def forget_on_restart(patch: pytest.MonkeyPatch) -> None:
    """A new process counts from now on."""
    patch.setattr(sequential.SequentialCheck, "restore", lambda *_: None)
    patch.setattr(sequential, "HORIZON", 5.0)


def begin_by_hearsay(patch: pytest.MonkeyPatch) -> None:
    """Whoever hears of an attempt by Redis keeps the beginning that he took it to have."""
    patch.setattr(Memory, "empty", property(lambda _: False))
    patch.setattr(sequential, "ROUNDED", math.inf)


def ask_for_what_was_announced(patch: pytest.MonkeyPatch) -> None:
    """Users are held against the percentage of the record, be it in force or only announced."""

    def announced(state: State, found: InForce | None, *times: float) -> Attempt | None:
        about = attempt(state, found, *times)
        return None if about is None else replace(about, percentage=state.record.percentage, steady=0.0)

    patch.setattr(measuring, "attempt", announced)


def suppose_that_all_follow(patch: pytest.MonkeyPatch) -> None:
    """Users are held against the percentage that Redis holds, could applications read it or not."""

    def followed(state: State, found: InForce | None, asked: float, _: float) -> Attempt | None:
        return attempt(state, found, asked)

    patch.setattr(measuring, "attempt", followed)


def suppose_that_it_still_stands(patch: pytest.MonkeyPatch) -> None:
    """Users are held against the percentage that was seen last, however long ago that was."""
    patch.setattr(BalanceCheck, "by_share", False)


def never_be_sure(patch: pytest.MonkeyPatch) -> None:
    """No evidence is ever enough."""
    patch.setattr(sequential, "enough", lambda *_: False)
