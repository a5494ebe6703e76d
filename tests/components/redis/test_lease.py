"""How long a percentage outlives its operator."""

import redis
from mlrollout.adapters.redis import RedisTrafficStore
from mlrollout.domain.traffic import Lower, Outcome, Raise, SavedRecord

from tests.components.redis.awaiting import until
from tests.components.redis.examples import LATCHED, TEN, THIRTY, ZERO

LONG = 3600.0


async def at_ten(store: RedisTrafficStore, key: str, lease: float | None) -> None:
    await store.write(key, Lower(ZERO), lease=lease)
    await store.write(key, Raise(SavedRecord(TEN), expect=ZERO), lease=lease)


def expiries(raw: redis.Redis, key: str) -> set[int]:
    """When key and record expire, in milliseconds since the epoch; -1 for never."""
    return {raw.pexpiretime(name) for name in (key, f"{key}:record")}


async def test_nothing_expires_without_a_lease(store: RedisTrafficStore, key: str, raw: redis.Redis) -> None:
    await at_ten(store, key, None)
    assert expiries(raw, key) == {-1}


async def test_unless_it_is_renewed_all_is_gone_at_once(store: RedisTrafficStore, key: str, raw: redis.Redis) -> None:
    await at_ten(store, key, 0.02)
    traffic = await until(lambda: store.read(key), lambda traffic: traffic.record is None)
    assert traffic.lost


async def test_key_and_record_expire_together(store: RedisTrafficStore, key: str, raw: redis.Redis) -> None:
    await at_ten(store, key, LONG)
    (at,) = expiries(raw, key)
    seconds, microseconds = raw.time()
    assert LONG * 1000 - 60_000 < at - seconds * 1000 - microseconds // 1000 <= LONG * 1000


async def test_writing_the_record_again_renews(store: RedisTrafficStore, key: str, raw: redis.Redis) -> None:
    await at_ten(store, key, LONG)
    (before,) = expiries(raw, key)
    assert (await store.write(key, Lower(TEN), lease=2 * LONG)).outcome is Outcome.APPLIED
    (after,) = expiries(raw, key)
    assert after - before > LONG * 1000 - 1


async def test_a_lease_taken_away_no_longer_counts(store: RedisTrafficStore, key: str, raw: redis.Redis) -> None:
    await at_ten(store, key, LONG)
    await store.write(key, Lower(TEN))
    assert expiries(raw, key) == {-1}


async def test_a_write_that_is_refused_renews_nothing(store: RedisTrafficStore, key: str, raw: redis.Redis) -> None:
    await at_ten(store, key, LONG)
    before = expiries(raw, key)
    raw.set(key, "5", keepttl=True)
    for write in (Lower(ZERO), Lower(TEN), Lower(THIRTY), Raise(SavedRecord(THIRTY), expect=TEN)):
        assert (await store.write(key, write, lease=2 * LONG)).outcome is not Outcome.APPLIED
    assert expiries(raw, key) == before


async def test_a_key_put_back_keeps_its_lease(store: RedisTrafficStore, key: str, raw: redis.Redis) -> None:
    await at_ten(store, key, LONG)
    before = expiries(raw, key)
    raw.set(key, "90", keepttl=True)
    assert (await store.write(key, Lower(ZERO))).traffic.key == "10"
    assert expiries(raw, key) == before


async def test_a_rollback_does_not_expire(store: RedisTrafficStore, key: str, raw: redis.Redis) -> None:
    await at_ten(store, key, LONG)
    await store.write(key, Lower(LATCHED), lease=LONG)
    assert expiries(raw, key) == {-1}
