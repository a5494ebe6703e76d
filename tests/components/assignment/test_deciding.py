"""What is no user id is control and never an error; tests and demonstrations may decide by hand."""

import logging

import pytest
from mlrollout import Group, Reason, Rollout
from mlrollout.assignment.bucket import group

from tests.components.assignment.place import KEY, Place, reaches

NOBODY = [None, "", True, 7.5, b"kim", b"\xff", "\ud800", ["kim"], {"id": "kim"}, object()]


@pytest.mark.parametrize("user_id", NOBODY, ids=lambda user: ascii(user)[:20])
def test_what_is_no_user_is_control(at_100: Rollout, user_id: str) -> None:
    assert at_100.group(user_id) is Group.CONTROL
    assert at_100.assign(user_id).reason is Reason.NO_USER


def test_a_strange_id_is_told_of_but_not_every_time(at_100: Rollout, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "mlrollout"):
        for _ in range(100):
            for nobody in (True, 7.5):
                at_100.group(nobody)  # type: ignore[arg-type]  # which is the point

    assert len(caplog.records) == 2
    assert "bool" in caplog.text
    assert "float" in caplog.text


def test_a_very_long_id_is_nobodys_and_one_at_the_bound_is_not(at_100: Rollout) -> None:
    assert at_100.group("x" * 1_024) is Group.TREATMENT
    assert at_100.group("x" * 1_025) is Group.CONTROL
    assert at_100.group("x" * 1_000_000) is Group.CONTROL


def test_the_split_is_the_published_formula(place: Place) -> None:
    place.put(30)
    with Rollout(KEY, redis=place.server.url, salt="ml_dispatch_v1") as rollout:
        reaches(rollout, 30)
        for number in range(2000):
            user = f"user-{number}"
            assert rollout.group(user) is group("ml_dispatch_v1", user, 30)


def test_the_salt_is_the_key_where_none_is_named(place: Place) -> None:
    place.put(30)
    with Rollout(KEY, redis=place.server.url) as rollout:
        reaches(rollout, 30)
        assert [rollout.group(str(user)) for user in range(500)] == [group(KEY, str(user), 30) for user in range(500)]


def test_an_assignment_says_what_it_is_based_on(place: Place, at_100: Rollout) -> None:
    assignment = at_100.assign("kim")

    assert (assignment.group, assignment.reason) == (Group.TREATMENT, Reason.SPLIT)
    assert (assignment.state.percentage, assignment.state.record) == (100, place.record)
    assert 0 <= assignment.state.age < 10


def test_a_group_is_what_it_says(at_100: Rollout) -> None:
    assert at_100.group("kim") == "treatment"
    assert f"{at_100.group('kim')}" == "treatment"


def test_a_group_can_be_forced_for_a_while(at_100: Rollout) -> None:
    with at_100.force("control"):
        assert at_100.group("kim") is Group.CONTROL
        with at_100.force(Group.TREATMENT):
            assert at_100.assign("kim").reason is Reason.FORCED
            assert at_100.group("kim") is Group.TREATMENT
        assert at_100.group("kim") is Group.CONTROL
    assert at_100.group("kim") is Group.TREATMENT


def test_force_needs_no_redis() -> None:
    with Rollout(KEY, redis="redis://127.0.0.1:1") as rollout, rollout.force("treatment"):
        assert rollout.group("kim") is Group.TREATMENT


def test_only_groups_can_be_forced(at_100: Rollout) -> None:
    with pytest.raises(ValueError, match="both"), at_100.force("both"):
        pass


@pytest.mark.parametrize("url", ["", "http://redis", "redis://:hunter2@redis/0?socket_timeout=60"])
def test_a_url_that_is_none_is_told_at_once_and_not_quoted(url: str) -> None:
    with pytest.raises(ValueError, match=r"Redis URL|redis must not be empty") as refused:
        Rollout(KEY, redis=url)

    assert "hunter2" not in str(refused.value)


def test_a_poll_slower_than_the_staleness_bound_is_refused() -> None:
    with pytest.raises(ValueError, match="everybody would be in control"):
        Rollout(KEY, redis="redis://127.0.0.1", poll=10, max_staleness=5)
