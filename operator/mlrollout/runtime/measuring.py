"""Measuring guardrails: each on its own schedule and deadline, so that none waits for another.

What is asked and what the answers mean, the guardrail's check knows; here it is only asked.
"""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import structlog
from structlog.typing import FilteringBoundLogger

from mlrollout.api.duration import render
from mlrollout.api.guardrail import Guardrail
from mlrollout.api.spec import Spec
from mlrollout.domain.rollback_cause import guarded
from mlrollout.domain.state import Phase, State
from mlrollout.domain.subject import InForce, attempt, sharing
from mlrollout.evidence.answer import Answer
from mlrollout.evidence.checks.check import Attempt, Check, Failure, Occasion, Question, Questions
from mlrollout.evidence.checks.kinds import check_of
from mlrollout.evidence.measurement import Measurement, Verdict
from mlrollout.ports import Clock, EvidenceSource, QueryRefusedError, SourceError

from .loop_time import LoopTime, loop_time
from .metrics import OperatorMetrics
from .tracked import TrackedObject

log = structlog.get_logger(__name__)

_FIRST_WITHIN = 1.0
"""Seconds over which the first measurements are spread, so that a restart does not ask everything at once."""
_GRACE = 0.01
"""Seconds that a breach waits for what else its message may tell, such as the number of its samples."""


async def measure(
    check: Check[Any],
    source: EvidenceSource,
    *,
    since: float,
    clock: Clock,
    attempt: Attempt | None = None,
    sharing: int = 1,
    log: FilteringBoundLogger = log,
) -> Measurement:
    """One measurement, which takes no longer than the guardrail's deadline.

    Args:
        check: What is measured.
        source: Whom to ask.
        since: When the percentage in force last changed, seconds since the epoch.
        clock: The wall clock.
        attempt: What it is about; `None` while nobody has had the treatment yet.
        sharing: Among how many guardrails of the object the chance of a false alarm is divided.
        log: Where a mistake in an adapter is told.
    """
    at, deadline = clock.now(), check.guardrail.deadline
    occasion = Occasion(at, max(0.0, at - since), attempt, sharing)
    asking = _Asking(source, deadline, log)
    try:
        async with asyncio.timeout(deadline) as limit:
            while not isinstance(found := check.proceed(occasion, asking.answers), Measurement):
                asking.begin(found)
                await asking.hear()
            if found.verdict is Verdict.BREACH and asking.running:
                limit.reschedule(None)  # it was seen in time
                await asking.hear(_GRACE)
                completed = check.proceed(occasion, asking.answers)
                return completed if isinstance(completed, Measurement) else found
            return found
    except TimeoutError:
        return check.unanswered(occasion, asking.answers, f"Prometheus did not answer within {render(deadline)}")
    finally:
        await asking.end()


@dataclass(slots=True)
class _Asking:
    """What one measurement asks, all at once, and what has been answered."""

    source: EvidenceSource
    deadline: float
    log: FilteringBoundLogger
    answers: dict[str, Answer | Failure] = field(default_factory=dict)
    running: dict[str, asyncio.Task[Answer | Failure]] = field(default_factory=dict)

    def begin(self, questions: Questions) -> None:
        """Ask what has not been asked yet."""
        for name, question in questions.items():
            if name not in self.running and name not in self.answers:
                self.running[name] = asyncio.create_task(self._ask(question))

    async def hear(self, within: float | None = None) -> None:
        """Wait for the next answer, at most so many seconds."""
        await asyncio.wait(self.running.values(), timeout=within, return_when=asyncio.FIRST_COMPLETED)
        for name in [name for name, task in self.running.items() if task.done()]:
            self.answers[name] = self.running.pop(name).result()

    async def end(self) -> None:
        """Ask no more."""
        for task in self.running.values():
            task.cancel()
        await asyncio.gather(*self.running.values(), return_exceptions=True)

    async def _ask(self, question: Question) -> Answer | Failure:
        try:
            return await self.source.query(question.promql, deadline=self.deadline, at=question.at)
        except SourceError as error:
            return Failure(str(error), refused=isinstance(error, QueryRefusedError))
        except Exception as error:  # it must not cost a breach that another answer shows
            self.log.exception("Unexpected error in a measurement")
            return Failure(f"unexpected {type(error).__name__}")


