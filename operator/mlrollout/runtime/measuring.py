"""Looking at guardrails: each on its own schedule and deadline, so that none waits for another."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import structlog

from mlrollout.api.duration import render
from mlrollout.api.spec import Guardrail, Spec
from mlrollout.domain.rollback_cause import guarded
from mlrollout.domain.state import Phase, State
from mlrollout.evidence.answer import Answer
from mlrollout.evidence.checks.threshold import Look, exceeds, failed, judge
from mlrollout.evidence.measurement import Measurement, Verdict
from mlrollout.evidence.presence import COUNT, Presence, ask, needs
from mlrollout.evidence.promql.query import Query, QueryError
from mlrollout.ports import Clock, EvidenceSource, QueryRefusedError, SourceError

from .metrics import Metrics
from .rollout import Rollout

log = structlog.get_logger(__name__)

_FIRST_WITHIN = 1.0
"""Seconds over which the first looks are spread, so that a restart does not ask everything at once."""
_GRACE = 0.01
"""Seconds that a breach waits for the number of its samples."""


@dataclass(frozen=True, slots=True)
class Queries:
    """A guardrail's queries, read once.

    Attributes:
        value: The guardrail's own query.
        samples: The query that counts its samples, if it has one.
        broken: What is wrong with them; empty if nothing.
    """

    value: Query | None = None
    samples: Query | None = None
    broken: str = ""

    @classmethod
    def of(cls, guardrail: Guardrail) -> "Queries":
        """The queries of a guardrail; never raises."""
        try:
            value = Query.parse(guardrail.query)
            samples = Query.parse(guardrail.min_samples.query) if guardrail.min_samples is not None else None
        except QueryError as error:
            return cls(broken=str(error))
        return cls(value, samples)

    async def look(self, guardrail: Guardrail, source: EvidenceSource, since: float, clock: Clock) -> Measurement:
        """One look: the value first, and if it is good, what it stands on. Takes no longer than the deadline.

        Args:
            guardrail: What to look at.
            source: Whom to ask.
            since: When the percentage in force last changed; `$window` begins there.
            clock: The wall clock.
        """
        at = clock.now()
        if self.value is None:
            return failed(Look(guardrail, at, 0.0), self.broken)
        stood = max(0.0, at - since)
        window = min(guardrail.window, max(1.0, stood))
        look = Look(guardrail, at, self.value.reach(window, guardrail.window), stood, self.value)
        try:
            async with asyncio.timeout(guardrail.deadline) as limit:
                return await self._ask(look, self.value, source, window, limit)
        except TimeoutError:
            return failed(look, f"Prometheus did not answer within {render(guardrail.deadline)}")
        except SourceError as error:
            return failed(look, str(error), refused=isinstance(error, QueryRefusedError))

    async def _ask(
        self, look: Look, value: Query, source: EvidenceSource, window: float, limit: asyncio.Timeout
    ) -> Measurement:
        deadline = look.guardrail.deadline
        counting = None
        if self.samples is not None:
            counting = asyncio.create_task(source.query(self.samples.render(window), deadline=deadline))
        try:
            answer = await source.query(value.render(window), deadline=deadline)
            breach = exceeds(look, answer)
            if breach is not None:
                limit.reschedule(None)  # it was seen in time
                return exceeds(look, answer, await _at_hand(counting)) or breach
            presence = await self._presence(look, value, source, window)
            samples = None if counting is None else await counting
            if presence is not None and (presence.missing or not answer.samples or (samples and not samples.samples)):
                presence = await _remember(look, presence, source)
            return judge(look, answer, presence=presence, samples=samples)
        finally:
            if counting is not None:
                await _drop(counting)

    async def _presence(self, look: Look, value: Query, source: EvidenceSource, window: float) -> Presence | None:
        """How it stands with the series of both queries; `None` where they have none."""
        max_age = look.guardrail.max_age
        needed = needs(value, window, max_age)
        if self.samples is not None:
            needed += needs(self.samples, window, max_age, COUNT)
        question = ask(needed)
        if question is None:
            return None
        return Presence(needed, max_age, await _companion(source, question, look))


async def _remember(look: Look, presence: Presence, source: EvidenceSource) -> Presence:
    """The same with what was: it tells a series that died from one that never was. Not to know it is to fear it."""
    question = presence.history(look.reach)
    if question is None:
        return presence
    try:
        return replace(presence, before=await _companion(source, question, look))
    except SourceError:
        return presence


async def _companion(source: EvidenceSource, question: str, look: Look) -> Answer:
    """The answer to a question of our own, which is not the user's to correct where it is refused."""
    try:
        return await source.query(question, deadline=look.guardrail.deadline)
    except QueryRefusedError as error:
        raise SourceError(f"how old its samples are can't be asked: {error}") from error


