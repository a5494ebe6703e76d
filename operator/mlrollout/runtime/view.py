"""What this process sees of the objects, and since when it has not seen them.

A watch brings changes as they happen; a list now and then proves that the view is whole, and stands in for a
watch that can't be had. An API server that is gone, hangs or answers nonsense makes the view old and nothing
else: what is known of the objects stays known, and is guarded, for as long as it takes.
"""

import asyncio
import math
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

from mlrollout.api import moment
from mlrollout.ports import Clock, Object, PortError

from .metrics import OperatorMetrics
from .operator import Lister, Operator

log = structlog.get_logger(__name__)

PROBE = 5.0
"""Seconds between two looks at whether the API server still serves the objects."""
RELIST = 300.0
"""Seconds between two lists of all objects while the watch stands, for the events that it may have missed."""
OLD = 30.0
"""Seconds without proof after which the view is old and the process not ready; a shorter hiccup is no news."""
SILENT = 30.0
"""Seconds that a watch may take to stand before it is begun anew: Kopf waits for ever for a resource it can't find."""
FIRST_PAUSE = 0.5
"""Seconds until the first failure is tried again; each further one doubles them."""
LONGEST_PAUSE = 5.0
_COSTLY = 10.0
"""How many times longer than the last list took the next one waits, so that large ones don't fill the line."""
_SETTLED = 60.0
"""Seconds after which the end of a watch is news again."""
_COMPLAIN_EVERY = 60.0
"""Seconds from the first log line about a trouble to the second; each further one doubles them."""

OnObject = Callable[[str | None, Object], None]
"""Takes in an event's type (`ADDED`, `MODIFIED`, `DELETED`, `None` at the first listing) and its object."""
Stands = Callable[[bool], None]
"""Told whether the watch stands."""
Watching = Callable[[OnObject, Stands], Awaitable[None]]
"""Watches the objects until cancelled; returns or raises where it gave up."""


