"""Waiting for an object to be gone."""

import asyncio

from tests.pure.runtime.small_world import SmallWorld
from tests.pure.runtime.specs import REF


async def until_gone(world: SmallWorld, within: float = 5) -> None:
    await world.until(lambda: REF not in world.api.objects, within)
    await asyncio.sleep(0.1)
