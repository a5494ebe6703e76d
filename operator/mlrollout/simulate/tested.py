"""Guardrails that test block by block, in a simulation: samples of counters as a range selector answers them.

A test says the same whether it reads a span in one block or in many, but for the moment at which it says so. So weeks
of a healthy rollout are read in blocks of an hour and more, and where minutes count, in shorter ones.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from mlrollout.api.balance import BalanceGuardrail
from mlrollout.api.compare import CompareGuardrail
from mlrollout.api.rate import RateGuardrail
from mlrollout.api.sequential import SequentialGuardrail
from mlrollout.evidence.answer import Answer
from mlrollout.evidence.checks.check import Attempt, Failure, Occasion, Questions, Unmeasurable
from mlrollout.evidence.checks.compare_shares import CONTROL, TREATMENT
from mlrollout.evidence.checks.kinds import check_of
from mlrollout.evidence.measurement import Measurement
from mlrollout.evidence.statistics.counting.series import Series

from .counters import CounterRole, Counters
from .promql import UnknownError

LAG: Final = 2
"""Scrapes after a block's end at which it is read: as many as the check waits for."""
BLOCK: Final = 15.0
"""Seconds of a block that is not as short as a guardrail asks for."""
KEPT: Final = 10
"""Blocks of which samples are kept."""
_EVERYTHING = "+Inf"
_BAD, _HISTOGRAM = "bad", "histogram"


@dataclass(frozen=True, slots=True)
class GroupSample:
    """What a group's counters stood at in one scrape."""

    at: float
    bad: int
    good: int


class Tested:
    """A guardrail in one try. Its check remembers what it counted, so each try has one of its own.

    Args:
        guardrail: As the user wrote it, but for `maxAge` and an interval that is the length of a block.

    Raises:
        UnknownError: It can't be measured as it is written, or is about values that nobody knows.
    """

    def __init__(self, guardrail: SequentialGuardrail) -> None:
        self.guardrail = guardrail
        self.block = guardrail.interval
        if isinstance(guardrail, CompareGuardrail) and guardrail.compare.of_means:
            raise UnknownError("it compares means, and what values come is not known")
        check: Any = check_of(guardrail)
        if isinstance(check, Unmeasurable):
            raise UnknownError(check.reason)
        self._check = check
        self._label, self._edge = _form(guardrail)
        self._samples: dict[str, list[GroupSample]] = {TREATMENT: [], CONTROL: []}

    def scraped(self, treatment: Counters, control: Counters | None) -> None:
        """Keep the newest samples: so many that they show how often is scraped."""
        _keep(self._samples[TREATMENT], treatment)
        if control is not None and self._label is not None:
            _keep(self._samples[CONTROL], control)

    def measure(self, at: float, stood: float, attempt: Attempt | None, sharing: int) -> Measurement:
        """One look."""
        occasion = Occasion(at, stood, attempt, sharing)
        found: Measurement | Questions
        answers: dict[str, Answer | Failure] = {}
        while not isinstance(found := self._check.proceed(occasion, answers), Measurement):
            answers |= {name: self._answer(name, question.at or at) for name, question in found.items()}
        return found

    def _answer(self, name: str, at: float) -> Answer:
        """All samples up to a moment; what lies further back than was asked for changes nothing."""
        counted = name.rpartition(".")[2]
        series = tuple(
            one
            for group, samples in self._samples.items()
            for one in self._series(counted, group, [sample for sample in samples if sample.at <= at])
        )
        return Answer((), evaluated=at, kind="matrix", series=series)

    def _series(self, counted: str, group: str, samples: list[GroupSample]) -> Iterator[Series]:
        """What the selector of a field matches in one group."""
        if not samples:
            return
        labels = {} if self._label is None else {self._label: group}
        if counted == _HISTOGRAM:
            yield Series(labels | {"le": self._edge}, tuple((one.at, float(one.good)) for one in samples))
            yield Series(labels | {"le": _EVERYTHING}, tuple((one.at, float(one.bad + one.good)) for one in samples))
        else:
            good = counted != _BAD
            yield Series(labels, tuple((one.at, float(one.bad + one.good if good else one.bad)) for one in samples))


def _keep(samples: list[GroupSample], counters: Counters) -> None:
    if samples and samples[-1].at >= counters.last * counters.scrape:
        return  # nothing was scraped since
    for number in range(counters.last - LAG, counters.last + 1):
        at = number * counters.scrape
        if not samples or at > samples[-1].at:
            samples.append(GroupSample(at, counters.at(CounterRole.BAD, number), counters.at(CounterRole.GOOD, number)))
    del samples[: -KEPT * (LAG + 1)]


def compares(guardrail: SequentialGuardrail) -> bool:
    """Whether a guardrail counts the control, too."""
    return isinstance(guardrail, CompareGuardrail | BalanceGuardrail)


def _form(guardrail: SequentialGuardrail) -> tuple[str | None, str]:
    """The label that tells the groups apart, if they are, and the bucket's edge, if there is one."""
    match guardrail:
        case CompareGuardrail():
            return guardrail.compare.group, guardrail.compare.above or ""
        case BalanceGuardrail():
            return guardrail.balance.group, ""
        case RateGuardrail():
            return None, guardrail.rate.above or ""
    raise UnknownError(f"the kind `{guardrail.MARK}` is not simulated")


def block_of(guardrail: SequentialGuardrail, seconds: float) -> float:
    """A block's length, in whole seconds: as long as asked for, but not shorter than the guardrail's own."""
    return max(math.ceil(guardrail.interval), BLOCK * math.floor(seconds / BLOCK))
