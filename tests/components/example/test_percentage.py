"""The application follows the percentage in Redis, down at once and up only by reading."""

import pytest
from mlrollout.domain.record import encode

from devstack.demo.application import KEY
from tests.components.example.place import BAD, GOOD, Place


@pytest.fixture
def at_100(quiet: Place) -> Place:
    """All users in treatment."""
    quiet.put(100)
    return quiet


def test_without_a_rollout_it_is_control_for_all(fresh: Place) -> None:
    fresh.read_again()

    assert fresh.percentage == 0


def test_it_follows_up_and_down(quiet: Place) -> None:
    for percentage in (10, 30, 100, 30, 0):
        quiet.put(percentage)


def test_a_change_that_was_never_pushed_is_found_by_the_slow_poll(at_100: Place) -> None:
    at_100.write(at_100.step(30))

    at_100.reaches(30)


def test_a_pushed_rollback_counts_though_redis_does_not_show_it(at_100: Place) -> None:
    at_100.push(encode(at_100.step(0, latched=True)))
    at_100.reaches(0)

    at_100.read_again()
    assert at_100.percentage == 0


def test_a_pushed_raise_that_redis_does_not_hold_raises_nothing(at_100: Place) -> None:
    at_100.push(encode(at_100.step(0)))
    at_100.reaches(0)

    at_100.push(encode(at_100.step(30)))
    at_100.read_again()
    assert at_100.percentage == 0


def test_an_older_record_does_not_bring_traffic_back(at_100: Place) -> None:
    old = at_100.step(100)
    at_100.put(0)

    at_100.write(old)
    at_100.push(encode(old))
    at_100.read_again()
    assert at_100.percentage == 0


@pytest.mark.parametrize("pushed", ["nonsense", "{}", '{"schema":2,"percentage":100}', "\x00"])
def test_a_message_that_nobody_understands_changes_nothing(at_100: Place, pushed: str) -> None:
    at_100.push(pushed)
    at_100.read_again()

    assert at_100.percentage == 100


@pytest.mark.parametrize(
    "command",
    [
        ("DEL", KEY),
        ("DEL", f"{KEY}:record"),
        ("FLUSHALL",),
        ("SET", KEY, "0"),
        ("SET", KEY, "all"),
        ("SET", KEY, b"\xff\xfe"),
        ("SET", f"{KEY}:record", '{"schema":2,"percentage":100}'),
        ("SET", f"{KEY}:record", b"\xff"),
    ],
    ids=str,
)
def test_absent_or_unreadable_means_control(at_100: Place, command: tuple[str | bytes, ...]) -> None:
    at_100.redis.execute_command(*command)  # type: ignore[no-untyped-call]  # redis has no types here

    at_100.reaches(0)


def test_a_key_lowered_by_hand_counts(at_100: Place) -> None:
    at_100.redis.set(KEY, 5)

    at_100.reaches(5)


def test_cut_off_from_redis_it_is_control_until_redis_answers_again(at_100: Place) -> None:
    at_100.server.pause()
    at_100.reaches(0)

    at_100.server.resume()
    at_100.reaches(100)


def test_an_empty_redis_after_a_restart_means_control(fresh: Place) -> None:
    fresh.begin()
    fresh.put(100)
    fresh.server.kill()
    fresh.server.start()
    fresh.reaches(0)

    fresh.put(30)


def test_a_percentage_earned_by_one_revision_is_not_given_to_another(at_100: Place) -> None:
    at_100.app.deploy(BAD)
    assert at_100.percentage == 0

    at_100.app.deploy(GOOD)
    assert at_100.percentage == 100
