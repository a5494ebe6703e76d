"""Counting users, against a real Redis."""

from collections.abc import AsyncIterator

import pytest
import redis
from mlrollout.adapters.redis import Calls, RedisUsers, UserCounts
from mlrollout.adapters.redis.users import KEPT, MOST
from mlrollout.ports import TrafficError

from devstack.redis_server import RedisServer


@pytest.fixture
async def users(server: RedisServer, patient: None) -> AsyncIterator[RedisUsers]:
    calls = Calls.from_url(server.url)
    yield RedisUsers(calls)
    await calls.close()


def ids(first: int, after: int) -> list[bytes]:
    return [f"user-{number}".encode() for number in range(first, after)]


async def test_nobody_has_been_there_before_the_first(users: RedisUsers, key: str) -> None:
    assert await users.count(key, 1) == UserCounts(0, 0, 0)


async def test_a_user_counts_once_however_often_they_are_added(users: RedisUsers, key: str) -> None:
    for _ in range(3):
        await users.add(key, 1, control=ids(0, 20), treatment=ids(20, 25))

    assert await users.count(key, 1) == UserCounts(control=20, treatment=5, total=25)


async def test_a_user_who_moved_counts_in_both_groups_and_once_in_all(users: RedisUsers, key: str) -> None:
    await users.add(key, 1, control=ids(0, 10), treatment=[])
    await users.add(key, 1, control=[], treatment=ids(5, 10))

    assert await users.count(key, 1) == UserCounts(control=10, treatment=5, total=10)


async def test_attempts_are_counted_apart(users: RedisUsers, key: str) -> None:
    await users.add(key, 1, control=ids(0, 10), treatment=[])
    await users.add(key, 2, control=ids(0, 3), treatment=[])

    assert (await users.count(key, 1)).total == 10
    assert (await users.count(key, 2)).total == 3


async def test_a_full_batch_is_taken(users: RedisUsers, key: str) -> None:
    await users.add(key, 1, control=ids(0, MOST), treatment=[])

    assert (await users.count(key, 1)).control == pytest.approx(MOST, rel=0.05)


async def test_counts_expire(users: RedisUsers, key: str, raw: "redis.Redis") -> None:
    await users.add(key, 1, control=ids(0, 1), treatment=ids(0, 1))

    lives = [raw.ttl(f"{key}:users:1:{group}") for group in ("control", "treatment")]
    assert all(KEPT - 60 < int(str(seconds)) <= KEPT for seconds in lives)


async def test_the_ids_are_not_kept(users: RedisUsers, key: str, raw: "redis.Redis", server: RedisServer) -> None:
    await users.add(key, 1, control=[b"kim@example.com"], treatment=[])

    with redis.Redis(port=server.port) as binary:
        (dump,) = [binary.dump(name) for name in binary.scan_iter(f"{key}*")]
    assert b"kim@example.com" not in bytes(str(dump), "utf-8")


async def test_a_cluster_counts_as_well(patient: None) -> None:
    with RedisServer(cluster=True) as cluster:
        calls = Calls.from_url(cluster.url)
        users = RedisUsers(calls)
        await users.add("{ml}:percentage", 1, control=ids(0, 4), treatment=ids(4, 5))

        assert await users.count("{ml}:percentage", 1) == UserCounts(4, 1, 5)
        await calls.close()


async def test_a_redis_that_is_gone_is_told(own_server: RedisServer) -> None:
    calls = Calls.from_url(own_server.url)
    own_server.stop()

    with pytest.raises(TrafficError, match="can't be reached"):
        await RedisUsers(calls).count("key", 1)
    await calls.close()
