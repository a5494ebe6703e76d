"""A few thousand users who keep asking, each as often as any other."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from random import Random

from .service import MapError

USERS = 3000


async def ask(dispatch: Callable[[str], Awaitable[object]], per_second: float) -> None:
    """Ask at this rate until cancelled, at random moments and without waiting for answers."""
    rng = Random(1)  # noqa: S311 - synthetic users
    async with asyncio.TaskGroup() as asking:
        while True:
            await asyncio.sleep(rng.expovariate(per_second))
            asking.create_task(_one(dispatch, f"user-{rng.randrange(USERS)}"))


async def _one(dispatch: Callable[[str], Awaitable[object]], user: str) -> None:
    with suppress(MapError):  # a user who gets no answer asks again some time
        await dispatch(user)
