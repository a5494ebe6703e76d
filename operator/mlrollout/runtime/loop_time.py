"""The loop's clock, as a type of its own: it never jumps, and says nothing outside this process.

What is compared with it can't be a wall clock's time by mistake, as a status, a record or an Event has it.
"""

import asyncio
from math import inf
from typing import NewType

LoopTime = NewType("LoopTime", float)
"""Seconds by the clock of this process' event loop."""
NEVER = LoopTime(-inf)
"""Before every moment."""


def loop_time() -> LoopTime:
    """The time now, by the clock of the loop that runs."""
    return LoopTime(asyncio.get_running_loop().time())
