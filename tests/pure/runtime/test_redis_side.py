"""What was known of a key, and what users may have gone by meanwhile."""

import asyncio

import pytest
from mlrollout.domain.traffic import Traffic
from mlrollout.runtime.loop_time import NEVER, loop_time
from mlrollout.runtime.tracked.redis_side import SILENCE, RedisSide

from tests.pure.runtime.doubles import Redis
from tests.support.virtual_time import virtual

TEN = Traffic("10", None)


@virtual
async def test_after_a_silence_it_is_known_since_when_it_answers() -> None:
    redis = RedisSide()
    redis.hold(TEN, loop_time())
    for _ in range(9):
        await asyncio.sleep(SILENCE / 2)
        redis.hold(TEN, loop_time())
    assert redis.answers_since == NEVER
    redis.lose()
    await asyncio.sleep(SILENCE + 1)
    asked = loop_time()
    await asyncio.sleep(0.5)
    redis.hold(TEN, asked)
    assert redis.answers_since == asked + 0.5
    await asyncio.sleep(1)
    redis.hold(TEN, loop_time())
    assert redis.answers_since == asked + 0.5
    assert redis.in_force_since < asked


@pytest.mark.parametrize("answered", [True, False])
@virtual
async def test_the_first_answer_ends_a_silence_only_where_it_was_asked_before(answered: bool) -> None:  # noqa: FBT001
    """A process that began during an outage does not know since when it lasts."""
    redis = RedisSide()
    redis.lose()
    redis.store = Redis()
    await asyncio.sleep(60)
    if not answered:
        redis.lose()
    redis.hold(TEN, loop_time())
    assert redis.answers_since == (NEVER if answered else loop_time())
