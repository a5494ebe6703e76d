"""Redis and the network at their worst: a call succeeds, or it ends soon with a `TrafficError`."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer

import pytest
import redis
from mlrollout.adapters.redis import RedisTrafficStore
from mlrollout.adapters.redis.calls import CALL_WITHIN
from mlrollout.domain.record import encode
from mlrollout.domain.traffic import Lower, Outcome, Traffic
from mlrollout.ports import TrafficError

from devstack.redis_server import RedisServer
from tests.components.redis.awaiting import LONG_ENOUGH, until
from tests.components.redis.examples import LATCHED, TEN, ZERO
from tests.components.redis.opening import opened
from tests.support.proxy import Proxy

KEY = "ml_dispatch:rollout_percentage"
RECORD = f"{KEY}:record"


async def use_all_connections(store: RedisTrafficStore) -> None:
    await asyncio.gather(*(store.read(KEY) for _ in range(20)))


async def failure(call: Awaitable[object]) -> str:
    with pytest.raises(TrafficError) as raised:
        await asyncio.wait_for(call, LONG_ENOUGH)
    return str(raised.value)


@pytest.fixture
async def proxy(own_server: RedisServer) -> AsyncIterator[Proxy]:
    async with Proxy(own_server.port) as running:
        yield running


async def test_a_restarted_server_costs_no_error(own_server: RedisServer, own_store: RedisTrafficStore) -> None:
    await use_all_connections(own_store)
    own_server.restart()
    assert (await own_store.write(KEY, Lower(ZERO))).outcome is Outcome.APPLIED
    own_server.kill()
    own_server.start()
    await use_all_connections(own_store)


async def test_while_it_is_down_calls_fail_and_say_so(own_server: RedisServer, own_store: RedisTrafficStore) -> None:
    own_server.kill()
    assert "can't be reached" in await failure(own_store.read(KEY))
    assert "can't be reached" in await failure(own_store.write(KEY, Lower(LATCHED)))
    own_server.start()
    assert await own_store.read(KEY) == Traffic(None, None)


async def test_a_hung_server_ends_calls_in_under_a_second(
    own_server: RedisServer, own_store: RedisTrafficStore
) -> None:
    assert CALL_WITHIN < 1
    await use_all_connections(own_store)
    own_server.pause()
    async with asyncio.timeout(8 * CALL_WITHIN):  # one after the other they would take 25 times as long
        told = await asyncio.gather(*(failure(own_store.read(KEY)) for _ in range(100)))
    assert all("did not answer in time" in text for text in told)
    own_server.resume()
    assert await own_store.read(KEY) == Traffic(None, None)


async def test_connections_that_died_silently_cost_no_error(proxy: Proxy) -> None:
    async with opened(f"redis://127.0.0.1:{proxy.port}") as store:
        await use_all_connections(store)
        proxy.silence()
        assert (await store.write(KEY, Lower(ZERO))).outcome is Outcome.APPLIED
        await use_all_connections(store)


async def test_the_primary_behind_an_address_may_change(own_server: RedisServer, proxy: Proxy) -> None:
    with RedisServer() as other:
        async with opened(f"redis://127.0.0.1:{proxy.port}") as store:
            await use_all_connections(store)
            own_server.cli("replicaof", "127.0.0.1", str(other.port))
            proxy.target = other.port
            assert (await store.write(KEY, Lower(ZERO))).outcome is Outcome.APPLIED
        assert other.cli("get", KEY) == "0"


async def test_a_replica_is_told_from_a_primary(own_server: RedisServer, own_store: RedisTrafficStore) -> None:
    own_server.cli("replicaof", "127.0.0.1", "1")
    assert "is a replica and takes no writes" in await failure(own_store.write(KEY, Lower(ZERO)))
    own_server.cli("config", "set", "replica-serve-stale-data", "no")
    assert "is a replica without its primary" in await failure(own_store.read(KEY))
    own_server.cli("replicaof", "no", "one")
    assert (await own_store.write(KEY, Lower(ZERO))).outcome is Outcome.APPLIED


async def test_somebodys_endless_script(own_server: RedisServer, own_store: RedisTrafficStore) -> None:
    own_server.cli("config", "set", "busy-reply-threshold", "1")
    with ThreadPoolExecutor(1) as pool, redis.Redis(port=own_server.port, socket_timeout=LONG_ENOUGH) as other:
        hung = pool.submit(other.eval, "while true do end", 0)
        told = await until(lambda: failure_of(own_store.write(KEY, Lower(ZERO))), bool)
        assert "held up by a script" in told
        own_server.cli("script", "kill")
        assert isinstance(hung.exception(), redis.ResponseError)
    assert (await own_store.write(KEY, Lower(ZERO))).outcome is Outcome.APPLIED


async def failure_of(call: Awaitable[object]) -> str:
    """What it fails with; empty where it does not."""
    try:
        await call
    except TrafficError as error:
        return str(error)
    return ""


async def test_a_server_that_is_still_loading(own_server: RedisServer, own_store: RedisTrafficStore) -> None:
    own_server.cli("config", "set", "rdbcompression", "no", "loading-process-events-interval-bytes", "1024")
    own_server.cli("debug", "populate", "1000", "key", "2000")
    own_server.cli("config", "set", "key-load-delay", "50000")
    with ThreadPoolExecutor(1) as pool, redis.Redis(port=own_server.port, socket_timeout=LONG_ENOUGH) as other:
        reload = pool.submit(other.execute_command, "DEBUG", "RELOAD")
        await until(lambda: failure_of(own_store.read(KEY)), lambda told: "still loading" in told)
        own_server.kill()
        assert reload.exception()
    own_server.start()
    assert await own_store.read(KEY) == Traffic(None, None)


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [("min-replicas-to-write", "1", "too few replicas"), ("maxclients", "1", "no connection left")],
)
async def test_limits_of_the_server_are_named(
    own_server: RedisServer, own_store: RedisTrafficStore, option: str, value: str, told: str
) -> None:
    with redis.Redis(port=own_server.port) as other:
        before = other.config_get(option)[option]
        other.config_set(option, value)
        assert told in await failure(own_store.write(KEY, Lower(ZERO)))
        other.config_set(option, before)
    assert (await own_store.write(KEY, Lower(ZERO))).outcome is Outcome.APPLIED


async def test_lowering_works_when_memory_is_full(own_server: RedisServer, own_store: RedisTrafficStore) -> None:
    with redis.Redis(port=own_server.port, decode_responses=True) as other:
        other.mset({KEY: "10", RECORD: encode(TEN)})
        other.config_set("maxmemory", "1")
        with pytest.raises(redis.OutOfMemoryError):
            other.set("anything", "else")

        written = await own_store.write(KEY, Lower(LATCHED))

        assert (written.outcome, written.traffic) == (Outcome.APPLIED, Traffic("0", LATCHED))
        assert other.mget(KEY, RECORD) == ["0", encode(LATCHED)]


@pytest.mark.parametrize("flush", [("flushall",), ("script", "flush")])
async def test_a_flushed_server_goes_on(
    own_server: RedisServer, own_store: RedisTrafficStore, flush: tuple[str, ...]
) -> None:
    await own_store.write(KEY, Lower(ZERO))
    own_server.cli(*flush)
    assert (await own_store.write(KEY, Lower(ZERO))).traffic == Traffic("0", ZERO)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 400 Bad Request\r\nhunter2\r\n\r\n",
        b"*0\r\n",
        b"+hunter2\r\n",
        b"*4\r\n$7\r\nversion\r\n$6\r\n6.2.14\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n",
        b"-ERR unknown command 'HELLO', hunter2\r\n",
        b"",
    ],
)
async def test_what_is_no_redis_of_today_is_refused(answer: bytes) -> None:
    class Answer(BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(100)
            self.request.sendall(answer)

    with ThreadingTCPServer(("127.0.0.1", 0), Answer) as server, ThreadPoolExecutor(1) as pool:
        serving = pool.submit(server.serve_forever, 0.01)
        async with opened(f"redis://127.0.0.1:{server.server_address[1]}") as store:
            assert "hunter2" not in await failure(store.read(KEY))
        server.shutdown()
        serving.result()


async def test_a_closed_store_leaves_no_connection(own_server: RedisServer) -> None:
    store = RedisTrafficStore.from_url(own_server.url)
    await use_all_connections(store)
    await store.close()
    with suppress(TrafficError):
        own_server.pause()
        await store.close()
    own_server.resume()

    with redis.Redis(port=own_server.port) as other:
        assert [client["cmd"] for client in other.client_list()] == ["client|list"]


@pytest.mark.parametrize("asked", ["read", "claimed", "read_many"])
async def test_whoever_is_cancelled_while_he_asks_ends_at_whatever_moment(
    own_store: RedisTrafficStore, asked: str
) -> None:
    await use_all_connections(own_store)
    steps = 0
    while True:
        call = asyncio.create_task(_ask(own_store, asked))
        for _ in range(steps):
            await asyncio.sleep(0)
        if call.done():
            break
        call.cancel()
        await asyncio.wait((call,))
        assert call.cancelled(), f"after {steps} steps it went on"
        steps += 1
    assert steps > 1


async def _ask(store: RedisTrafficStore, asked: str) -> object:
    if asked == "read_many":
        return await store.read_many([KEY])
    return await (store.read(KEY) if asked == "read" else store.claimed(KEY))
