"""Whatever stands at the address of a Redis that an object names: it ends its own calls, and takes little memory."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from mlrollout.adapters.redis import calls
from mlrollout.adapters.redis.bounded import LONGEST_TEXT, MOST
from mlrollout.domain.record import encode
from mlrollout.domain.traffic import Lower, Traffic
from mlrollout.ports import TrafficError

from devstack.redis_server import RedisServer
from tests.components.redis.examples import TEN, ZERO
from tests.components.redis.opening import opened

KEY = "ml_dispatch:rollout_percentage"
HELLO = b"*6\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$5\r\n7.4.0\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n"


@asynccontextmanager
async def answering(answer: bytes) -> AsyncIterator[str]:
    """A server that says it is Redis, and answers everything else with this, again and again."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while command := await reader.read(65536):
            writer.write(HELLO if b"HELLO" in command else answer)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_of_records_that_are_longer_than_any_nothing_is_kept_and_nobody_waits() -> None:
    """Eight objects of a tenant, whose own Redis answers with a record of nearly four megabytes for each."""
    record = b'{"schema":2,"pad":[' + b'{"":[]},' * (MOST // 8 - 1024) + b"0]}"
    answer = b"*2\r\n$2\r\n30\r\n$%d\r\n%s\r\n" % (len(record), record)
    longest = 0.0

    async def look() -> None:
        nonlocal longest
        loop = asyncio.get_running_loop()
        while True:
            before = loop.time()
            await asyncio.sleep(0.001)
            longest = max(longest, loop.time() - before)

    async with answering(answer) as url, opened(url) as store:
        looking = asyncio.create_task(look())
        for _ in range(3):
            found = await asyncio.gather(*(store.read_many([f"key{number}"]) for number in range(8)))
            assert all(isinstance(one, TrafficError) for (one,) in found)
        looking.cancel()
    assert longest < 0.5


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"$500000000\r\n" + b"x" * 65536, "more than a key and its record"),
        (b"*500000000\r\n" + b":1\r\n" * (MOST // 64 + 1), "more than a key and its record"),
        (b"*2\r\n$%d\r\n%s\r\n$%d\r\n" % (MOST // 2, b"x" * (MOST // 2), MOST // 2 + 1), "more than a key and its"),
        (b"$%d\r\n%s\r\n" % (LONGEST_TEXT + 1, b"x" * (LONGEST_TEXT + 1)), "more than a key and its record"),
        (b"*1\r\n" * 5000, "no answer of Redis"),
        (b"$abc\r\n", "no answer of Redis"),
        (b":1e9\r\n", "no answer of Redis"),
        (b"HTTP/1.1 200 OK\r\n\r\n", "no answer of Redis"),
        (b"*1\r\n$2\r\n10\r\n", "no answer of Redis"),
        (b"*-5\r\n", "no answer of Redis"),
        (b":5\r\n", "no answer of Redis"),
        (b"+OK\r\n", "no answer of Redis"),
        (b"*2\r\n*0\r\n:7\r\n", "no answer of Redis"),
        (b"*3\r\n$5\r\nother\r\n$-1\r\n$-1\r\n", "no answer of Redis"),
    ],
    ids=lambda one: repr(one[:20]),
)
async def test_what_is_no_answer_is_an_error_of_its_own_call(answer: bytes, said: str) -> None:
    async with answering(answer) as url, opened(url) as store:
        for call in (store.read, store.read, lambda key: store.write(key, Lower(ZERO))):
            with pytest.raises(TrafficError, match=said):
                await call(KEY)
        (found,) = await store.read_many([KEY])
        assert isinstance(found, TrafficError)


async def test_a_value_larger_than_any_spoils_none_beside_it(own_server: RedisServer) -> None:
    own_server.cli("set", f"{KEY}:record", encode(TEN))
    own_server.cli("set", KEY, "10")
    own_server.cli("setrange", "large", str(2 * MOST), "x")
    async with opened(own_server.url) as store:
        large, found = await store.read_many(["large", KEY])
        assert isinstance(large, TrafficError)
        assert "more than a key and its record" in str(large)
        assert found == Traffic("10", TEN)


async def test_it_is_asked_for_now_and_then_and_costs_the_others_their_common_request_as_seldom(
    own_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "_SPARED_FOR", 0.4)
    own_server.cli("setrange", "large:record", str(LONGEST_TEXT), "x")
    keys = ["large", *(f"key{number}" for number in range(10))]

    def asked() -> int:
        return int(own_server.cli("info", "commandstats").split("cmdstat_mget:calls=")[1].split(",")[0])

    async with opened(own_server.url) as store:
        first = await store.read_many(keys)
        before = asked()
        large, *others = await store.read_many(keys)
        assert isinstance(large, TrafficError)
        assert others == first[1:] == [Traffic(None, None)] * 10
        assert asked() - before == 1
        own_server.cli("del", "large:record")
        await asyncio.sleep(0.5)
        assert await store.read_many(keys) == [Traffic(None, None)] * 11
