"""Users, passwords, permissions; and that no error tells them."""

import traceback
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import redis
from mlrollout.adapters.redis import (
    Calls,
    Rating,
    Ratings,
    RedisSurvey,
    RedisTrafficStore,
    RedisUsers,
    Taken,
    UserCounts,
)
from mlrollout.domain.claim import Claim
from mlrollout.domain.record import encode
from mlrollout.domain.traffic import Lower, Outcome, Raise, SavedRecord, Traffic
from mlrollout.ports import TrafficError

from devstack.redis_server import RedisServer
from tests.components.redis.examples import LATCHED, TEN, ZERO
from tests.components.redis.opening import opened

pytestmark = pytest.mark.usefixtures("patient")

KEY = "ml_dispatch:rollout_percentage"
ADMIN = "hunter1"
DOCUMENTED = Path(__file__).parents[3].joinpath("docs/redis-acl.md").read_text()
CLAIM = Claim("uid-2", "dispatch/other")
CLUSTER = "+cluster|slots +asking"


@pytest.fixture(scope="module")
def guarded() -> Iterator[RedisServer]:
    with RedisServer(password=ADMIN) as running:
        yield running


@pytest.fixture
def admin(guarded: RedisServer) -> Iterator["redis.Redis"]:
    with redis.Redis.from_url(guarded.url, decode_responses=True) as client:
        client.flushall()
        yield client


@pytest.fixture
async def as_documented(guarded: RedisServer, admin: redis.Redis) -> AsyncIterator[RedisTrafficStore]:
    create(admin, "mlrollout", "hunter2")
    async with opened(url(guarded, "mlrollout", "hunter2")) as store:
        yield store


def create(admin: redis.Redis, user: str, password: str) -> None:
    """Create a user with the very lines of the documentation."""
    (block,) = (text for text in DOCUMENTED.split("```") if f"ACL SETUSER {user} on" in text)
    run(admin, block.replace("PASSWORD", password))


def run(client: "redis.Redis", command: str) -> None:
    client.execute_command(*command.split())  # type: ignore[no-untyped-call]  # has no types


def url(server: RedisServer, user: str, password: str) -> str:
    return f"redis://{user}:{password}@127.0.0.1:{server.port}/0"


async def failure(store: RedisTrafficStore, key: str = KEY) -> str:
    """How it fails to read, with everything that a log would print."""
    with pytest.raises(TrafficError) as raised:
        await store.read(key)
    return "".join(traceback.format_exception(raised.value))


@pytest.mark.parametrize(("login", "secret"), [("", ADMIN), (":hunter3@", "hunter3"), ("someone:hunter3@", "hunter3")])
async def test_a_wrong_login_says_what_to_do_and_no_secret(guarded: RedisServer, login: str, secret: str) -> None:
    address = f"redis://{login}127.0.0.1:{guarded.port}/0"
    async with opened(address) as store:
        told = await failure(store)
    assert "Correct them in the Redis URL" in told
    assert not [part for part in (secret, address, "someone") if part in told]


async def test_a_password_that_is_put_right_needs_no_new_store(
    guarded: RedisServer, as_documented: RedisTrafficStore, admin: redis.Redis
) -> None:
    await as_documented.read(KEY)
    run(admin, "ACL SETUSER mlrollout <hunter2 >hunter4")
    admin.client_kill_filter(user="mlrollout")
    assert "refused the user name or the password" in await failure(as_documented)

    run(admin, "ACL SETUSER mlrollout >hunter2")
    assert await as_documented.read(KEY) == Traffic(None, None)


async def test_a_password_can_be_changed_without_an_error(
    guarded: RedisServer, as_documented: RedisTrafficStore, admin: redis.Redis
) -> None:
    await as_documented.read(KEY)
    run(admin, "ACL SETUSER mlrollout >hunter4")
    async with opened(url(guarded, "mlrollout", "hunter4")) as renewed:
        await renewed.read(KEY)
        run(admin, "ACL SETUSER mlrollout <hunter2")
        assert (await renewed.write(KEY, Lower(ZERO))).outcome is Outcome.APPLIED


async def test_a_password_that_is_renewed_in_the_file_is_shown_to_the_next_connection(
    guarded: RedisServer, as_documented: RedisTrafficStore, admin: redis.Redis, tmp_path: Path
) -> None:
    """As where an operator's Secret is renewed: it is not started anew, and connects again weeks later."""
    await as_documented.read(KEY)  # the user is there
    file = tmp_path / "url"
    file.write_text(f"{url(guarded, 'mlrollout', 'hunter2')}\n")
    async with opened(url(guarded, "mlrollout", "hunter2"), file=file) as store:
        await store.read(KEY)
        run(admin, "ACL SETUSER mlrollout >hunter4")
        file.write_text(url(guarded, "mlrollout", "hunter4"))
        run(admin, "ACL SETUSER mlrollout <hunter2")
        admin.client_kill_filter(user="mlrollout")
        assert (await store.write(KEY, Lower(ZERO))).outcome is Outcome.APPLIED
        for broken in (b"", b"no URL", b"\xff", b"redis://a:b@c:d/0"):
            file.write_bytes(broken)
            admin.client_kill_filter(user="mlrollout")
            assert (await store.read(KEY)).record == ZERO
        file.unlink()
        admin.client_kill_filter(user="mlrollout")
        assert (await store.read(KEY)).record == ZERO


