"""Many keys read at once."""

import asyncio
from collections.abc import Sequence

import pytest
import redis
from mlrollout.adapters.redis import RedisTrafficStore
from mlrollout.domain.traffic import Lower, Raise, SavedRecord, Traffic
from mlrollout.ports import KeyRefusedError, TrafficError
from redis.crc import key_slot

from devstack.redis_server import RedisServer
from tests.components.redis.awaiting import until
from tests.components.redis.examples import TEN, ZERO
from tests.components.redis.opening import opened
from tests.components.redis.test_cluster import cluster, two_nodes  # noqa: F401 - fixtures

TAGGED = [f"{{{number}}}:rollout_percentage" for number in range(60)]


async def _fill(store: RedisTrafficStore, keys: Sequence[str]) -> None:
    await asyncio.gather(*(store.write(key, Lower(ZERO)) for key in keys))


@pytest.mark.usefixtures("patient")
async def test_each_is_told_in_its_place(store: RedisTrafficStore, key: str, raw: redis.Redis) -> None:
    keys = [f"{key}:{number}" for number in range(250)]
    await _fill(store, keys[:248])
    await store.write(keys[7], Raise(SavedRecord(TEN), expect=ZERO))
    raw.rpush(keys[248], "a list")

    found = await store.read_many(keys)

    assert found == [await store.read(one) for one in keys]
    assert found[7] == Traffic("10", TEN)
    assert found[248:] == [Traffic(None, None), Traffic(None, None)]
    assert await store.read_many([]) == []


async def test_it_takes_one_request_for_a_hundred(store: RedisTrafficStore, key: str, raw: redis.Redis) -> None:
    await store.read(key)
    before = raw.info("commandstats")["cmdstat_mget"]["calls"]
    await store.read_many([f"{key}:{number}" for number in range(250)])
    assert raw.info("commandstats")["cmdstat_mget"]["calls"] - before == 3


async def test_a_redis_that_does_not_answer_is_told_for_each_and_forgotten(
    own_server: RedisServer, own_store: RedisTrafficStore
) -> None:
    await own_store.write("one", Lower(ZERO))
    own_server.pause()
    told = await own_store.read_many(["one", "two"])
    assert [type(each) for each in told] == [TrafficError, TrafficError]
    own_server.resume()
    assert await own_store.read_many(["one"]) == [Traffic("0", ZERO)]
    own_server.restart()
    assert all(isinstance(each, Traffic) for each in await own_store.read_many(["one", "two"]))


@pytest.mark.usefixtures("patient")
async def test_a_key_that_may_not_be_read_spoils_no_other(
    own_server: RedisServer, own_store: RedisTrafficStore
) -> None:
    await _fill(own_store, ["ours:1", "ours:2"])
    own_server.cli("acl", "setuser", "narrow", "on", ">secret", "~ours:*", "+@all")
    async with opened(f"redis://narrow:secret@127.0.0.1:{own_server.port}/0") as narrow:
        one, theirs, two = await narrow.read_many(["ours:1", "theirs", "ours:2"])
    assert [one, two] == [Traffic("0", ZERO)] * 2
    assert isinstance(theirs, TrafficError)
    assert "permit" in str(theirs)


# --- Redis Cluster -----------------------------------------------------------------------------


async def test_a_cluster_answers_for_each_key_and_refuses_those_it_keeps_apart(cluster: RedisServer) -> None:  # noqa: F811
    async with opened(cluster.url) as store:
        await _fill(store, TAGGED)
        *served, refused = await store.read_many([*TAGGED, "untagged"])
    assert served == [Traffic("0", ZERO)] * len(TAGGED)
    assert isinstance(refused, KeyRefusedError)


async def test_a_hung_node_spoils_its_own_keys_only(two_nodes: tuple[RedisServer, RedisServer]) -> None:  # noqa: F811
    one, two = two_nodes
    healthy = [key for key in TAGGED if key_slot(key.encode()) <= 8191]
    async with opened(one.url) as store:

        async def served() -> list[str]:
            found = await store.read_many(TAGGED)
            return [key for key, each in zip(TAGGED, found, strict=True) if isinstance(each, Traffic)]

        assert await until(served, lambda keys: keys == TAGGED)
        two.pause()
        assert await until(served, lambda keys: set(keys) >= set(healthy)) == healthy
        two.resume()
