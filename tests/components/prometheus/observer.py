"""Looking at a guardrail by a real Prometheus, again and again."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from mlrollout.adapters.prometheus import PrometheusSource
from mlrollout.api.guardrail import Guardrail
from mlrollout.evidence.checks.kinds import check_of
from mlrollout.evidence.measurement import Measurement, Verdict
from mlrollout.runtime.measuring import measure


class Clock:
    """This machine's wall clock."""

    def now(self) -> float:
        return time.time()


@dataclass
class Observer:
    """Looks at a guardrail the way the operator does."""

    source: PrometheusSource

    async def look(self, guardrail: Guardrail, stood: float = 86400.0) -> Measurement:
        return await measure(check_of(guardrail), self.source, since=time.time() - stood, clock=Clock())

    async def until(
        self, guardrail: Guardrail, verdict: Verdict, said: str = "", meanwhile: Callable[[], object] = lambda: None
    ) -> Measurement:
        while True:
            meanwhile()
            measurement = await self.look(guardrail)
            if measurement.verdict is verdict and said in measurement.message:
                return measurement
            await asyncio.sleep(0.05)
