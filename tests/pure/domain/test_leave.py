"""What a deleted object leaves in Redis."""

from dataclasses import replace

import pytest
from mlrollout.domain.leave import leave
from mlrollout.domain.record import Cause, Record, encode
from mlrollout.domain.state import State
from mlrollout.domain.traffic import Lower, Outcome, Traffic

from tests.support.redis_model import State as Redis
from tests.support.redis_model import merge

OURS = Record(attempt=2, latched=False, sequence=4, percentage=30, stage="full", owner="ours", holder="a/b")
LATCHED = replace(OURS, latched=True, sequence=5, percentage=0)
STATE = State(record=OURS, measurements_from=0.0)
BEFORE = replace(OURS, attempt=1, percentage=50, owner="", holder="a/b")
FOREIGN = replace(OURS, attempt=9, owner="other", holder="c/d")


def _redis(record: Record | None, key: str | None) -> Redis:
    return Redis(key, None if record is None else encode(record))


@pytest.mark.parametrize("state", [STATE, replace(STATE, record=LATCHED)])
@pytest.mark.parametrize(
    "redis",
    [
        _redis(OURS, "30"),
        _redis(OURS, "3"),
        _redis(OURS, "100"),
        _redis(OURS, None),
        _redis(LATCHED, "0"),
        _redis(replace(OURS, attempt=3), "30"),
        _redis(BEFORE, "50"),
        _redis(None, None),
        _redis(None, "30"),
        Redis("30", '{"schema":2}'),
        Redis("30", '{"schema":1,"attempt":"broken"}'),
    ],
    ids=repr,
)
def test_at_zero_one_write_gives_it_up_and_a_second_finds_nothing_to_do(state: State, redis: Redis) -> None:
    record = leave(state, "ours", redis.traffic, keep=False)
    assert record is not None
    outcome, after = merge(redis, Lower(record))
    assert outcome in (Outcome.APPLIED, Outcome.UNREADABLE)
    assert after.key == "0"
    assert leave(state, "ours", after.traffic, keep=False) is None
    assert after.traffic.unreadable or record.owner == ""


@pytest.mark.parametrize(
    ("redis", "stays"),
    [(_redis(OURS, "30"), "30"), (_redis(OURS, "3"), "3"), (_redis(OURS, "100"), "30"), (_redis(OURS, None), "0")],
)
def test_what_stays_is_no_more_than_is_in_force(redis: Redis, stays: str) -> None:
    record = leave(STATE, "ours", redis.traffic, keep=True)
    assert record is not None
    outcome, after = merge(redis, Lower(record))
    assert (outcome, after.key) == (Outcome.APPLIED, stays)
    assert leave(STATE, "ours", after.traffic, keep=True) is None


def test_of_two_rollbacks_of_one_rank_the_cause_of_the_one_that_stands_is_kept() -> None:
    ours, theirs = (Cause("GuardrailBreached", told, 1.0) for told in ("0.17", "0.16"))
    state = replace(STATE, record=replace(LATCHED, cause=ours))
    left = leave(state, "ours", Traffic("0", replace(LATCHED, cause=theirs)), keep=False)
    assert left is not None
    assert left.cause == theirs


def test_a_rollback_stays_latched() -> None:
    record = leave(STATE, "ours", Traffic("0", LATCHED), keep=True)
    assert record is not None
    assert (record.latched, record.percentage, record.owner) == (True, 0, "")


@pytest.mark.parametrize("keep", [True, False])
def test_another_objects_key_is_left_alone(keep: bool) -> None:  # noqa: FBT001 - a parameter of the test
    assert leave(STATE, "ours", Traffic("30", FOREIGN), keep=keep) is None


@pytest.mark.parametrize("key", ["0", "30"])
def test_a_newer_operators_record_is_left_alone_once_the_key_is_as_it_shall_be(key: str) -> None:
    traffic = Traffic(key, None, "its schema is not 1")
    assert leave(STATE, "ours", traffic, keep=True) is None
    assert (leave(STATE, "ours", traffic, keep=False) is None) == (key == "0")


def test_what_a_failover_brought_back_is_given_up_again() -> None:
    gone = replace(OURS, sequence=5, percentage=0, owner="")
    assert leave(STATE, "ours", Traffic("0", gone), keep=False) is None
    assert leave(STATE, "ours", Traffic("50", gone), keep=False) is not None
    assert leave(STATE, "ours", Traffic("30", OURS), keep=False) is not None


def test_one_that_never_knew_of_it_gives_up_what_is_the_objects_own() -> None:
    record = leave(None, "ours", Traffic("30", OURS), keep=False)
    assert record is not None
    assert (record.rank > OURS.rank, record.percentage, record.owner) == (True, 0, "")
    assert leave(None, "ours", Traffic("50", BEFORE), keep=False) is None
    assert leave(None, "ours", Traffic(None, None), keep=False) is None
