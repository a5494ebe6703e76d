"""Redis Cluster."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path

import pytest
from mlrollout.adapters.redis import RedisTrafficStore
from mlrollout.domain.traffic import Lower, Outcome, Raise, SavedRecord, Traffic, Written
from mlrollout.ports import KeyRefusedError, TrafficError
from redis.crc import key_slot

from devstack.processes import wait_until
from devstack.redis_server import RedisServer
from tests.components.redis.awaiting import LONG_ENOUGH, until
from tests.components.redis.examples import LATCHED, TEN, ZERO
from tests.components.redis.opening import opened

KEY = "{ml_dispatch}:rollout_percentage"


@pytest.fixture(scope="module")
def cluster() -> Iterator[RedisServer]:
    # It waits as long as the time-out before it serves again.
    with RedisServer(cluster=True, config=["cluster-node-timeout 500"]) as running:
        yield running


@pytest.fixture
async def store(cluster: RedisServer) -> AsyncIterator[RedisTrafficStore]:
    cluster.cli("flushall")
    async with opened(cluster.url) as store:
        yield store


async def test_a_key_with_a_hash_tag_works_as_anywhere(store: RedisTrafficStore) -> None:
    assert await store.read(KEY) == Traffic(None, None)
    assert (await store.write(KEY, Lower(ZERO))).outcome is Outcome.APPLIED
    assert (await store.write(KEY, Raise(SavedRecord(TEN), expect=ZERO))).traffic == Traffic("10", TEN)
    assert (await store.write(KEY, Lower(LATCHED))).traffic == Traffic("0", LATCHED)


async def test_a_cluster_takes_the_login_of_a_file(cluster: RedisServer, tmp_path: Path) -> None:
    cluster.cli("flushall")
    cluster.cli("acl", "setuser", "someone", "on", ">hunter2", "allkeys", "allchannels", "+@all")
    file = tmp_path / "url"
    file.write_text(f"redis://someone:hunter2@127.0.0.1:{cluster.port}")
    async with opened(f"redis://someone:old@127.0.0.1:{cluster.port}", file=file) as store:
        assert (await store.write(KEY, Lower(ZERO))).outcome is Outcome.APPLIED


@pytest.mark.parametrize(
    ("key", "instead"),
    [
        ("ml_dispatch:rollout_percentage", "{ml_dispatch}:rollout_percentage"),
        ("rollout", "{rollout}"),
        ("{}ml:x", "{ml}:x"),
    ],
)
async def test_a_key_without_one_is_refused_with_the_key_to_use(
    store: RedisTrafficStore, key: str, instead: str
) -> None:
    for call in (store.read(key), store.write(key, Lower(ZERO))):
        with pytest.raises(KeyRefusedError) as raised:
            await call
        assert f"for example {instead}." in str(raised.value)
    assert await store.read(instead) == Traffic(None, None)


@pytest.mark.usefixtures("patient")
async def test_many_first_calls_at_once(store: RedisTrafficStore) -> None:
    written = await asyncio.gather(*(store.write(f"{{{number}}}:k", Lower(ZERO)) for number in range(50)))
    assert {each.outcome for each in written} == {Outcome.APPLIED}


async def test_a_restart_costs_no_error(cluster: RedisServer, store: RedisTrafficStore) -> None:
    await asyncio.gather(*(store.write(KEY, Lower(ZERO)) for _ in range(10)))
    cluster.restart()
    assert (await store.write(KEY, Lower(ZERO))).outcome is Outcome.APPLIED


async def test_faults_end_in_a_traffic_error_and_pass(cluster: RedisServer, store: RedisTrafficStore) -> None:
    await store.write(KEY, Lower(ZERO))

    cluster.pause()
    told = await asyncio.gather(*(store.read(KEY) for _ in range(20)), return_exceptions=True)
    assert {type(each) for each in told} == {TrafficError}
    cluster.resume()
    assert await store.read(KEY) == Traffic("0", ZERO)

    cluster.cli("cluster", "delslotsrange", "0", "16383")
    with pytest.raises(TrafficError):
        await store.write(KEY, Lower(LATCHED))
    cluster.cli("cluster", "addslotsrange", "0", "16383")
    await until(lambda: asyncio.to_thread(serves, cluster), bool)
    assert (await store.write(KEY, Lower(LATCHED))).outcome is Outcome.APPLIED


def serves(node: RedisServer) -> bool:
    return "cluster_state:ok" in node.cli("cluster", "info")


@pytest.fixture
def two_nodes() -> Iterator[tuple[RedisServer, RedisServer]]:
    """A Cluster of two, each with half of the slots, that never gives up on a node."""
    one, two = RedisServer(), RedisServer()
    for node in (one, two):
        bus = node.ports.get("bus")
        node.config = ("cluster-enabled yes", f"cluster-port {bus}", "cluster-node-timeout 600000")
    with one, two:
        one.cli("cluster", "addslotsrange", "0", "8191")
        two.cli("cluster", "addslotsrange", "8192", "16383")
        one.cli("cluster", "meet", "127.0.0.1", str(two.port), str(two.ports.get("bus")))
        for node in (one, two):
            wait_until(partial(serves, node), within=LONG_ENOUGH, what="the cluster")
        yield one, two


async def test_a_hung_node_holds_up_its_own_keys_only(two_nodes: tuple[RedisServer, RedisServer]) -> None:
    one, two = two_nodes
    keys = [f"{{{number}}}:rollout_percentage" for number in range(60)]
    healthy = [key for key in keys if key_slot(key.encode()) <= 8191]
    async with opened(one.url) as store:

        async def write(keys: list[str]) -> list[object]:
            return await asyncio.gather(*(store.write(key, Lower(ZERO)) for key in keys), return_exceptions=True)

        await until(lambda: write(keys), lambda answers: all(isinstance(each, Written) for each in answers))
        two.pause()

        def served(answers: list[object]) -> list[str]:
            return [key for key, each in zip(keys, answers, strict=True) if isinstance(each, Written)]

        assert served(await until(lambda: write(keys), lambda answers: set(served(answers)) >= set(healthy))) == healthy
        two.resume()


async def test_a_database_number_is_named(cluster: RedisServer) -> None:
    async with opened(cluster.url.replace("/0", "/3")) as store:
        with pytest.raises(TrafficError, match="database 0 only"):
            await store.read(KEY)
