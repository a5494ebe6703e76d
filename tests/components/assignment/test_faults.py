"""Redis and the network at their worst: control within the staleness bound, and never back to a lesser record."""

import asyncio
import logging
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from time import monotonic

import pytest
from mlrollout import Group, Reason, Rollout, State
from mlrollout.domain.record import Record

from devstack.redis_server import RedisServer
from tests.components.assignment.place import BEGUN, KEY, Place, placed, reaches, until
from tests.support.proxy import Proxy
from tests.support.sentinel import PASSWORD, Sentinel, sentinel_url

STALE = 1.0


@contextmanager
def hasty(url: str) -> Iterator[Rollout]:
    """A client that does not wait long."""
    with Rollout(KEY, redis=url, poll=0.2, max_staleness=STALE) as rollout:
        yield rollout


def test_a_redis_that_is_not_there_at_the_start_is_waited_for(own_place: Place) -> None:
    own_place.put(100)
    own_place.server.kill()
    with hasty(own_place.server.url) as rollout:
        assert not rollout.wait_ready(0.3)
        assert rollout.group("kim") is Group.CONTROL
        own_place.server.start()
        own_place.write(own_place.record)
        reaches(rollout, 100)


def test_a_hung_redis_is_control_within_the_staleness_bound_until_it_answers(own_place: Place) -> None:
    own_place.put(100)
    with hasty(own_place.server.url) as rollout:
        reaches(rollout, 100)
        own_place.server.pause()
        hung = monotonic()
        until(lambda: rollout.group("kim") is Group.CONTROL, "control")
        assert rollout.state.reason is Reason.STALE
        assert monotonic() - hung <= STALE + 1.0

        own_place.server.resume()
        reaches(rollout, 100)


def test_nothing_is_decided_on_what_is_too_old_though_nobody_noticed(own_place: Place) -> None:
    """The decision itself asks how old it is: a thread that follows may be dead or frozen."""
    own_place.put(100)
    with hasty(own_place.server.url) as rollout:
        reaches(rollout, 100)
        rollout._reader.stop()
        until(lambda: rollout.group("kim") is Group.CONTROL, "control")


def test_staleness_is_told(own_place: Place) -> None:
    own_place.put(100)
    told: list[State] = []
    with hasty(own_place.server.url) as rollout:
        reaches(rollout, 100)
        rollout.on_change(told.append)
        own_place.server.kill()
        until(lambda: told and told[-1].reason is Reason.STALE, "being told")
        assert told[-1].percentage == 0


async def test_a_connection_that_went_silent_is_left(own_place: Place) -> None:
    """Neither side hears of it, as where a firewall forgot it."""
    own_place.put(10)
    async with (
        Proxy(own_place.server.port) as proxy,
        Rollout(KEY, redis=f"redis://127.0.0.1:{proxy.port}", poll=0.3, max_staleness=20) as rollout,
    ):
        await asyncio.to_thread(reaches, rollout, 10)
        proxy.silence()
        await asyncio.to_thread(own_place.put, 30)
        await asyncio.to_thread(reaches, rollout, 30)
        # Pushes come again as well: this one is not in Redis to be read.
        latched = own_place.step(0, latched=True)
        await asyncio.to_thread(until, lambda: own_place.push(latched) and rollout.percentage == 0, "a push")


def test_a_wrong_password_is_told_without_the_password(caplog: pytest.LogCaptureFixture) -> None:
    with RedisServer(password="right") as server, caplog.at_level(logging.WARNING, "mlrollout"):  # noqa: S106 - of our own
        url = f"redis://:hunter2@127.0.0.1:{server.port}/0"
        with Rollout(KEY, redis=url) as rollout:
            until(lambda: "password" in caplog.text, "a warning")
            assert rollout.group("kim") is Group.CONTROL
    assert "hunter2" not in caplog.text


def test_what_goes_on_is_not_told_every_time(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "mlrollout"), hasty("redis://127.0.0.1:1") as rollout:
        until(lambda: rollout._reader._failures >= 6, "six failures")
    assert 1 <= len(caplog.records) <= 3


def test_an_application_user_needs_no_more_rights_than_the_docs_say(own_place: Place) -> None:
    server = own_place.server
    server.cli(
        *("acl", "setuser", "dispatch", "on", ">secret", "resetkeys", f"%R~{KEY}", f"%R~{KEY}:record"),
        *("resetchannels", f"&{KEY}:changes", "-@all", "+get", "+mget", "+ping", "+subscribe", "+unsubscribe"),
    )
    own_place.put(10)
    with Rollout(KEY, redis=f"redis://dispatch:secret@127.0.0.1:{server.port}/0", poll=0.2) as rollout:
        reaches(rollout, 10)
        own_place.push(own_place.step(0, latched=True))
        reaches(rollout, 0)


