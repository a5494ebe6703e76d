"""A client follows the percentage in Redis, down at once and up only by reading."""

import asyncio
from dataclasses import replace

import pytest
from mlrollout import Group, Overrides, Reason, Rollout, State
from mlrollout.domain.leave import leave
from mlrollout.domain.record import encode
from mlrollout.domain.traffic import Traffic

from devstack.redis_server import RedisServer
from tests.components.assignment.place import KEY, REVISION, Place, placed, reaches, until

USERS = [f"user-{number}" for number in range(200)]


def treated(rollout: Rollout) -> set[str]:
    return {user for user in USERS if rollout.group(user) is Group.TREATMENT}


def test_it_begins_in_control_without_waiting(place: Place) -> None:
    place.put(100)
    place.server.pause()
    with Rollout(KEY, redis=place.server.url) as rollout:
        assert not treated(rollout)
        assert not rollout.ready
        assert rollout.assign("kim").reason is Reason.NOT_READY
        place.server.resume()
        assert rollout.wait_ready(20)
        assert treated(rollout) == set(USERS)


def test_without_a_rollout_it_is_control_for_all(place: Place) -> None:
    with Rollout(KEY, redis=place.server.url) as rollout:
        assert rollout.wait_ready(20)
        assert (rollout.percentage, rollout.state.reason) == (0, Reason.ABSENT)


def test_it_follows_up_and_down_and_moves_users_one_way_at_a_time(place: Place) -> None:
    with Rollout(KEY, redis=place.server.url) as rollout:
        before: set[str] = set()
        for percentage in (10, 30, 100):
            place.put(percentage)
            reaches(rollout, percentage)
            assert before < treated(rollout)
            before = treated(rollout)
        place.put(30)
        reaches(rollout, 30)
        assert treated(rollout) < before
        place.put(0, latched=True)
        reaches(rollout, 0)
        assert not treated(rollout)
        assert rollout.assign("kim").reason is Reason.ROLLED_BACK


def test_a_change_that_was_never_pushed_is_found_by_the_slow_poll(place: Place) -> None:
    place.put(100)
    with Rollout(KEY, redis=place.server.url, poll=0.2) as rollout:
        reaches(rollout, 100)
        place.write(place.step(30))
        reaches(rollout, 30)


def test_a_pushed_rollback_counts_though_redis_does_not_show_it(place: Place, at_100: Rollout) -> None:
    place.push(place.step(0, latched=True))
    reaches(at_100, 0)

    place.read_again()
    assert at_100.percentage == 0


def test_a_pushed_raise_that_redis_does_not_hold_raises_nothing(place: Place, at_100: Rollout) -> None:
    place.push(place.step(0))
    reaches(at_100, 0)

    place.push(place.step(30))
    place.read_again()
    assert at_100.percentage == 0


def test_a_push_is_read_as_redis_is_so_a_byte_order_mark_makes_it_no_record(place: Place, at_100: Rollout) -> None:
    place.push("\ufeff" + encode(place.step(0, latched=True)))
    place.read_again()

    assert at_100.percentage == 100


def test_an_older_record_does_not_bring_traffic_back(place: Place, at_100: Rollout) -> None:
    old = place.record
    place.put(0)
    reaches(at_100, 0)

    place.write(old)
    place.push(old)
    place.read_again()
    assert at_100.percentage == 0


@pytest.mark.parametrize("pushed", ["nonsense", "{}", '{"schema":2,"percentage":100}', "\x00", "[" * 5000])
def test_a_message_that_nobody_understands_changes_nothing(place: Place, at_100: Rollout, pushed: str) -> None:
    place.push(pushed)
    place.read_again()

    assert at_100.percentage == 100


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (("DEL", KEY), Reason.ABSENT),
        (("DEL", f"{KEY}:record"), Reason.ABSENT),
        (("FLUSHALL",), Reason.ABSENT),
        (("SET", KEY, "0"), Reason.STOPPED),
        (("SET", KEY, "all"), Reason.UNREADABLE),
        (("SET", KEY, b"\xff\xfe"), Reason.UNREADABLE),
        (("SET", f"{KEY}:record", '{"schema":2,"percentage":100}'), Reason.UNREADABLE),
        (("SET", f"{KEY}:record", b"\xff"), Reason.UNREADABLE),
    ],
    ids=str,
)
def test_absent_or_unreadable_means_control(
    place: Place, at_100: Rollout, command: tuple[str | bytes, ...], reason: Reason
) -> None:
    place.redis.execute_command(*command)  # type: ignore[no-untyped-call]  # redis has no types here
    place.read_again()

    assert (at_100.percentage, at_100.state.reason) == (0, reason)


def test_a_record_from_the_future_is_control_and_what_follows_it_is_not_lost(place: Place, at_100: Rollout) -> None:
    place.redis.set(f"{KEY}:record", encode(place.record).replace('"schema":1', '"schema":2'))
    place.read_again()
    assert at_100.percentage == 0

    place.put(30)
    reaches(at_100, 30)


def test_a_key_that_is_no_string_is_control(place: Place, at_100: Rollout) -> None:
    place.redis.delete(KEY)
    place.redis.hset(KEY, "a", "b")
    place.read_again()

    assert at_100.percentage == 0


def test_a_key_lowered_by_hand_counts(place: Place, at_100: Rollout) -> None:
    place.redis.set(KEY, 5)
    place.read_again()

    assert at_100.percentage == 5