async def _at_hand(counting: asyncio.Task[Answer] | None) -> Answer | None:
    """The count for a breach's message, if it is as good as here: a breach waits for nothing."""
    if counting is not None:
        await asyncio.wait((counting,), timeout=_GRACE)
        if counting.done() and not counting.cancelled() and counting.exception() is None:
            return counting.result()
    return None


async def _drop(task: asyncio.Task[Answer]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


OnVerdict = Callable[[Rollout, Guardrail, Measurement], None]
"""What to do with a verdict; must not wait."""


@dataclass(slots=True, eq=False)
class Watch:
    """The looks at the guardrails of one object: one task each."""

    rollout: Rollout
    clock: Clock
    metrics: Metrics
    seen: OnVerdict
    random: random.Random
    tasks: dict[Guardrail, asyncio.Task[None]] = field(default_factory=dict)

    def sync(self, *, enabled: bool) -> None:
        """Look at what the spec names now, and at nothing else."""
        spec, state = self.rollout.spec, self.rollout.state
        wanted = spec.guardrails if enabled and spec is not None and watches(spec, state) else ()
        for guardrail in [known for known in self.tasks if known not in wanted]:
            self.tasks.pop(guardrail).cancel()
        for guardrail in [asked for asked in wanted if asked not in self.tasks]:
            name = f"look {self.rollout.ref} {guardrail.name}"
            self.tasks[guardrail] = asyncio.create_task(self._run(guardrail), name=name)

    async def _run(self, guardrail: Guardrail) -> None:
        loop = asyncio.get_running_loop()
        queries = Queries.of(guardrail)
        due = loop.time() + self.random.random() * min(guardrail.interval, _FIRST_WITHIN)
        wait = guardrail.interval * self.random.random()
        while True:
            await asyncio.sleep(due - loop.time())
            began = loop.time()
            try:
                self.seen(self.rollout, guardrail, await self._look(guardrail, queries))
            except Exception:  # a look that goes wrong must not be the last
                log.exception("Unexpected error; looking on", object=str(self.rollout.ref), guardrail=guardrail.name)
            self.metrics.looked(loop.time() - began)
            # The second look comes early by chance, so that the looks of many objects spread out.
            due, wait = max(due + wait, loop.time()), guardrail.interval

    async def _look(self, guardrail: Guardrail, queries: Queries) -> Measurement:
        state, source = self.rollout.state, self.rollout.source
        since = state.in_force_since if state is not None else 0.0
        if source is None:
            return Measurement(Verdict.ERROR, self.clock.now(), 0.0, message="there is no Prometheus to ask")
        try:
            return await queries.look(guardrail, source, since, self.clock)
        except Exception as error:
            # Whatever it is, it is no evidence.
            log.exception("Unexpected error in a look", object=str(self.rollout.ref), guardrail=guardrail.name)
            return Measurement(Verdict.ERROR, self.clock.now(), 0.0, message=f"unexpected {type(error).__name__}")


def watches(spec: Spec, state: State | None) -> bool:
    """Whether looking can change anything: not after a rollback, not after completion where the user said so.

    But what Redis does not hold, because it went back, comes back on evidence alone.
    """
    return state is not None and state.phase is not Phase.ROLLED_BACK and (guarded(spec, state) or not state.confirmed)
