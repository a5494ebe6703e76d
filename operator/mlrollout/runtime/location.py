"""Finding out which cluster this is. Nothing of a rollout waits for it but taking a key over from another cluster."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from mlrollout.ports import ObjectsError

log = structlog.get_logger(__name__)

AGAIN = 60.0
"""Seconds between two tries: a missing right may be given, an API server may come back."""


async def locate(ask: Callable[[], Awaitable[str]], found: Callable[[str], None]) -> asyncio.Task[None] | None:
    """Ask once; where that fails, say so and go on asking in the background, in the task that this answers with."""
    told = await _try(ask, found, "")
    return asyncio.create_task(_go_on(ask, found, told), name="locate") if told else None


async def _go_on(ask: Callable[[], Awaitable[str]], found: Callable[[str], None], told: str) -> None:
    while told:
        await asyncio.sleep(AGAIN)
        told = await _try(ask, found, told)


async def _try(ask: Callable[[], Awaitable[str]], found: Callable[[str], None], told: str) -> str:
    """Why it can't be known; empty where it is found."""
    try:
        found(await ask())
    except ObjectsError as error:
        if str(error) != told:
            log.warning(
                "Which cluster this is can't be told. Until it can, a key that an object of the same name holds in "
                "another cluster is taken over like a predecessor's",
                error=str(error),
            )
        return str(error)
    return ""
