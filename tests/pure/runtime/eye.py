"""Looking at guardrails, with a source that answers as told."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from mlrollout.api.guardrail import Guardrail
from mlrollout.api.spec import Spec
from mlrollout.domain.record import Record
from mlrollout.domain.state import State
from mlrollout.evidence.answer import Answer, Sample
from mlrollout.evidence.measurement import Measurement, Verdict
from mlrollout.ports import Ref
from mlrollout.runtime.measuring import Watch
from mlrollout.runtime.metrics import OperatorMetrics
from mlrollout.runtime.tracked import Measured, TrackedObject

from tests.pure.runtime.specs import spec
from tests.support import presence

EPOCH = 1_800_000_000.0
Answers = Callable[[], Awaitable[float]]


def after(seconds: float, value: float) -> Answers:
    async def answer() -> float:
        await asyncio.sleep(seconds)
        return value

    return answer


def raising(error: Exception) -> Answers:
    async def answer() -> float:
        raise error

    return answer


async def never() -> float:
    await asyncio.Event().wait()
    return 0.0


@dataclass
class Source:
    """A Prometheus that answers each query by a word in it; a query for the age of samples has the word `timestamp`."""

    answers: dict[str, Answers] = field(default_factory=dict)
    asked: list[tuple[float, str]] = field(default_factory=list)
    moments: list[float] = field(default_factory=list)

    async def query(self, promql: str, *, deadline: float, at: float | None = None) -> Answer:  # noqa: ARG002 - a port
        now = asyncio.get_running_loop().time()
        self.moments += [] if at is None else [at]
        word = next((word for word in ("timestamp", "samples", "slow") if word in promql), "value")
        self.asked.append((now, word))
        value = await self.answers.get(word, after(0, EPOCH + now if word == "timestamp" else 0.01))()
        now = EPOCH + asyncio.get_running_loop().time()
        return presence.answer(promql, now, lambda _: value) or Answer((Sample(value),), evaluated=now)

    async def close(self) -> None:
        pass


def guardrail(name: str = "errors", **changes: Any) -> dict[str, Any]:
    return {"name": name, "query": "value", "max": 0.05, "interval": "10s", "maxAge": "30s", **changes}


@dataclass
class Eye:
    """Looks, and remembers what it saw and when."""

    source: Source
    guardrails: tuple[dict[str, Any], ...]
    seen: list[tuple[float, str, Measurement]] = field(default_factory=list)
    mistaken: bool = False

    def __post_init__(self) -> None:
        self.tracked = TrackedObject(Ref("dispatch", "ml-dispatch"), measured=Measured(source=self.source))
        self.tracked.standing.state = State(
            Record(1, latched=False, sequence=1, percentage=10), measurements_from=EPOCH
        )
        self.watch = Watch(self.tracked, self, OperatorMetrics(), self._take, random.Random(1))  # noqa: S311 - no secret
        self.aim(*self.guardrails)

    def aim(self, *guardrails: dict[str, Any], **changes: Any) -> None:
        self.tracked.resource.spec = Spec.model_validate(spec(guardrails=guardrails, **changes))
        self.watch.sync(enabled=True)

    def now(self) -> float:
        return EPOCH + asyncio.get_running_loop().time()

    def _take(self, tracked: TrackedObject, looked_at: Guardrail, measurement: Measurement) -> None:
        assert tracked is self.tracked
        self.seen.append((asyncio.get_running_loop().time(), looked_at.name, measurement))
        if self.mistaken:
            raise ValueError("a mistake")

    def verdicts(self, name: str = "errors") -> list[Verdict]:
        return [measurement.verdict for _, seen, measurement in self.seen if seen == name]

    @property
    def last(self) -> Measurement:
        return self.seen[-1][2]


COUNTED = {"count": 100, "query": "samples"}
