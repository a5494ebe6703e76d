"""What was known of a key, and what users may have gone by meanwhile."""

import asyncio

from mlrollout.domain.traffic import Traffic
from mlrollout.runtime.loop_time import NEVER, loop_time
from mlrollout.runtime.tracked.redis_side import SILENCE, RedisSide

from tests.support.virtual_time import virtual

TEN = Traffic("10", None)


@virtual
async def test_after_a_silence_it_is_known_since_when_it_answers() -> None:
    redis = RedisSide()
    await asyncio.sleep(60)  # of which a process that has just begun knows nothing
    assert redis.answers_since == NEVER
    began = loop_time()
    for _ in range(9):
        redis.hold(TEN, loop_time())
        await asyncio.sleep(SILENCE / 2)
    assert redis.answers_since == began
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
