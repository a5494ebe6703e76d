"""Counters that a Prometheus scrapes, played: what a range selector answers at any moment, and looks made on that."""

import math
import random
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import Any

from mlrollout.api.guardrail import Guardrail
from mlrollout.api.kinds import guardrail
from mlrollout.evidence.answer import Answer
from mlrollout.evidence.checks.check import Attempt, Check, Failure, Occasion, Question
from mlrollout.evidence.checks.kinds import check_of
from mlrollout.evidence.measurement import Measurement
from mlrollout.evidence.statistics.counting.series import Series

EPOCH = 1_800_000_000.0
SCRAPE = 15.0
RATE: dict[str, Any] = {"bad": 'failed_total{group="treatment"}', "all": 'all_total{group="treatment"}', "max": 0.05}
GUARDRAIL: dict[str, Any] = {"name": "errors", "rate": RATE}
ATTEMPT = Attempt(number=7, began=EPOCH, stage=EPOCH, percentage=10)

_SELECTOR = re.compile(r"(?P<selector>.*)\[(?P<seconds>\d+)s\]")


@dataclass
class Counters:
    """What was scraped, by selector; samples at the same times for all of a target."""

    series: dict[str, list[Series]] = field(default_factory=dict)
    asked: list[Question] = field(default_factory=list)
    since: float = 0.0
    """How far back the history reaches."""
    ahead: float = 0.0
    """By how much its clock is ahead, as an answer tells."""
    late: dict[str, float] = field(default_factory=dict)
    """How long samples are on their way, by selector."""
    now: float = math.inf

    def scraped(self, name: str, steps: Iterator[float], *, begin: float = EPOCH - SCRAPE, **labels: str) -> None:
        """A counter that grows by such steps, one in each scrape, from 0."""
        samples = tuple((begin + SCRAPE * place, value) for place, value in enumerate(accumulate(steps, initial=0.0)))
        self.series.setdefault(name, []).append(Series({"__name__": name} | labels, samples))

    def answer(self, question: Question) -> Answer:
        """What a Prometheus answers; left-open, as since version 3."""
        self.asked.append(question)
        found = _SELECTOR.fullmatch(question.promql)
        assert found is not None
        assert question.at is not None
        begin, name = max(question.at - float(found["seconds"]), self.since), found["selector"].partition("{")[0]
        upto = min(question.at, self.now - self.late.get(name, 0.0))
        cut = [replace(one, samples=_between(one, begin, upto)) for one in self.series.get(name, [])]
        return Answer(
            (), kind="matrix", series=tuple(one for one in cut if one.samples or one.native), ahead=self.ahead
        )


def _between(one: Series, begin: float, end: float) -> tuple[tuple[float, float], ...]:
    first, last = (bisect_right(one.samples, (at, math.inf)) for at in (begin, end))
    return one.samples[first:last]


@dataclass
class Looks:
    """Looks at one guardrail, again and again."""

    counters: Counters
    check: Check[Any]
    sharing: int = 1
    failure: Failure | None = None
    made: list[Measurement] = field(default_factory=list)

    @classmethod
    def at(cls, counters: Counters, raw: Mapping[str, Any] = GUARDRAIL, sharing: int = 1) -> "Looks":
        return cls(counters, check_of(read(raw)), sharing)

    def look(self, at: float, attempt: Attempt | None = ATTEMPT) -> Measurement:
        """One look, so many seconds after the epoch of the tests."""
        self.counters.now = now = EPOCH + at
        occasion = Occasion(now, now - (attempt.stage if attempt else 0.0), attempt, self.sharing)
        answers: dict[str, Answer | Failure] = {}
        while not isinstance(found := self.check.proceed(occasion, answers), Measurement):
            answers |= {name: self.failure or self.counters.answer(question) for name, question in found.items()}
        self.made.append(found)
        return found

    def every(self, seconds: float, until: float, *, begin: float = 0.0, attempt: Attempt = ATTEMPT) -> Measurement:
        """Looks in such distances; answers with the last."""
        at = begin
        while at + seconds <= until:
            at += seconds
            self.look(at, attempt)
        return self.made[-1]

    def taken_over(self) -> "Looks":
        """The same by another process, which knows no more than the last checkpoint."""
        other = Looks(self.counters, check_of(self.check.guardrail), self.sharing)
        other.check.restore(next((one.checkpoint for one in reversed(self.made) if one.checkpoint), ""))
        return other


def read(raw: Mapping[str, Any]) -> Guardrail:
    return guardrail.validate_python(raw)


def traffic(per_scrape: float, share: Callable[[float], float], seconds: float, seed: int = 1) -> Counters:
    """So many events a scrape, of which this share fails at that time; drawn by chance."""
    drawn, counters = random.Random(seed), Counters()  # noqa: S311 - no secret
    scrapes = int(seconds / SCRAPE)
    events = [float(int(per_scrape) + (drawn.random() < per_scrape % 1)) for _ in range(scrapes)]
    failed = [
        float(sum(drawn.random() < share(place * SCRAPE) for _ in range(int(count))))
        for place, count in enumerate(events)
    ]
    counters.scraped("all_total", iter(events))
    counters.scraped("failed_total", iter(failed))
    return counters
