"""What is collected of users, and sent in batches."""

from collections.abc import AsyncIterator, Collection
from uuid import uuid4

import pytest
from mlrollout.adapters.redis import Calls, RedisUsers, UserCounts
from mlrollout.adapters.redis.users import MOST
from mlrollout.assignment import Assignment, Group, Reason, State
from mlrollout.domain.record import Record
from mlrollout.server import counting
from mlrollout.server.counting import Counting

from devstack.redis_server import RedisServer

KEY = uuid4().hex


@pytest.fixture
async def users(redis_server: RedisServer) -> AsyncIterator[RedisUsers]:
    calls = Calls.from_url(redis_server.url)
    yield RedisUsers(calls)
    await calls.close()


def in_group(group: Group, attempt: int, reason: Reason = Reason.SPLIT) -> Assignment:
    record = Record(attempt, latched=False, sequence=1, percentage=50)
    return Assignment(group, reason, State(50, reason, record, 0.0))


async def test_more_users_than_one_call_takes_are_sent_in_several(users: RedisUsers) -> None:
    collected = Counting(users)
    for number in range(3 * MOST):
        collected.add(KEY, f"user-{number}", in_group(Group.CONTROL if number % 3 else Group.TREATMENT, 1))
    await collected.send()

    counted = await users.count(KEY, 1)
    assert counted.control == pytest.approx(2 * MOST, rel=0.05)
    assert counted.treatment == pytest.approx(MOST, rel=0.05)


async def test_only_so_many_wait(users: RedisUsers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "MOST_WAITING", 5)
    collected = Counting(users)
    for number in range(20):
        collected.add(KEY, f"user-{number}", in_group(Group.CONTROL, 2))
    await collected.send()
    collected.add(KEY, "one more", in_group(Group.CONTROL, 2))
    await collected.send()

    assert (await users.count(KEY, 2)).control == 6


async def test_while_redis_hangs_no_more_wait_however_often_it_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "MOST_WAITING", 5)
    nowhere = Calls.from_url("redis://127.0.0.1:1")
    users = Slow(nowhere)
    users.meanwhile = collected = Counting(users)
    for number in range(5):
        collected.add(KEY, f"user-{number}", in_group(Group.CONTROL, 6))
    for _ in range(4):
        await collected.send()
        assert collected._number() == 5
    await nowhere.close()


async def test_who_is_nobody_or_was_put_there_by_hand_is_not_counted(users: RedisUsers) -> None:
    collected = Counting(users)
    for reason in (Reason.NO_USER, Reason.FORCED):
        collected.add(KEY, "kim", in_group(Group.CONTROL, 3, reason))
    collected.add(KEY, "kim", Assignment(Group.CONTROL, Reason.ABSENT, State(0, Reason.ABSENT, None, 0.0)))
    await collected.send()

    assert await users.count(KEY, 3) == UserCounts(0, 0, 0)


class Slow(RedisUsers):
    """To which users come while it is told of others."""

    meanwhile: Counting

    async def add(self, key: str, attempt: int, control: Collection[bytes], treatment: Collection[bytes]) -> None:
        for number in range(10):
            self.meanwhile.add(KEY, f"late-{len(control)}-{number}", in_group(Group.CONTROL, attempt))
        await super().add(key, attempt, control, treatment)


async def test_who_comes_while_others_are_sent_is_sent_the_next_time(redis_server: RedisServer) -> None:
    calls = Calls.from_url(redis_server.url)
    users = Slow(calls)
    users.meanwhile = collected = Counting(users)
    for number in range(5):
        collected.add(KEY, f"user-{number}", in_group(Group.CONTROL, 4))
    await collected.send()
    assert (await users.count(KEY, 4)).control == 5
    await collected.send()

    assert (await users.count(KEY, 4)).control == 15
    await calls.close()


async def test_what_could_not_be_sent_waits_with_who_came_meanwhile(redis_server: RedisServer) -> None:
    nowhere, calls = Calls.from_url("redis://127.0.0.1:1"), Calls.from_url(redis_server.url)
    users = Slow(nowhere)
    users.meanwhile = collected = Counting(users)
    for number in range(5):
        collected.add(KEY, f"user-{number}", in_group(Group.CONTROL, 5))
    await collected.send()
    collected._users = RedisUsers(calls)
    await collected.send()

    assert (await RedisUsers(calls).count(KEY, 5)).control == 15
    await nowhere.close()
    await calls.close()
