"""A replica takes over, with or without the last write."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import pytest
from mlrollout.adapters.redis import RedisTrafficStore
from mlrollout.domain.record import greater
from mlrollout.domain.traffic import Lower, Outcome, Raise, SavedRecord, Traffic, Write, Written
from mlrollout.ports import LoginRefusedError, TrafficError

from devstack.redis_server import RedisServer
from tests.components.redis.awaiting import until
from tests.components.redis.examples import LATCHED, TEN, THIRTY, ZERO, record
from tests.components.redis.opening import opened
from tests.support import raw_server as raw
from tests.support.raw_server import raw_server
from tests.support.sentinel import PASSWORD, Sentinel, sentinel_url

KEY = "ml_dispatch:rollout_percentage"


async def at_thirty(store: RedisTrafficStore) -> None:
    await store.write(KEY, Lower(ZERO))
    await store.write(KEY, Raise(SavedRecord(TEN), expect=ZERO))
    await store.write(KEY, Raise(SavedRecord(THIRTY), expect=TEN))


async def test_a_rollback_that_a_failover_lost_is_asserted_again(own_server: RedisServer) -> None:
    with RedisServer(replica_of=own_server, name="replica") as replica:
        async with opened(own_server.url) as before, opened(replica.url) as after:
            await at_thirty(before)
            await until(lambda: after.read(KEY), lambda traffic: traffic.record == THIRTY)
            replica.cli("replicaof", "no", "one")
            await before.write(KEY, Lower(LATCHED))

            lost = await after.read(KEY)
            assert lost.in_force == THIRTY.percentage
            assert greater(LATCHED, lost.record or ZERO) == LATCHED  # so a client that saw it stays in control

            assert (await after.write(KEY, Lower(LATCHED))).traffic == Traffic("0", LATCHED)
            stale = Raise(SavedRecord(record(100, sequence=3)), expect=THIRTY)
            assert (await after.write(KEY, stale)).outcome is Outcome.OUTRANKED
            assert await after.read(KEY) == Traffic("0", LATCHED)


# --- Sentinel ----------------------------------------------------------------------------------


@pytest.fixture
def pair() -> Iterator[tuple[RedisServer, RedisServer]]:
    with (
        RedisServer(password=PASSWORD) as primary,
        RedisServer(password=PASSWORD, replica_of=primary, name="replica") as replica,
    ):
        yield primary, replica


@pytest.mark.parametrize("password", ["", PASSWORD], ids=["open", "same password"])
async def test_sentinels_name_the_primary(pair: tuple[RedisServer, RedisServer], password: str) -> None:
    primary, _ = pair
    with Sentinel(primary, password=password) as sentinel, RedisServer() as hung:
        hung.pause()
        async with opened(sentinel_url(1, hung.port, sentinel.port)) as store:
            assert (await eventually(store, Lower(ZERO))).outcome is Outcome.APPLIED
        assert primary.cli("get", KEY) == "0"


@pytest.mark.parametrize("password", ["", PASSWORD], ids=["open", "same password"])
async def test_sentinels_are_shown_the_login_of_a_file(
    pair: tuple[RedisServer, RedisServer], password: str, tmp_path: Path
) -> None:
    with Sentinel(pair[0], password=password) as sentinel:
        file = tmp_path / "url"
        file.write_text(sentinel_url(sentinel.port))
        async with opened(sentinel_url(sentinel.port).replace(PASSWORD, "old"), file=file) as store:
            assert (await eventually(store, Lower(ZERO))).outcome is Outcome.APPLIED


async def test_sentinels_that_refuse_the_password_are_told_as_such(pair: tuple[RedisServer, RedisServer]) -> None:
    """So that the Secret, which may have been put right, is read again soon."""
    primary, _ = pair
    with Sentinel(primary, password=PASSWORD[::-1]) as sentinel:
        async with opened(sentinel_url(sentinel.port)) as store:
            with pytest.raises(LoginRefusedError, match="refused the user name or the password") as raised:
                await store.read(KEY)
            assert PASSWORD not in str(raised.value)


async def test_any_sentinel_that_answers_is_enough_however_many_are_silent(
    pair: tuple[RedisServer, RedisServer],
) -> None:
    primary, _ = pair
    async with AsyncExitStack() as stack:
        silent = [(await stack.enter_async_context(raw_server(raw.is_silent))).address for _ in range(5)]
        sentinel = stack.enter_context(Sentinel(primary, password=PASSWORD))
        ports = [int(address.rpartition(":")[2]) for address in silent]
        store = await stack.enter_async_context(opened(sentinel_url(*ports, sentinel.port)))
        await until(lambda: answers(store), bool)


async def answers(store: RedisTrafficStore) -> bool:
    """Whether it does; each that does not is another try."""
    with suppress(TrafficError):
        await store.read(KEY)
        return True
    return False


async def test_the_store_follows_the_sentinels(pair: tuple[RedisServer, RedisServer]) -> None:
    primary, replica = pair
    with Sentinel(primary) as sentinel:
        async with opened(sentinel_url(sentinel.port)) as store:
            await at_thirty(store)
            await until(lambda: asyncio.to_thread(replica.cli, "get", KEY), lambda value: value == "30")
            primary.kill()

            assert (await eventually(store, Lower(LATCHED))).outcome is Outcome.APPLIED

            assert replica.cli("get", KEY) == "0"


async def test_a_demoted_primary_is_left(pair: tuple[RedisServer, RedisServer]) -> None:
    primary, replica = pair
    with Sentinel(primary) as sentinel:
        async with opened(sentinel_url(sentinel.port)) as store:
            await at_thirty(store)
            await until(lambda: asyncio.to_thread(replica.cli, "get", KEY), lambda value: value == "30")
            await until(lambda: asyncio.to_thread(sentinel.promoted, replica), bool)
            # The Sentinel does this too, but takes ten seconds.
            primary.cli("replicaof", "127.0.0.1", str(replica.port))

            assert (await eventually(store, Lower(LATCHED))).outcome is Outcome.APPLIED

            assert replica.cli("get", KEY) == "0"


async def test_mistakes_with_sentinels_are_named(pair: tuple[RedisServer, RedisServer]) -> None:
    primary, _ = pair
    with Sentinel(primary) as sentinel:
        for url, told in (
            (f"redis://127.0.0.1:{sentinel.port}", r"Write the URL as redis\+sentinel"),
            (sentinel_url(sentinel.port).replace("dispatch", "other"), "has no primary now"),
        ):
            async with opened(url) as store:
                with pytest.raises(TrafficError, match=told):
                    await store.read(KEY)


async def eventually(store: RedisTrafficStore, write: Write) -> Written:
    """What the operator does: try again until Redis answers."""

    async def attempt() -> Written | None:
        try:
            return await store.write(KEY, write)
        except TrafficError:
            return None

    written = await until(attempt, lambda written: written is not None)
    assert written
    return written


async def test_a_unix_socket() -> None:
    with RedisServer() as server:
        path = server.directory / "redis.sock"
        server.config = (f"unixsocket {path}",)
        server.restart()
        async with opened(f"unix://{path}?db=2") as store:
            assert (await store.write(KEY, Lower(ZERO))).outcome is Outcome.APPLIED
        assert server.cli("-n", "2", "get", KEY) == "0"
