"""The Redis in memory, held against the real one where time passes; `test_order.py` holds its rules."""

import asyncio
from collections.abc import Callable
from typing import Any

from mlrollout.adapters.redis import RedisTrafficStore
from mlrollout.domain.claim import Claim
from mlrollout.domain.traffic import Lower, Raise, SavedRecord

from tests.components.redis.examples import LATCHED, TEN, ZERO
from tests.support.redis_model import Redis

CLAIM, SOONER = Claim("uid-2", "dispatch/other", "there"), Claim("uid-3", "dispatch/third", "there")
SHORT, LONG = 0.3, 30.0
"""Seconds after which a lease or a claim ends within the test, and after which it does not."""
RAISE = Raise(SavedRecord(TEN), expect=ZERO)


class Both:
    """The same is asked of both, and both have to answer the same."""

    def __init__(self, real: RedisTrafficStore, key: str) -> None:
        self._real = real
        self._model = Redis()
        self._key = key

    async def do(self, ask: Callable[..., Any], *what: Any, **how: Any) -> Any:
        name = ask.__name__
        found = getattr(self._model, name)(self._key, *what, **how)
        assert await getattr(self._real, name)(self._key, *what, **how) == found
        return found


async def test_a_lease_ends_at_both_or_is_renewed(store: RedisTrafficStore, key: str) -> None:
    both = Both(store, key)
    await both.do(Redis.write, Lower(ZERO), lease=SHORT)
    await both.do(Redis.write, RAISE, lease=SHORT)
    await both.do(Redis.write, Lower(TEN), lease=LONG)
    await asyncio.sleep(2 * SHORT)
    assert (await both.do(Redis.read)).record == TEN
    await both.do(Redis.write, Lower(TEN), lease=SHORT)
    await asyncio.sleep(2 * SHORT)
    assert (await both.do(Redis.read)).lost


async def test_without_a_lease_and_at_zero_nothing_ends_at_either(store: RedisTrafficStore, key: str) -> None:
    both = Both(store, key)
    await both.do(Redis.write, Lower(ZERO), lease=SHORT)
    await both.do(Redis.write, RAISE, lease=SHORT)
    await both.do(Redis.write, Lower(TEN))
    await asyncio.sleep(2 * SHORT)
    assert (await both.do(Redis.read)).record == TEN
    await both.do(Redis.write, Lower(LATCHED), lease=SHORT)
    await asyncio.sleep(2 * SHORT)
    assert (await both.do(Redis.read)).record == LATCHED


async def test_the_last_claim_stands_at_both_for_its_time(store: RedisTrafficStore, key: str) -> None:
    both = Both(store, key)
    assert await both.do(Redis.claimed) is None
    await both.do(Redis.claim, SOONER, LONG)
    await both.do(Redis.claim, CLAIM, SHORT)
    assert await both.do(Redis.claimed) == CLAIM
    assert (await both.do(Redis.read)).lost
    await asyncio.sleep(2 * SHORT)
    assert await both.do(Redis.claimed) is None
