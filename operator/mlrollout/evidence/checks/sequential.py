"""What the kinds have in common that test at every look: one small chance of a false alarm for all looks together.

Raw samples are read in blocks on one grid of wall time, each block once, and a test keeps what they come to. So what
is measured depends on the samples alone, not on when or how often anybody looked, nor on which replica did.
"""

import math
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, Generic, TypeVar

from mlrollout.api.duration import rough
from mlrollout.api.fingerprint import fingerprint
from mlrollout.api.guardrail import Proof
from mlrollout.api.moment import to_second
from mlrollout.api.sequential import SequentialGuardrail
from mlrollout.evidence.answer import Answer
from mlrollout.evidence.measurement import Evidence, Measurement, Verdict
from mlrollout.evidence.promql.selector import selector
from mlrollout.evidence.promql.text import QueryError
from mlrollout.evidence.statistics.bets import Bets, enough
from mlrollout.evidence.statistics.counting import grid
from mlrollout.evidence.statistics.counting.arrival import Patience
from mlrollout.evidence.statistics.counting.copies import once
from mlrollout.evidence.statistics.counting.series import Series
from mlrollout.evidence.statistics.counting.targets import fell_alone, gauge
from mlrollout.evidence.statistics.counting.uncountable import UncountableError

from .block_test import SILENCE, BlockTest
from .check import Answers, Attempt, Check, Failure, Occasion, Question, Questions, UnmeasurableError
from .memory import ROUNDED, BlockSamples, ChangePoint, Memory, Test, TestState

SHORTEST_BLOCK = 1.0
"""Seconds of a block, where the guardrail's interval is not longer."""
SCRAPE = 15.0
"""Seconds between two scrapes, as long as no samples have told."""
HORIZON = 86400.0
"""How many seconds back samples are read at most: what is older, and was counted by nobody, never is."""
SAMPLES = 50_000
"""How many samples one look should ask for, of all selectors together; a longer backlog is read in several looks."""
BLOCKS = 120
"""How many blocks one look reads at most."""
EARLIER = 3600.0
"""How many seconds back is looked for gauges before the first user comes: what rises and falls slowly shows it then."""
_EARLIER = "earlier."
_HUGE = 700.0
"""The logarithm of the highest e-value that is told; the power of a little more is no float."""

G = TypeVar("G", bound=SequentialGuardrail)
S = TypeVar("S", bound=TestState)
C = TypeVar("C")


