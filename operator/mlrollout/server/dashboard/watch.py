"""The one watch of a process, for everybody who has the dashboard open; where nobody has, nothing is asked."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import structlog

from mlrollout.ports import ObjectsError
from mlrollout.seldom import seldom

from .cluster import DashboardCluster
from .known import KnownRollouts, ref_of, uid_of

log = structlog.get_logger(__name__)

LINGER = 30.0
"""Seconds for which the watch goes on after the last page was closed: one that is loaded anew finds it."""
AT_LEAST = 1.0
"""Seconds from the beginning of one watch to that of the next, where the first ended early."""
LONGEST = 10.0
"""Seconds to the next try where the cluster fails, at most."""
LOOK_AGAIN = 10.0
"""Seconds from one look for operators that have fallen silent to the next."""
_AT_ONCE = 50  # objects that are looked at before others get their turn


class SharedWatch:
    """Follows the objects of a cluster while anybody watches.

    Args:
        cluster: The cluster.
    """

    def __init__(self, cluster: DashboardCluster) -> None:
        self._cluster = cluster
        self.known = KnownRollouts(lambda: cluster.now)
        self._watching = 0
        self._task: asyncio.Task[None] | None = None
        self._end: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[KnownRollouts]:
        """What is known of the objects, followed as long as the block lasts."""
        self._watching += 1
        if self._end is not None:
            self._end.cancel()
            self._end = None
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        try:
            yield self.known
        finally:
            self._watching -= 1
            if not self._watching:
                self._end = asyncio.get_running_loop().call_later(LINGER, self._stop)

    async def close(self) -> None:
        """Give up, and let everybody who watches go."""
        self.known.close()
        task = self._task
        self._stop()
        if task is not None:
            with suppress(asyncio.CancelledError):
                await task

    def _stop(self) -> None:
        if self._end is not None:
            self._end.cancel()
            self._end = None
        if self._task is not None:
            self._task.cancel()
            self._task = None
            self.known.fail("nobody watched for a while")

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as parts:
            parts.create_task(self._follow())
            parts.create_task(self._look_again())

    async def _follow(self) -> None:
        failed = 0
        while True:
            try:
                objects, version = await self._cluster.list()
                await self.known.replace(objects)
                failed = 0
                while version:
                    version = await self._until_it_ends(version)
            except ObjectsError as error:
                why = str(error)
            except Exception as error:  # noqa: BLE001 - whatever it is, what is shown must not go on as if it were new
                why = f"what the API server said can't be read ({type(error).__name__})"
            else:
                continue
            failed += 1
            self.known.fail(why)
            if seldom(failed):
                log.warning("The dashboard can't follow the cluster", error=why, times=failed)
            pause = min(AT_LEAST * 2 ** min(failed, 10), LONGEST)
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - jitter is no secret

    async def _until_it_ends(self, version: str) -> str:
        """Follow from a version; the next one to follow from, empty where all has to be listed anew."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        async for kind, found in self._cluster.changes(version):
            if kind == "ERROR":
                return ""  # the version is too old, most often
            self.known.hear()
            if not kind:
                continue
            if kind in {"ADDED", "MODIFIED"}:
                self.known.put(ref_of(found), found)
            elif kind == "DELETED":
                self.known.remove(ref_of(found), uid_of(found))
            version = str(found["metadata"]["resourceVersion"])  # a bookmark has nothing else
        self.known.hear()
        await asyncio.sleep(max(0.0, begun + AT_LEAST - loop.time()))
        return version

    async def _look_again(self) -> None:
        while True:
            await asyncio.sleep(LOOK_AGAIN)
            for number, ref in enumerate(self.known.refs()):
                self.known.look_again(ref)
                if number % _AT_ONCE == 0:
                    await asyncio.sleep(0)
