"""Many writers at once."""

import asyncio
import random
from contextlib import AsyncExitStack

import pytest
from mlrollout.adapters.redis import RedisTrafficStore
from mlrollout.adapters.redis.client import MOST_AT_ONCE
from mlrollout.domain.record import Record
from mlrollout.domain.traffic import Lower, Outcome, Raise, SavedRecord, Write

from devstack.redis_server import RedisServer
from tests.components.redis.examples import TEN, ZERO, record
from tests.components.redis.opening import opened

pytestmark = pytest.mark.usefixtures("patient")


def at_random(chance: random.Random) -> Record:
    latched = chance.random() < 0.2
    percentage = 0 if latched else chance.choice([0, 10, 30, 100])
    return record(percentage, attempt=chance.randint(1, 4), sequence=chance.randint(0, 9), latched=latched)


async def insist(store: RedisTrafficStore, key: str, wanted: Record) -> None:
    """Write until the record stands or a greater one does."""
    write: Write = Lower(wanted)
    while True:
        written = await store.write(key, write)
        if written.outcome in {Outcome.APPLIED, Outcome.OUTRANKED}:
            return
        assert written.outcome in {Outcome.GROWS, Outcome.CHANGED}
        write = Raise(SavedRecord(wanted), expect=written.traffic.record)


async def test_fifty_writers_end_in_the_greatest_record(server: RedisServer, key: str) -> None:
    chance = random.Random(key)  # noqa: S311 - no secret
    wanted = [at_random(chance) for _ in range(50)]
    async with AsyncExitStack() as stack:
        stores = [await stack.enter_async_context(opened(server.url)) for _ in range(5)]
        await stores[0].write(key, Lower(ZERO))

        await asyncio.gather(*(insist(stores[number % 5], key, each) for number, each in enumerate(wanted)))

        traffic = await stores[0].read(key)
    assert traffic.record == max([ZERO, *wanted], key=lambda each: each.rank)
    assert traffic.percentage == traffic.record.percentage


async def test_one_raise_of_many_wins(store: RedisTrafficStore, key: str) -> None:
    await store.write(key, Lower(ZERO))
    rivals = [record(percentage, sequence=1) for percentage in range(1, 51)]

    written = await asyncio.gather(
        *(store.write(key, Raise(SavedRecord(rival), expect=ZERO)) for rival in reversed(rivals))
    )

    assert [each.outcome for each in written].count(Outcome.APPLIED) == 1
    applied = next(each for each in written if each.outcome is Outcome.APPLIED)
    assert await store.read(key) == applied.traffic


async def test_many_keys_share_few_connections(own_server: RedisServer, own_store: RedisTrafficStore) -> None:
    keys = [f"ml_dispatch:{number}" for number in range(200)]
    await asyncio.gather(*(own_store.write(key, Lower(ZERO)) for key in keys))
    await asyncio.gather(*(own_store.write(key, Raise(SavedRecord(TEN), expect=ZERO)) for key in keys))

    assert {(await own_store.read(key)).percentage for key in keys} == {10}
    clients = own_server.cli("client", "list", "type", "normal").splitlines()
    assert len([line for line in clients if "cmd=client" not in line]) <= MOST_AT_ONCE