async def test_the_documented_operator_may_do_all_it_must(as_documented: RedisTrafficStore, admin: redis.Redis) -> None:
    assert (await as_documented.write(KEY, Lower(ZERO))).outcome is Outcome.APPLIED
    raised = await as_documented.write(KEY, Raise(SavedRecord(TEN), expect=ZERO), lease=60)
    assert raised.outcome is Outcome.APPLIED
    assert (await as_documented.write(KEY, Lower(LATCHED))).outcome is Outcome.APPLIED
    assert await as_documented.read(KEY) == Traffic("0", LATCHED)
    await as_documented.claim(KEY, CLAIM, 60)
    assert await as_documented.claimed(KEY) == CLAIM


async def test_the_documented_operator_may_do_nothing_else(
    guarded: RedisServer, as_documented: RedisTrafficStore
) -> None:
    with pytest.raises(TrafficError, match=r"docs/redis-acl\.md"):
        await as_documented.read("ml_dispatch:other")
    with redis.Redis.from_url(url(guarded, "mlrollout", "hunter2")) as client:
        for command in ("FLUSHALL", "KEYS *", "CONFIG GET requirepass", f"DEL {KEY}", "PUBLISH other x"):
            with pytest.raises(redis.exceptions.NoPermissionError):
                run(client, command)


def test_the_documented_application_reads_and_listens_and_cannot_write(
    guarded: RedisServer, admin: redis.Redis
) -> None:
    create(admin, "dispatch", "hunter5")
    admin.mset({KEY: "10", f"{KEY}:record": encode(TEN)})
    with redis.Redis.from_url(url(guarded, "dispatch", "hunter5"), decode_responses=True) as client:
        assert client.mget(KEY, f"{KEY}:record") == ["10", encode(TEN)]
        assert client.get(KEY) == "10"
        with client.pubsub() as pubsub:
            pubsub.subscribe(f"{KEY}:changes")
            pubsub.ping()
            pubsub.unsubscribe()
        for command in (f"SET {KEY} 100", f"DEL {KEY}", f"PUBLISH {KEY}:changes x", "GET other", "KEYS *", "FLUSHALL"):
            with pytest.raises(redis.exceptions.NoPermissionError):
                run(client, command)
        with client.pubsub() as pubsub:
            pubsub.subscribe("other")
            with pytest.raises(redis.exceptions.NoPermissionError):
                pubsub.get_message(timeout=10)


async def test_the_documented_server_counts_and_cannot_write_the_percentage(
    guarded: RedisServer, admin: redis.Redis
) -> None:
    create(admin, "mlrollout-server", "hunter6")
    admin.mset({KEY: "10", f"{KEY}:record": encode(TEN)})
    calls = Calls.from_url(url(guarded, "mlrollout-server", "hunter6"))
    await RedisUsers(calls).add(KEY, 1, [b"kim"], [b"lee"])
    assert await RedisUsers(calls).count(KEY, 1) == UserCounts(1, 1, 2)
    given = Rating("kim", "d", 4)
    assert await RedisSurvey(calls).rate(KEY, 1, "control", given, now=0.0, every=86_400.0) is Taken.COUNTED
    assert await RedisSurvey(calls).totals(KEY, 1) == {"control": Ratings({4: 1})}
    await calls.close()
    with redis.Redis.from_url(url(guarded, "mlrollout-server", "hunter6"), decode_responses=True) as client:
        assert client.mget(KEY, f"{KEY}:record") == ["10", encode(TEN)]
        with client.pubsub() as pubsub:
            pubsub.subscribe(f"{KEY}:changes")
            pubsub.ping()
            pubsub.unsubscribe()
        for command in (f"SET {KEY} 100", f"SET {KEY}:record x", f"DEL {KEY}:ratings:1", f"PUBLISH {KEY}:changes x"):
            with pytest.raises(redis.exceptions.NoPermissionError):
                run(client, command)


async def test_the_documented_permissions_suffice_in_a_cluster() -> None:
    assert CLUSTER in DOCUMENTED
    key = "{ml_dispatch}:rollout_percentage"
    with RedisServer(cluster=True) as server, redis.Redis(port=server.port) as admin:
        create(admin, "mlrollout", "hunter2")
        run(admin, f"ACL SETUSER mlrollout {CLUSTER} ~{key}* &{key}*")
        async with opened(url(server, "mlrollout", "hunter2")) as store:
            assert (await store.write(key, Lower(ZERO))).outcome is Outcome.APPLIED

        run(admin, "ACL SETUSER mlrollout -cluster|slots")
        async with opened(url(server, "mlrollout", "hunter2")) as store:
            assert "docs/redis-acl.md" in await failure(store, key)
