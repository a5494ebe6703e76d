"""The figures of the rollouts that somebody looks at: asked for once in an interval, whoever looks."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from mlrollout.evidence.answer import Answer
from mlrollout.ports import Ref, SourceError
from mlrollout.seldom import seldom
from mlrollout.server.config import BusinessFigure, DashboardSettings

from . import figures
from .figure_models import ShownFigure

log = structlog.get_logger(__name__)

ANSWER_WITHIN = 5.0
"""Seconds for each answer of Prometheus."""
AT_ONCE = 4
"""Questions at a time; further ones wait for their turn."""
AT_LEAST = 1.0
"""Seconds from the answers to the next questions."""
STEP = 60
"""Seconds from one point of a trend to the next."""
NO_PROMETHEUS = "No Prometheus is named, so nothing is known of it."
NO_METRICS = (
    "Nobody says how the metrics of this rollout's application are called: name them under `dashboard.applications`, "
    "or the object in `rollouts`, in the server's configuration."
)


class FigureSource(Protocol):
    """Prometheus, as far as figures need it."""

    async def over(self, promql: str, first: int, last: int, step: int, *, deadline: float) -> Answer:
        """The answers at every `step` seconds, or a `SourceError`."""
        ...


@dataclass(slots=True, eq=False)
class FollowedFigures:
    """The figures of one rollout, as long as anybody looks.

    Attributes:
        shown: The last ones; `None` before the first.
        at: When they were asked for, seconds since the epoch.
        version: Counts them.
        waiting: What is set whenever there are new ones.
        task: Asks for them.
    """

    shown: Sequence[ShownFigure] | None = None
    at: float = 0.0
    version: int = 0
    waiting: list[asyncio.Event] = field(default_factory=list)
    task: asyncio.Task[None] | None = None


class FigureFeed:
    """Asks Prometheus.

    Args:
        source: Prometheus; `None` where none is named.
        settings: The dashboard's.
        prefix: What the names of the metrics of a rollout's application begin with; empty where nobody says.
    """

    def __init__(self, source: FigureSource | None, settings: DashboardSettings, prefix: Callable[[Ref], str]) -> None:
        self._source = source
        self.settings = settings
        self.prefix = prefix
        self._followed: dict[Ref, FollowedFigures] = {}
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._failed = 0

    @asynccontextmanager
    async def following(self, ref: Ref, woken: asyncio.Event) -> AsyncIterator[FollowedFigures]:
        """The figures of a rollout, asked for as long as the block lasts; the event is set at each."""
        followed = self._followed.setdefault(ref, FollowedFigures())
        followed.waiting.append(woken)
        if followed.task is None:
            followed.task = asyncio.create_task(self._ask_again(ref, followed))
        try:
            yield followed
        finally:
            followed.waiting.remove(woken)
            if not followed.waiting:
                followed.task.cancel()
                del self._followed[ref]

    async def _ask_again(self, ref: Ref, followed: FollowedFigures) -> None:
        while True:
            begun = time.monotonic()
            trend = figures.TrendRange(int(time.time()), STEP)
            followed.shown = await self._asked(ref, trend)
            followed.at, followed.version = float(trend.last), followed.version + 1
            for event in followed.waiting:
                event.set()
            await asyncio.sleep(max(AT_LEAST, begun + self.settings.interval - time.monotonic()))

    async def _asked(self, ref: Ref, trend: figures.TrendRange) -> Sequence[ShownFigure]:
        """The figures; where they can't be worked out, none, and why. The next are asked for all the same."""
        try:
            return await self._ask(ref, trend)
        except Exception as error:  # noqa: BLE001 - whatever Prometheus has, the next answer is looked at
            log.error("Figures can't be worked out", object=str(ref), error=type(error).__name__)  # noqa: TRY400 - its text may quote samples
            why = f"What Prometheus answers can't be worked out ({type(error).__name__}): the server's log tells more."
            return (*figures.unknown_five(why), *(figures.unknown_business(one, why) for one in self.settings.business))

    async def _ask(self, ref: Ref, trend: figures.TrendRange) -> Sequence[ShownFigure]:
        further = asyncio.gather(*(self._further(one, ref, trend) for one in self.settings.business))
        return (*await self._five(ref, trend), *await further)

    async def _five(self, ref: Ref, trend: figures.TrendRange) -> Sequence[ShownFigure]:
        prefix = self.prefix(ref)
        if not prefix:
            return figures.unknown_five(NO_METRICS)
        try:
            return figures.five(trend, await self._answer(figures.query(prefix, self.settings.window), trend))
        except SourceError as error:
            return figures.unknown_five(self._told(error))

    async def _further(self, figure: BusinessFigure, ref: Ref, trend: figures.TrendRange) -> ShownFigure:
        query = figures.business_query(figure, ref, self.prefix(ref), self.settings.window)
        try:
            return figures.business(figure, trend, await self._answer(query, trend))
        except SourceError as error:
            return figures.unknown_business(figure, self._told(error))

    async def _answer(
        self, query: str, trend: figures.TrendRange
    ) -> Iterable[tuple[figures.Labels, figures.TrendSamples]]:
        if self._source is None:
            raise SourceError(NO_PROMETHEUS)
        async with self._gate:
            found = await self._source.over(query, trend.first, trend.last, trend.step, deadline=ANSWER_WITHIN)
        return ((one.labels, one.samples) for one in found.series)

    def _told(self, error: SourceError) -> str:
        if self._source is not None:
            self._failed += 1
            if seldom(self._failed):
                log.warning("Prometheus can't be asked for figures", error=str(error), times=self._failed)
        return str(error)