OnMeasurement = Callable[[TrackedObject, Guardrail, Measurement], None]
"""What to do with a measurement; must not wait."""


@dataclass(slots=True, eq=False)
class Watch:
    """The measuring of the guardrails of one object: one task each."""

    tracked: TrackedObject
    clock: Clock
    metrics: OperatorMetrics
    on_measurement: OnMeasurement
    random: random.Random
    tasks: dict[Guardrail, asyncio.Task[None]] = field(default_factory=dict)

    def sync(self, *, enabled: bool) -> None:
        """Measure what the spec names now, and nothing else."""
        spec, state = self.tracked.spec, self.tracked.state
        wanted = spec.guardrails if enabled and spec is not None and watches(spec, state) else ()
        for guardrail in [known for known in self.tasks if known not in wanted]:
            self.tasks.pop(guardrail).cancel()
        for guardrail in [asked for asked in wanted if asked not in self.tasks]:
            name = f"measure {self.tracked.ref} {guardrail.name}"
            self.tasks[guardrail] = asyncio.create_task(self._run(guardrail), name=name)

    async def _run(self, guardrail: Guardrail) -> None:
        loop = asyncio.get_running_loop()
        check = check_of(guardrail)
        history = self.tracked.measured.histories.get(guardrail.name)
        check.restore(history.checkpoint if history is not None else "")
        due = loop.time() + self.random.random() * min(guardrail.interval, _FIRST_WITHIN)
        wait = guardrail.interval * self.random.random()
        while True:
            await asyncio.sleep(due - loop.time())
            began = loop.time()
            try:
                self.on_measurement(self.tracked, guardrail, await self._measure(check))
            except Exception:  # a measurement that goes wrong must not be the last
                log.exception("Unexpected error; measuring on", object=str(self.tracked.ref), guardrail=guardrail.name)
            self.metrics.looked(loop.time() - began)
            # The second comes early by chance, so that the measurements of many objects spread out.
            due, wait = max(due + wait, loop.time()), guardrail.interval

    async def _measure(self, check: Check[Any]) -> Measurement:
        state, source = self.tracked.state, self.tracked.measured.source
        since = state.in_force_since if state is not None else 0.0
        if source is None:
            return Measurement(Verdict.ERROR, self.clock.now(), 0.0, message="there is no Prometheus to ask")
        about = {"object": str(self.tracked.ref), "guardrail": check.guardrail.name}
        try:
            return await measure(
                check,
                source,
                since=since,
                clock=self.clock,
                attempt=self._attempt(state) if state is not None else None,
                sharing=sharing(self.tracked.spec),
                log=log.bind(**about),
            )
        except Exception as error:
            # Whatever it is, it is no evidence.
            log.exception("Unexpected error in a measurement", **about)
            return Measurement(Verdict.ERROR, self.clock.now(), 0.0, message=f"unexpected {type(error).__name__}")

    def _attempt(self, state: State) -> Attempt | None:
        found = self.tracked.redis
        return attempt(state, self._in_force(state), self._wall(found.asked), self._wall(found.answers_since))

    def _in_force(self, state: State) -> InForce | None:
        """What users go by, as Redis was last found to hold it, also where it can't be asked now.

        The status alone does not tell: it is the leader's, and a failover may have brought another percentage since.
        """
        found, traffic = self.tracked.redis, self.tracked.redis.heard
        if traffic is None:
            return None
        record = traffic.record
        ours = record is not None and (record.owner, record.attempt) == (self.tracked.uid, state.record.attempt)
        return InForce(traffic.in_force if ours else None, self._wall(found.in_force_since), found.in_force_changed)

    def _wall(self, at: LoopTime) -> float:
        """A moment by the wall clock."""
        return self.clock.now() - (loop_time() - at)


def watches(spec: Spec, state: State | None) -> bool:
    """Whether measuring can change anything: not after a rollback, not after completion where the user said so.

    But what Redis does not hold, because it went back, comes back on evidence alone.
    """
    return state is not None and state.phase is not Phase.ROLLED_BACK and (guarded(spec, state) or not state.confirmed)
