"""Asking the source of an object's revisions, and telling it what is complete."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from mlrollout.api.revision_from import RevisionFrom
from mlrollout.domain.named import completion_alias
from mlrollout.domain.state import Phase
from mlrollout.ports import Clock, Connections, RevisionSource, RevisionUnknownError

from .metrics import OperatorMetrics
from .tracked import Source, TrackedObject

log = structlog.get_logger(__name__)

DEADLINE = 10.0
"""Seconds for one question."""
AGAIN = 2.0
"""Seconds after which what was named anew is asked for once more, and a question that failed; later each time."""
_FIRST_WITHIN = 1.0
"""Seconds over which the first questions are spread, so that a restart does not ask everything at once."""


@dataclass(slots=True, eq=False)
class Inquiry:
    """The asking of the source of one object: one task, where it has such a source and this process leads."""

    tracked: TrackedObject
    connections: Connections
    clock: Clock
    metrics: OperatorMetrics
    changed: Callable[[], None]
    random: random.Random
    source: RevisionFrom | None = None
    task: asyncio.Task[None] | None = None
    soon: asyncio.Event = field(default_factory=asyncio.Event)
    approved: float = 0.0
    """When the approval was given for which the source is asked once more."""

    def sync(self, *, enabled: bool) -> None:
        """Ask the source that the spec names now, and nobody else; at once where a person has approved something."""
        spec = self.tracked.spec
        wanted = spec.revision_from if enabled and spec is not None else None
        if wanted != self.source:
            self._begin(wanted)
        state = self.tracked.state
        if state is not None and state.cleared and state.cleared_at != self.approved:
            self.approved = state.cleared_at
            self.soon.set()

    def _begin(self, source: RevisionFrom | None) -> None:
        if self.task is not None:
            self.task.cancel()
            self.task = None
        self.tracked.naming.forget()
        self.source = source
        if source is not None:
            self.task = asyncio.create_task(self._run(source), name=f"name {self.tracked.ref}")

    async def _run(self, source: RevisionFrom) -> None:
        await asyncio.sleep(self.random.random() * min(source.interval, _FIRST_WITHIN))
        while True:
            wait = source.interval
            try:
                wait = await self._look(source)
            except Exception:  # a question that goes wrong must not be the last
                log.exception("Unexpected error; asking on", object=str(self.tracked.ref), source=source.where)
            self.changed()
            try:
                async with asyncio.timeout(wait):
                    await self.soon.wait()
            except TimeoutError:
                continue
            self.soon.clear()

    async def _look(self, source: RevisionFrom) -> float:
        """Ask once, and tell what is complete; answers after how many seconds to ask again."""
        naming, sent = self.tracked.naming, self.clock.now()
        try:
            asked = self.connections.revisions(self.tracked.ref, source)
            counts = naming.heard(await asked.ask(deadline=DEADLINE), source, sent)
        except RevisionUnknownError as error:
            naming.failed(f"{source.where} can't be known, so no new revision begins: {error}")
            self.metrics.failed(Source.REVISIONS, self.tracked)
            return min(source.interval, AGAIN * 2.0 ** min(naming.asking.times, 16))
        await self._announce(asked, source)
        return source.interval if counts else min(AGAIN, source.interval)

    async def _announce(self, asked: RevisionSource, source: RevisionFrom) -> None:
        """Tell the source of a completion, where it shall know; once it is saved, and again until it knows."""
        spec, saved, naming = self.tracked.spec, self.tracked.resource.saved, self.tracked.naming
        alias = completion_alias(spec) if spec is not None else ""
        if not alias or saved is None or saved.phase is not Phase.COMPLETED or saved.announced:
            return
        record, revision = saved.record, saved.record.revision
        if naming.announced == record.attempt:
            return
        try:
            await asked.completed(revision, deadline=DEADLINE)
            naming.knows(record.attempt)
        except RevisionUnknownError as error:
            naming.announcing.again(f"{alias} of {source.where} can't be set to revision {revision}: {error}")
            self.metrics.failed(Source.REVISIONS, self.tracked)