class SequentialCheck(Check[G], Generic[G, S, C]):
    """The check of a guardrail that is tested block by block. A kind adds what it asks, how it counts, how it says it.

    Args:
        guardrail: As the user wrote it.
        test: What it is tested by.
        kept: The type of the test's state.
        selectors: The selectors of the counters, by the field where each stands.
        shortest: How many seconds a block lasts at least.
    """

    by_share = False
    """Whether what is counted means nothing without the share of users that get the treatment."""

    def __init__(
        self,
        guardrail: G,
        test: Test[S, C],
        kept: type[S],
        selectors: Mapping[str, str],
        shortest: float = SHORTEST_BLOCK,
    ) -> None:
        super().__init__(guardrail)
        step = max(shortest, float(math.ceil(guardrail.interval)))
        self.blocks = BlockTest(fingerprint((guardrail,)), step, test, kept, self.count)
        self._selectors = {where: _selector(where, text) for where, text in selectors.items()}
        self._memory: Memory[S] | None = None
        self.scrape = SCRAPE
        self._knows_scrape = False
        self._ahead = 4 * step
        self._earlier_is_well = False
        self._ahead_of_us = 0.0

    # --- what a kind says --------------------------------------------------------------------

    @abstractmethod
    def count(self, samples: BlockSamples) -> C:
        """What is counted in a block.

        Raises:
            UncountableError: The block can't be counted.
        """

    @abstractmethod
    def evidence(self, state: S, level: float) -> Evidence:
        """The figures of this stage but for `e_value`, `false_alarm` and `proven`, the same for every kind."""

    @abstractmethod
    def told(self, state: S, evidence: Evidence, change_point: "ChangePoint[S] | None") -> tuple[float | None, str]:
        """What was found, as one number and for a person on call.

        Args:
            state: The test's state.
            evidence: The figures of this stage.
            change_point: Of a breach, since when evidence for it has grown; `None` where it is none.
        """

    def lacking(self, state: S, share: float | None) -> str:  # noqa: ARG002 - most kinds lack nothing
        """Why nothing could be tested although there are events; empty where it could.

        Args:
            state: The test's state.
            share: The share of users that get the treatment now; `None` where that is not known.
        """
        return ""

    def uncompared(self, state: S) -> float:  # noqa: ARG002 - most kinds compare with nothing
        """How many of the treatment's events of this stage wait for some to be compared with."""
        return 0.0

    @abstractmethod
    def written(self, content: C) -> dict[str, Any]:
        """What was counted in a block, as JSON."""

    @abstractmethod
    def read(self, plain: Mapping[str, Any]) -> C:
        """What was counted, of such JSON.

        Raises:
            ValueError: It is none.
        """

    # --- what it remembers -------------------------------------------------------------------

    def restore(self, checkpoint: str) -> None:  # noqa: D102 - the base's
        self._memory = self.blocks.load(checkpoint)

    def _checkpoint(self) -> str:
        return "" if self._memory is None else self.blocks.dump(self._memory)

    def _remembered(self, attempt: Attempt, now: float) -> Memory[S]:
        """The memory of this attempt; an empty one where nothing was counted of it yet."""
        memory = self._memory
        if memory is None or memory.attempt != attempt.number or _began_elsewhen(memory, attempt):
            memory = self.blocks.begin(attempt.number, attempt.began)
        oldest = grid.latest(now - HORIZON, self.blocks.step, 0.0)
        memory = memory.skipped(oldest) if memory.upto < oldest else memory
        steady = max(attempt.steady, attempt.followed) if self.by_share else attempt.steady
        return memory.with_share(min(now, attempt.seen), attempt.stage, steady, attempt.share)

    # --- a measurement -----------------------------------------------------------------------

    def reach(self, occasion: Occasion) -> float:  # noqa: ARG002 - the base's
        """No seconds at all: asked only of a measurement that failed, which stands on no evidence."""
        return 0.0

    def proceed(self, occasion: Occasion, answers: Answers) -> Measurement | Questions:
        """First the questions for the samples since the last block that was read, then the measurement by them."""
        found = self._proceed(occasion, answers)
        return replace(found, ahead=self._apart(answers)) if isinstance(found, Measurement) else found

    def _apart(self, answers: Answers) -> float:
        """By more than so many seconds the clocks are apart that blocks end and samples are taken by; 0 for not."""
        told = [one.ahead for one in answers.values() if isinstance(one, Answer)]
        if told:  # a look between two blocks asks nothing
            most = max(told, key=abs)
            # Once it was told, half as much goes on being told, so that it does not come and go with each look.
            limit = grid.SCRAPES * self.scrape / (2 if self._ahead_of_us else 1)
            self._ahead_of_us = math.copysign(grid.SCRAPES * self.scrape, most) if abs(most) > limit else 0.0
        return self._ahead_of_us

    def _proceed(self, occasion: Occasion, answers: Answers) -> Measurement | Questions:
        step = self.blocks.step
        newest = grid.latest(occasion.at, step, self.scrape)
        if occasion.attempt is None:
            begin, end = newest - step, newest
        else:
            self._memory = memory = self._remembered(occasion.attempt, occasion.at)
            begin, end = memory.upto, min(newest, memory.upto + self._ahead)
            if self.by_share:
                # Later, others may have changed it. Who stood still would hold their users against the share of before.
                end = max(begin, min(end, occasion.attempt.seen))
            end = max(begin, math.floor(end / step) * step)
        # Where nothing is new, the first look asks all the same: how often is scraped says when something will be. It
        # asks up to now, since an application that has just started has no older samples; they count later.
        if (end > begin or not self._knows_scrape) and len(answers) < len(self._selectors):
            upto = end if self._knows_scrape else max(end, grid.latest(occasion.at, step, 0.0))
            return self.questions(min(begin, end - step), upto)
        for name, answer in answers.items():
            if name.startswith(_EARLIER):
                continue  # it only adds a doubt
            if isinstance(answer, Failure):
                return self.failed(occasion, answer.reason, refused=answer.refused)
            if answer.warnings:
                partial = f"the answer may be partial and counts for nothing: {answer.warnings[0]}"
                return self.failed(occasion, partial)
        series = {name: answer.series for name, answer in answers.items() if isinstance(answer, Answer)}
        if occasion.attempt is None:
            now = {name: found for name, found in series.items() if not name.startswith(_EARLIER)}
            if not self._earlier_is_well and len(answers) < 2 * len(self._selectors):
                return self._ask_earlier(now, begin, end)
            earlier = [one for name in series.keys() - now.keys() for one in series[name]]
            self._learn(now, begin, end)
            return self._before_users(occasion, BlockSamples(now, begin, end), earlier)
        level = self.guardrail.level(occasion.sharing)
        # Of what is waited for, no pass may become too old.
        patience = Patience.at(occasion.at, self.scrape, self.guardrail.max_age / 2)
        self._memory = memory = self._read(memory, series, end, level, patience) if end > begin else memory
        self._learn(series, min(begin, end - step), end)
        return self._judge(occasion, memory, level, newest)

    def failed(self, occasion: Occasion, reason: str, *, refused: bool = False) -> Measurement:
        """An error; but a breach that was found before stays one, since no failure of a source takes it back."""
        attempt, memory = occasion.attempt, self._memory
        if attempt is not None and memory is not None and memory.attempt == attempt.number:
            level = self.guardrail.level(occasion.sharing)
            if enough(memory.state.bets.log_worse, level):
                return self._measurement(Verdict.BREACH, occasion, memory, level)
        return replace(super().failed(occasion, reason, refused=refused), checkpoint=self._checkpoint())

    def questions(self, begin: float, end: float) -> Questions:
        """What has to be asked to read the blocks of a span."""
        seconds = math.ceil(end - begin + grid.BEFORE)
        return {where: Question(f"{text}[{seconds}s]", end) for where, text in self._selectors.items()}

    def _before_users(self, occasion: Occasion, samples: BlockSamples, earlier: Sequence[Series]) -> Measurement:
        """Inconclusive, for nothing counts yet. What can't be counted is an error before the first user comes."""
        try:
            self.count(samples)
            # What a gauge of failures rises by would be failures, and a rollback for nothing.
            for one in fell_alone(*once(earlier)):
                raise gauge(one)
        except UncountableError as error:
            if not error.reason.silent:
                return self.failed(occasion, error.words)
        else:
            self._earlier_is_well = True
        message = "nobody has had the treatment yet: counting begins with the first stage"
        return Measurement(Verdict.INCONCLUSIVE, occasion.at, 0.0, message=message)

    def _ask_earlier(self, series: Mapping[str, tuple[Series, ...]], begin: float, end: float) -> Questions:
        """The questions for as long before as so many samples can be read."""
        total = sum(len(one.samples) for found in series.values() for one in found)
        span = end - begin + grid.BEFORE
        seconds = math.ceil(min(EARLIER, max(span, span * SAMPLES / max(1, total))))
        return {_EARLIER + where: Question(f"{text}[{seconds}s]", end) for where, text in self._selectors.items()}

    def _read(
        self,
        memory: Memory[S],
        series: Mapping[str, tuple[Series, ...]],
        upto: float,
        level: float,
        patience: Patience,
    ) -> Memory[S]:
        """The memory after all blocks up to a moment, or up to the one that makes a breach."""
        for read in self.blocks.read(memory, series, upto, patience):
            memory = read.memory
            if enough(memory.state.bets.log_worse, level):
                break  # every replica stops at this block, and so none misses it
        return memory

    def _learn(self, series: Mapping[str, tuple[Series, ...]], begin: float, end: float) -> None:
        """Learn from the answers how often is scraped, and over how many seconds the next look may ask."""
        step = self.blocks.step
        total = sum(len(one.samples) for found in series.values() for one in found)
        fullest = max((one.samples for found in series.values() for one in found), key=len, default=())
        gaps = sorted(late - early for (early, _), (late, _) in pairwise(fullest))
        if gaps:
            self.scrape, self._knows_scrape = gaps[len(gaps) // 2], True
        if self.blocks.uncountable is not None and self.blocks.uncountable.reason.waits:
            self._ahead = min(2 * self._ahead, SILENCE + step)
        elif total:
            seconds = SAMPLES * (end - begin + grid.BEFORE) / total - grid.BEFORE
            self._ahead = min(max(seconds, 2 * step), BLOCKS * step)

    def judged(self, occasion: Occasion, memory: Memory[S], level: float) -> Measurement:
        """What blocks come to by themselves: a breach, or a pass where it stands on enough and something was tested."""
        if enough(memory.state.bets.log_worse, level):
            return self._measurement(Verdict.BREACH, occasion, memory, level)
        found = self._measurement(Verdict.PASS, occasion, memory, level)
        events = found.samples or 0.0
        few = f"{found.message}, but at least {self.guardrail.events} events of this stage are needed"
        if events < self.guardrail.events:
            return replace(found, verdict=Verdict.INCONCLUSIVE, message=few)
        if lacking := self.lacking(memory.state, memory.shares[-1].share if memory.shares else None):
            return replace(found, verdict=Verdict.INCONCLUSIVE, message=f"{found.message}, but {lacking}")
        if events - self.uncompared(memory.state) < self.guardrail.events:
            return replace(found, verdict=Verdict.INCONCLUSIVE, message=f"{few} that were compared")
        return found

    def _judge(self, occasion: Occasion, memory: Memory[S], level: float, newest: float) -> Measurement:
        """The same, where the blocks are as many as there should be."""
        if enough(memory.state.bets.log_worse, level):
            return self._measurement(Verdict.BREACH, occasion, memory, level)
        behind, uncountable = newest - memory.counted, self.blocks.uncountable
        overdue = behind > self.guardrail.max_age
        if uncountable is not None and (overdue or not uncountable.reason.waits):
            verdict = Verdict.NO_DATA if uncountable.reason.silent else Verdict.ERROR
            return self._measurement(verdict, occasion, memory, level, instead=uncountable.words)
        if overdue and self.by_share and occasion.attempt is not None and occasion.attempt.seen < newest:
            unseen = "the percentage is not known any more: Redis did not say for too long which one stands"
            return self._measurement(Verdict.INCONCLUSIVE, occasion, memory, level, instead=unseen)
        if overdue:
            counted = f"what was missed is counted: up to {to_second(memory.counted)}, {rough(behind)} are left"
            return self._measurement(Verdict.INCONCLUSIVE, occasion, memory, level, instead=counted)
        if memory.stage != memory.shares[-1].stage:
            young = "this stage began a moment ago: its first block is not complete yet"
            return self._measurement(Verdict.INCONCLUSIVE, occasion, memory, level, instead=young)
        return self.judged(occasion, memory, level)

    def _measurement(
        self, verdict: Verdict, occasion: Occasion, memory: Memory[S], level: float, *, instead: str = ""
    ) -> Measurement:
        bets = memory.state.bets
        evidence_from = 0.0 if occasion.attempt is None else occasion.attempt.evidence_from
        proven = bool(bets.safe) and enough(bets.log_safe, level)
        evidence = replace(
            self.evidence(memory.state, level),
            e_value=e_value(bets),
            false_alarm=level,
            proven=Proof.SAFE if proven else None,
        )
        breach = verdict is Verdict.BREACH
        begins = max(bets.begin, evidence_from) if breach else memory.since
        value, words = self.told(memory.state, evidence, memory.change_point if breach else None)
        return Measurement(
            verdict,
            occasion.at,
            0.0 if verdict in (Verdict.NO_DATA, Verdict.ERROR) else max(0.0, occasion.at - begins),
            value=value,
            samples=evidence.treatment.events,
            message=instead or words,
            evidence=evidence,
            checkpoint=self.blocks.dump(memory),
        )


def e_value(bets: Bets) -> float:
    """How much stronger than chance the evidence is, as a number that JSON can hold."""
    return math.exp(min(bets.log_worse, _HUGE))


def _began_elsewhen(memory: Memory[S], attempt: Attempt) -> bool:
    """Whether it went back to before its first stage, or its status says when it began, which Redis did not."""
    return abs(memory.state.bets.begin - attempt.began) > (0.0 if memory.empty else ROUNDED)


def _selector(where: str, text: str) -> str:
    try:
        return selector(text)
    except QueryError as error:
        raise UnmeasurableError(where, str(error)) from error