# --- failover ----------------------------------------------------------------------------------


async def test_a_failover_that_lost_the_rollback_does_not_bring_traffic_back(own_place: Place) -> None:
    with RedisServer(replica_of=own_place.server, name="replica") as replica, placed(replica) as after:
        own_place.put(100)
        until(lambda: after.redis.get(KEY) == b"100", "the replica")
        replica.cli("replicaof", "no", "one")
        async with (
            Proxy(own_place.server.port) as proxy,
            Rollout(KEY, redis=f"redis://127.0.0.1:{proxy.port}", poll=0.2, max_staleness=20) as rollout,
        ):
            await asyncio.to_thread(reaches, rollout, 100)
            own_place.put(0, latched=True)
            await asyncio.to_thread(reaches, rollout, 0)

            before = after.reads()
            proxy.target = replica.port
            proxy.cut()
            await asyncio.to_thread(until, lambda: after.reads() > before + 1, "reads of the new primary")

            assert after.redis.get(KEY) == b"100"
            assert (rollout.percentage, rollout.state.reason) == (0, Reason.ROLLED_BACK)


def test_the_sentinels_are_followed_to_a_new_primary() -> None:
    with (
        RedisServer(password=PASSWORD) as primary,
        RedisServer(password=PASSWORD, replica_of=primary, name="replica") as replica,
        Sentinel(primary) as sentinel,
        placed(primary) as place,
        hasty(sentinel_url(sentinel.port)) as rollout,
    ):
        place.put(30)
        reaches(rollout, 30)
        until(lambda: replica.cli("get", KEY) == "30", "the replica")
        primary.kill()
        until(lambda: "role:master" in replica.cli("info", "replication"), "the failover")
        with placed(replica) as after:
            after.record = place.record
            after.put(100)
        reaches(rollout, 100)


# --- all at once -------------------------------------------------------------------------------


class Weather:
    """A network that delays, loses and cuts, in front of a Redis that forgets."""

    def __init__(self, place: Place, chance: random.Random) -> None:
        self._place = place
        self._chance = chance
        self._past = [BEGUN]

    def act(self) -> None:
        """One thing that may happen."""
        self._chance.choice((self._step, self._step, self._push_old, self._go_back, self._lose, self._by_hand))()

    def _step(self) -> None:
        place, record = self._place, self._place.record
        if record.latched:
            place.record = replace(record, attempt=record.attempt + 1, latched=False, sequence=0, percentage=0)
            place.write(place.record)
        else:
            place.put(*self._chance.choice(((10,), (30,), (100,), (0,))), latched=False)
            if self._chance.random() < 0.3:
                place.put(0, latched=True)
        self._past.append(place.record)

    def _push_old(self) -> None:
        self._place.push(self._chance.choice(self._past))

    def _go_back(self) -> None:
        self._place.write(self._chance.choice(self._past))

    def _lose(self) -> None:
        self._place.redis.flushall()

    def _by_hand(self) -> None:
        self._place.redis.set(KEY, self._chance.choice((0, 5, 100, "x")))


@pytest.mark.parametrize("seed", range(4))
async def test_no_client_ever_goes_back_whatever_the_weather(place: Place, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - no secret
    weather = Weather(place, chance)
    seen: list[list[State]] = [[], [], []]
    async with Proxy(place.server.port) as proxy:
        clients = [Rollout(KEY, redis=f"redis://127.0.0.1:{proxy.port}", poll=0.05, max_staleness=20) for _ in seen]
        try:
            for client, states in zip(clients, seen, strict=True):
                client.on_change(states.append)
            for _ in range(150):
                await asyncio.to_thread(weather.act)
                if chance.random() < 0.1:
                    proxy.silence()
                if chance.random() < 0.1:
                    proxy.cut()
                await asyncio.sleep(chance.random() * 0.02)
            last = place.step(0, latched=True)
            await asyncio.to_thread(place.write, last)
            for client in clients:
                await asyncio.to_thread(_knows, client, last)
        finally:
            for client in clients:
                await asyncio.to_thread(client.close)

    for states in seen:
        ranks = [state.record.rank for state in states if state.record is not None]
        assert len(ranks) > 3  # how much it hears is the weather's business
        assert ranks == sorted(ranks)


def _knows(client: Rollout, record: Record) -> None:
    until(lambda: client.state.record == record, "the last record")
