"""What an object that is refused a key leaves for the people of the one that has it."""

import pytest
import redis
from mlrollout.adapters.redis import RedisTrafficStore
from mlrollout.domain.claim import Claim
from mlrollout.domain.traffic import Lower, Outcome, Raise, SavedRecord, Traffic
from mlrollout.ports import TrafficError

from devstack.redis_server import RedisServer
from tests.components.redis.examples import LATCHED, TEN, ZERO
from tests.components.redis.opening import opened

CLAIM = Claim("uid-2", "dispatch/other", "there")
SOONER = Claim("uid-3", "dispatch/third", "there")

pytestmark = pytest.mark.usefixtures("patient")


async def test_the_last_claim_stands_for_a_while_and_changes_nothing_else(
    store: RedisTrafficStore, key: str, raw: redis.Redis
) -> None:
    await store.write(key, Lower(ZERO))
    assert await store.claimed(key) is None
    await store.claim(key, SOONER, 180)
    await store.claim(key, CLAIM, 180)
    assert await store.claimed(key) == CLAIM
    assert 0 < int(str(raw.pttl(f"{key}:claim"))) <= 180_000
    assert await store.read(key) == Traffic("0", ZERO)
    raw.pexpire(f"{key}:claim", 0)
    assert await store.claimed(key) is None


async def test_a_claim_that_is_none_is_ignored(store: RedisTrafficStore, key: str, raw: redis.Redis) -> None:
    raw.set(f"{key}:claim", "not ours")
    assert await store.claimed(key) is None
    raw.delete(f"{key}:claim")
    raw.rpush(f"{key}:claim", "a list")
    with pytest.raises(TrafficError):
        await store.claimed(key)


async def test_a_user_of_before_there_were_claims_guards_all_the_same(own_server: RedisServer) -> None:
    own_server.cli(
        *("acl", "setuser", "older", "on", ">secret", "resetchannels", "&key:changes", "~key", "~key:record"),
        *("-@all", "+mget", "+eval", "+get", "+set", "+time", "+pexpireat", "+persist", "+publish"),
    )
    async with opened(f"redis://older:secret@127.0.0.1:{own_server.port}/0") as older:
        with pytest.raises(TrafficError, match="permit"):
            await older.claim("key", CLAIM, 180)
        with pytest.raises(TrafficError, match="permit"):
            await older.claimed("key")
        assert (await older.write("key", Lower(ZERO))).outcome is Outcome.APPLIED
        assert (await older.write("key", Raise(SavedRecord(TEN), expect=ZERO))).traffic == Traffic("10", TEN)
        assert (await older.write("key", Lower(LATCHED))).traffic == Traffic("0", LATCHED)


async def test_a_cluster_keeps_a_claim_beside_its_key() -> None:
    with RedisServer(cluster=True) as cluster:
        async with opened(cluster.url) as store:
            await store.claim("{ml}:percentage", CLAIM, 180)
            assert await store.claimed("{ml}:percentage") == CLAIM
