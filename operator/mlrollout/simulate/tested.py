"""Guardrails that test block by block, in a simulation: samples of counters as a range selector answers them.

A test says the same whether it reads a span in one block or in many, but for the moment at which it says so. So weeks
of a healthy rollout are read in blocks of an hour and more, and where minutes count, in shorter ones.
"""

import math
from collections.abc import Mapping
from typing import Any, Final

from mlrollout.api.rate import RateGuardrail
from mlrollout.evidence.answer import Answer
from mlrollout.evidence.checks.check import Answers, Attempt, Occasion, Questions, Unmeasurable
from mlrollout.evidence.checks.kinds import check_of
from mlrollout.evidence.checks.rate import ALL, BAD, HISTOGRAM
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
_TOTALS: Mapping[str, CounterRole] = {BAD: CounterRole.BAD, ALL: CounterRole.ALL}


class Tested:
    """A guardrail in one try. Its check remembers what it counted, so each try has one of its own.

    Args:
        guardrail: As the user wrote it, but for `maxAge` and an interval that is the length of a block.

    Raises:
        UnknownError: It can't be measured as it is written.
    """

    def __init__(self, guardrail: RateGuardrail) -> None:
        self.guardrail = guardrail
        self.block = guardrail.interval
        check: Any = check_of(guardrail)
        if isinstance(check, Unmeasurable):
            raise UnknownError(check.reason)
        self._check = check
        self._samples: list[tuple[float, int, int]] = []

    def scraped(self, counters: Counters) -> None:
        """Keep the newest samples: so many that they show how often is scraped."""
        last = counters.last
        for number in range(last - LAG, last + 1):
            at = number * counters.scrape
            if not self._samples or at > self._samples[-1][0]:
                self._samples.append((at, counters.at(CounterRole.BAD, number), counters.at(CounterRole.GOOD, number)))
        del self._samples[: -KEPT * (LAG + 1)]

    def measure(self, at: float, stood: float, attempt: Attempt | None, sharing: int) -> Measurement:
        """One look."""
        occasion = Occasion(at, stood, attempt, sharing)
        found: Measurement | Questions = self._check.proceed(occasion, {})
        if not isinstance(found, Measurement):
            answers: Answers = {name: self._answer(name, question.at or at) for name, question in found.items()}
            found = self._check.proceed(occasion, answers)
        assert isinstance(found, Measurement)  # noqa: S101 - all that it asked for was answered
        return found

    def _answer(self, name: str, at: float) -> Answer:
        """All samples up to a moment; what lies further back than was asked for changes nothing."""
        samples = [one for one in self._samples if one[0] <= at]
        if name == HISTOGRAM:
            below = _series({"le": self.guardrail.rate.above or ""}, [(when, good) for when, _, good in samples])
            every = _series({"le": _EVERYTHING}, [(when, bad + good) for when, bad, good in samples])
            return Answer((), evaluated=at, kind="matrix", series=(below, every))
        total = _TOTALS[name] is CounterRole.ALL
        counted = [(when, bad + good if total else bad) for when, bad, good in samples]
        return Answer((), evaluated=at, kind="matrix", series=(_series({}, counted),))


def _series(labels: Mapping[str, str], counted: list[tuple[float, int]]) -> Series:
    return Series(labels, tuple((at, float(count)) for at, count in counted))


def block_of(guardrail: RateGuardrail, seconds: float) -> float:
    """A block's length, in whole seconds: as long as asked for, but not shorter than the guardrail's own."""
    return max(math.ceil(guardrail.interval), BLOCK * math.floor(seconds / BLOCK))
