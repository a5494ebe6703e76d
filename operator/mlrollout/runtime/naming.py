"""Inquiry the source of an object's revisions, and telling it what is complete."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from mlrollout.api.revision_from import RevisionFrom
from mlrollout.domain.named import completion_alias
from mlrollout.domain.state import Phase
from mlrollout.ports import Connections, RevisionSource, RevisionUnknownError

from .metrics import OperatorMetrics
from .tracked import Source, TrackedObject

log = structlog.get_logger(__name__)

DEADLINE = 10.0
"""Seconds for one question."""
AGAIN = 2.0
"""Seconds after which what was named anew is asked for once more."""
_FIRST_WITHIN = 1.0
"""Seconds over which the first questions are spread, so that a restart does not ask everything at once."""


@dataclass(slots=True, eq=False)
class Inquiry:
    """The asking of the source of one object: one task, where it has such a source and this process leads."""

    tracked: TrackedObject
    connections: Connections
    metrics: OperatorMetrics
    changed: Callable[[], None]
    random: random.Random
    source: RevisionFrom | None = None
    task: asyncio.Task[None] | None = None

    def sync(self, *, enabled: bool) -> None:
        """Ask the source that the spec names now, and nobody else."""
        spec = self.tracked.spec
        wanted = spec.revision_from if enabled and spec is not None else None
        if wanted == self.source:
            return
        if self.task is not None:
            self.task.cancel()
            self.task = None
        self.tracked.naming.forget()
        self.source = wanted
        if wanted is not None:
            self.task = asyncio.create_task(self._run(wanted), name=f"name {self.tracked.ref}")

    async def _run(self, source: RevisionFrom) -> None:
        await asyncio.sleep(self.random.random() * min(source.interval, _FIRST_WITHIN))
        while True:
            counts = True
            try:
                counts = await self._look(source)
            except Exception:  # a question that goes wrong must not be the last
                log.exception("Unexpected error; asking on", object=str(self.tracked.ref), source=source.where)
            self.changed()
            await asyncio.sleep(source.interval if counts else min(AGAIN, source.interval))

    async def _look(self, source: RevisionFrom) -> bool:
        """Ask once, and tell what is complete; answers whether what was named counts."""
        naming = self.tracked.naming
        try:
            asked = self.connections.revisions(self.tracked.ref, source)
            counts = naming.heard(await asked.ask(deadline=DEADLINE), source.interval)
            await self._announce(asked)
        except RevisionUnknownError as error:
            naming.failed(f"{source.where} can't be known, so no new revision begins: {error}")
            self.metrics.failed(Source.REVISIONS, self.tracked)
            return True
        return counts

    async def _announce(self, asked: RevisionSource) -> None:
        """Tell the source of a completion, where it shall know; once it is saved, and again until it knows."""
        spec, saved = self.tracked.spec, self.tracked.resource.saved
        if spec is None or saved is None or not completion_alias(spec):
            return
        revision = saved.record.revision
        if saved.phase is Phase.COMPLETED and not saved.announced and self.tracked.naming.announced != revision:
            await asked.completed(revision, deadline=DEADLINE)
            self.tracked.naming.knows(revision)
