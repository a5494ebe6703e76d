"""Keeping the parts of the process at work: none ends another, and none ends the process."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog

log = structlog.get_logger(__name__)

FIRST_PAUSE = 0.5
"""Seconds from the first end of a part to its next beginning; each further one doubles them."""
LONGEST_PAUSE = 30.0

Part = Callable[[], Awaitable[object]]
"""Works until cancelled; whatever else ends it was not meant to."""


async def keep(parts: Mapping[str, Part], ended: Callable[[str], None]) -> None:
    """Run every part until cancelled; one that ends by itself is begun anew, after a pause that grows.

    A process that exits with its parts would forget what it guards, and traffic would stand with nobody looking.

    Args:
        parts: By name.
        ended: Told the name of a part that ended by itself.
    """
    async with asyncio.TaskGroup() as group:
        for name, part in parts.items():
            group.create_task(_keep_one(name, part, ended), name=name)


async def _keep_one(name: str, part: Part, ended: Callable[[str], None]) -> None:
    loop = asyncio.get_running_loop()
    pause = FIRST_PAUSE
    while True:
        began = loop.time()
        error = await _end(part)
        if loop.time() - began > LONGEST_PAUSE:
            pause = FIRST_PAUSE
        log.error("A part ended by itself; it is begun anew", part=name, within=pause, exc_info=error)
        ended(name)
        await asyncio.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)


async def _end(part: Part) -> BaseException | None:
    """Run a part; answers with what ended it, or raises where this task itself is cancelled.

    The part has a task of its own. Whatever it makes of being cancelled, it is not begun anew then, or it would keep
    the process from its end; and a `TaskGroup` that fails in it leaves its task as if it were cancelled (Python 3.11).
    """
    work = asyncio.ensure_future(part())
    try:
        await asyncio.wait((work,))
    except asyncio.CancelledError:
        work.cancel()
        await asyncio.wait((work,))
        raise
    return None if work.cancelled() else work.exception()
