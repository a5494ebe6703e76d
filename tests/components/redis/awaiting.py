"""Patience with other processes."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest
from mlrollout.adapters.redis import calls, client

T = TypeVar("T")

LONG_ENOUGH = 30.0
"""Seconds after which a test gives up; nothing is measured by it."""


def make_patient(patch: pytest.MonkeyPatch) -> None:
    """Give Redis all the time in the world: a busy machine is not what the test is about."""
    patch.setattr(client, "ANSWER_WITHIN", LONG_ENOUGH)
    patch.setattr(calls, "CALL_WITHIN", LONG_ENOUGH)


async def until(ask: Callable[[], Awaitable[T]], enough: Callable[[T], bool]) -> T:
    """Ask again until the answer is good enough."""
    async with asyncio.timeout(LONG_ENOUGH):
        while not enough(answer := await ask()):  # noqa: ASYNC110 - nothing here could set an Event
            await asyncio.sleep(0.005)
    return answer