class View:
    """Keeps the view young, and says how old it is.

    Args:
        operator: Takes in what is seen.
        objects: The API server.
        watching: One life of a watch.
        clock: For the times that people read.
        metrics: Where the age is shown.
        jitter: Numbers from 0 to 1, so that replicas do not march in step.
    """

    def __init__(
        self,
        operator: Operator,
        objects: Lister,
        watching: Watching,
        clock: Clock,
        metrics: OperatorMetrics,
        *,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._operator = operator
        self._objects = objects
        self._watching = watching
        self._clock = clock
        self._jitter = jitter
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self._listed_at = -math.inf
        self._seen_at: float | None = None  # by the loop's clock
        self._trouble = ""  # what keeps the objects from being seen; empty where nothing does
        self._failures = 0
        self._took = 0.0
        self._doubt = asyncio.Event()
        self._well = asyncio.Event()
        self._complaints = {"view": _Complaints(self._loop), "watch": _Complaints(self._loop)}
        self.listed = asyncio.Event()
        """Set once the objects have been listed for the first time."""
        self.watched = False
        """Whether the watch stands."""
        metrics.view_age.set_function(lambda: self.age)
        metrics.watched.set_function(lambda: self.watched)

    @property
    def age(self) -> float:
        """Seconds since the API server last proved that the view is whole; before its first proof, since the start."""
        return self._loop.time() - (self._began if self._seen_at is None else self._seen_at)

    def missing(self) -> str:
        """What a person has to know before relying on this process; empty where the view is young."""
        if self._seen_at is not None and self.age <= OLD:
            return ""
        why = f": {self._trouble}" if self._trouble else ""
        since = moment.render(self._clock.now() - self.age)
        if self._seen_at is None:
            return f"the MLRollout objects have not been read yet, since the start at {since}{why}"
        known = len(self._operator.tracked_objects)
        return (
            f"the view of the MLRollout objects is old: since {since} ({self.age:.0f} s) it could not be renewed{why}"
            f" What is known of {known} of them goes on being guarded."
        )

    def doubt(self) -> None:
        """Have all objects listed soon: what is known of them may be wrong."""
        self._doubt.set()

    # --- listing -----------------------------------------------------------------------------

    async def keep(self) -> None:
        """List and probe until cancelled."""
        while True:
            began = self._loop.time()
            try:
                await self._look(began)
            except Exception as error:  # noqa: BLE001 - an answer nobody thought of makes the view old, and nothing else
                self._lost(error)
            else:
                self._seen(began)
            await self._pause()

    async def _look(self, began: float) -> None:
        if self._due(began):
            self._doubt.clear()
            await self._operator.relist(self._objects)
            self._listed_at, self._took = began, self._loop.time() - began
        else:
            await self._objects.probe()

    def _due(self, now: float) -> bool:
        """Whether a probe is not enough; after any trouble the watch may have missed something."""
        return bool(self._trouble) or self._doubt.is_set() or not self.watched or now >= self._listed_at + RELIST

    async def _pause(self) -> None:
        if self._trouble:
            await asyncio.sleep(_backed_off(self._failures, self._jitter()))
            return
        await asyncio.sleep(max(FIRST_PAUSE, self._took))  # however much is doubted
        pause = max(PROBE, 0.0 if self.watched else _COSTLY * self._took)
        with suppress(TimeoutError):
            async with asyncio.timeout(pause * (1 + 0.2 * self._jitter())):
                await self._doubt.wait()

    def _lost(self, error: Exception) -> None:
        self._trouble = _plain(error)
        self._failures += 1
        self._well.clear()
        unexpected = None if isinstance(error, PortError) else error
        if self._complaints["view"].due():
            log.warning(
                "The objects can't be seen; what is known of them goes on being guarded",
                known=len(self._operator.tracked_objects),
                since=moment.render(self._clock.now() - self.age),
                seconds=round(self.age),
                cause=self._trouble,
                exc_info=unexpected,
            )

    def _seen(self, at: float) -> None:
        if self._trouble:
            log.info("The objects are seen again", seconds=round(self.age), known=len(self._operator.tracked_objects))
        elif self._seen_at is None:
            log.info("The objects are seen", known=len(self._operator.tracked_objects))
        self._trouble, self._failures, self._seen_at = "", 0, at
        self._complaints["view"].end()
        self.listed.set()
        self._well.set()

    # --- watching ----------------------------------------------------------------------------

    async def watch(self) -> None:
        """Have the objects watched until cancelled: a watch that ends is begun anew, with fresh credentials."""
        failures = 0
        while True:
            with suppress(TimeoutError):  # where they can't be listed, they can hardly be watched
                async with asyncio.timeout(SILENT):
                    await self._well.wait()
            began = self._loop.time()
            error = await self._one_watch()
            if self._loop.time() - began > _SETTLED:
                failures = 0
                self._complaints["watch"].end()
            failures += 1
            if self._complaints["watch"].due():
                log.warning(
                    "The watch of the objects ended, and is begun anew; until it stands they are listed instead",
                    cause=_plain(error) if error is not None else "it did not come to stand.",
                )
            await asyncio.sleep(_backed_off(failures, self._jitter()))

    async def _one_watch(self) -> BaseException | None:
        """One life of a watch; answers what ended it, if that is not that it never stood."""
        fell = self._loop.time()

        def stands(now: bool) -> None:  # noqa: FBT001 - a callback's only argument
            nonlocal fell
            if not watching.done() and now != self.watched:
                self.watched, fell = now, self._loop.time()
                self.doubt()

        watching = asyncio.ensure_future(self._watching(self._heard, stands))
        try:
            while not watching.done() and (self.watched or self._loop.time() < fell + SILENT):
                await asyncio.wait((watching,), timeout=SILENT)
        finally:
            self.watched = False
            self.doubt()
            watching.cancel()
            await asyncio.wait((watching,))
        return None if watching.cancelled() else watching.exception()

    def _heard(self, kind: str | None, found: Object) -> None:
        self._operator.vanished(found) if kind == "DELETED" else self._operator.observe(found)


class _Complaints:
    """When the same trouble may be told again: at once, then ever more rarely."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._next, self._wait = -math.inf, _COMPLAIN_EVERY

    def due(self) -> bool:
        """Whether it is time to tell it."""
        if self._loop.time() < self._next:
            return False
        self._next, self._wait = self._loop.time() + self._wait, 2 * self._wait
        return True

    def end(self) -> None:
        """The trouble is over: the next one is news."""
        self._next, self._wait = -math.inf, _COMPLAIN_EVERY


def _backed_off(failures: int, jitter: float) -> float:
    return min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(failures - 1, 32)) * (1 + 0.2 * jitter)


def _plain(error: BaseException) -> str:
    """A failure for people; of what is not ours only the type, for its text may quote what was answered."""
    return str(error) if isinstance(error, PortError) else f"an unexpected {type(error).__name__}."