def test_a_percentage_earned_by_one_revision_is_not_given_to_another(place: Place) -> None:
    place.put(100)
    with Rollout(KEY, redis=place.server.url, revision="ranker-2026-11-17") as rollout:
        assert rollout.wait_ready(20)
        assert not treated(rollout)
        assert rollout.assign("kim").reason is Reason.OTHER_REVISION

        rollout.revision = REVISION
        assert treated(rollout) == set(USERS)


def test_an_empty_redis_after_a_restart_means_control(own_place: Place) -> None:
    own_place.put(100)
    with Rollout(KEY, redis=own_place.server.url) as rollout:
        reaches(rollout, 100)
        own_place.server.kill()
        own_place.server.start()
        reaches(rollout, 0)

        own_place.put(30)
        reaches(rollout, 30)


def test_two_rollouts_on_one_server_do_not_mix(place: Place, at_100: Rollout) -> None:
    with Rollout(f"{KEY}:other", redis=place.server.url) as other:
        assert other.wait_ready(20)
        assert (other.percentage, at_100.percentage) == (0, 100)


def test_changes_are_told_once_each_and_in_order(place: Place) -> None:
    told: list[State] = []
    with Rollout(KEY, redis=place.server.url) as rollout:
        end = rollout.on_change(told.append)
        for percentage in (10, 30, 0):
            place.put(percentage)
            reaches(rollout, percentage)
        place.read_again()
        until(lambda: told and told[-1].percentage == 0, "the last change")
        end()
        place.put(10)
        reaches(rollout, 10)

    steps = [state.percentage for state in told if state.record is not None]
    assert steps == [10, 30, 0]


@pytest.mark.parametrize("error", [RuntimeError, SystemExit, asyncio.CancelledError])
def test_a_listener_that_fails_harms_nobody(place: Place, error: type[BaseException]) -> None:
    def fail(_: State) -> None:
        raise error("a bug of the application's")

    told: list[State] = []
    with Rollout(KEY, redis=place.server.url) as rollout:
        rollout.on_change(fail)
        rollout.on_change(told.append)
        place.put(10)
        reaches(rollout, 10)
        until(lambda: told, "a change")
        place.put(30)
        reaches(rollout, 30)


async def test_it_works_from_asyncio(place: Place) -> None:
    place.put(100)
    async with Rollout(KEY, redis=place.server.url) as rollout:
        assert await rollout.wait_ready_async(20)
        assert rollout.group("kim") is Group.TREATMENT
        await asyncio.sleep(0)


def test_after_it_is_closed_it_is_control_and_nothing_is_left(own_place: Place) -> None:
    own_place.put(100)
    rollout = Rollout(KEY, redis=own_place.server.url)
    reaches(rollout, 100)

    rollout.close()

    assert not treated(rollout)
    until(lambda: own_place.redis.info("clients")["connected_clients"] == 1, "our own connection alone")
    rollout.close()


def test_what_is_read_when_it_is_closed_counts_no_more(place: Place) -> None:
    place.put(100)
    rollout = Rollout(KEY, redis=place.server.url)
    reaches(rollout, 100)
    seen = rollout._view

    rollout.close()
    rollout._see(seen)  # by a connection that took longer than whoever closed it waited

    assert not treated(rollout)


def test_staff_see_it_first_and_leave_with_everybody(place: Place) -> None:
    with Rollout(KEY, redis=place.server.url, staff=["kim"]) as rollout:
        assert rollout.group("kim") is Group.CONTROL
        place.write(replace(place.record))
        place.read_again()
        assert rollout.group("kim") is Group.CONTROL  # the attempt has not entered its first stage

        place.put(1)
        until(lambda: rollout.group("kim") is Group.TREATMENT, "staff in treatment")
        assert rollout.assign("kim").reason is Reason.STAFF
        assert len(treated(rollout)) < 100

        place.put(0, latched=True)
        until(lambda: rollout.group("kim") is Group.CONTROL, "staff in control")


def test_a_deleted_rollout_leaves_nobody_in_treatment(place: Place) -> None:
    place.put(30)
    overrides = Overrides({"lee": "treatment"})
    with Rollout(KEY, redis=place.server.url, staff=["kim"], overrides=overrides) as rollout:
        reaches(rollout, 30)
        assert {rollout.group(user) for user in ("kim", "lee")} == {Group.TREATMENT}

        left = leave(None, "uid", Traffic("30", place.record), keep=False)
        assert left is not None
        place.write(left)
        place.push(left)
        reaches(rollout, 0)
        assert {rollout.group(user) for user in ("kim", "lee")} == {Group.CONTROL}


def test_cluster(tmp_path: object) -> None:
    key = "{ml_dispatch}:rollout_percentage"
    with RedisServer(cluster=True) as server, placed(server) as place:
        record = place.step(100)
        with Rollout(key, redis=server.url) as rollout, Rollout(KEY, redis=server.url) as apart:
            assert rollout.wait_ready(20)
            place.redis.set(key, 100)
            place.redis.set(f"{key}:record", encode(record))
            place.redis.publish(f"{key}:changes", encode(record))
            reaches(rollout, 100)
            latched = place.step(0, latched=True)
            place.redis.publish(f"{key}:changes", encode(latched))
            reaches(rollout, 0)
            assert not apart.ready  # its key has no hash tag
