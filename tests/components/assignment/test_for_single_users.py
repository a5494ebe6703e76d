"""What an application asks for single users: overrides, staff, and to be told who was given which group."""

import asyncio
import gc
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

import pytest
from mlrollout import Exposure, Feature, Group, Overrides, Reason, Rollout
from mlrollout.assignment import exposed
from mlrollout.assignment.exposed import Exposures

from tests.components.assignment.place import BEGUN, KEY, REVISION, Place, reaches, until
from tests.pure.assignment.calls import World

USERS = [f"user-{number}" for number in range(300)]
UUID_TEXT = "0b1f0c2e-6d0b-4c43-9a3e-0f5d5a3f7b11"


def exposing(threads: str = "mlrollout exposures") -> int:
    return sum(thread.name == threads for thread in threading.enumerate())


# --- ids ---------------------------------------------------------------------------------------


def test_a_number_and_a_uuid_are_the_users_of_their_canonical_texts(place: Place) -> None:
    place.put(50)
    with Rollout(KEY, redis=place.server.url, staff=[7]) as rollout:
        reaches(rollout, 50)
        for number in range(300):
            assert rollout.group(number) is rollout.group(str(number))
        assert rollout.assign(UUID(UUID_TEXT)).group is rollout.group(UUID_TEXT)
        assert rollout.assign(7).reason is rollout.assign("7").reason is Reason.STAFF
        assert rollout.group(7) is rollout.group("7") is Group.TREATMENT


@pytest.mark.parametrize("nobody", [None, "", True, 4.5, "\ud800", "x" * 1025], ids=lambda one: ascii(one)[:20])
def test_what_is_nobodys_id_is_told_once(at_100: Rollout, caplog: pytest.LogCaptureFixture, nobody: str) -> None:
    with caplog.at_level(logging.WARNING, "mlrollout"):
        assert {at_100.group(nobody) for _ in range(100)} == {Group.CONTROL}
        assert at_100.assign(nobody).reason is Reason.NO_USER

    assert ["nobody's" in record.getMessage() for record in caplog.records] == [True]


# --- overrides ---------------------------------------------------------------------------------


def test_an_override_decides_until_the_rollout_is_rolled_back(place: Place) -> None:
    overrides = Overrides({"kim": "treatment", "lee": "control"})
    place.put(1)
    with Rollout(KEY, redis=place.server.url, overrides=overrides) as rollout:
        reaches(rollout, 1)
        assert [rollout.group(user) for user in ("kim", "lee", "park")] == ["treatment", "control", "control"]
        assert rollout.assign("kim").reason is Reason.OVERRIDE

        place.put(100)
        reaches(rollout, 100)
        assert [rollout.group(user) for user in ("kim", "lee", "park")] == ["treatment", "control", "treatment"]

        place.put(0, latched=True)
        reaches(rollout, 0)
        until(lambda: rollout.state.reason is Reason.ROLLED_BACK, "the rollback")
        assert {rollout.group(user) for user in ("kim", "lee", "park")} == {"control"}
        assert rollout.assign("kim").reason is Reason.ROLLED_BACK


def test_an_override_for_always_needs_no_redis_and_ends_with_its_rollout() -> None:
    rollout = Rollout(KEY, redis="redis://127.0.0.1:1", overrides=Overrides({"kim": "treatment"}, always=True))
    assert [rollout.group(user) for user in ("kim", "lee")] == ["treatment", "control"]

    rollout.close()
    assert rollout.group("kim") is Group.CONTROL


def test_another_revision_is_no_treatment_for_a_tester_either(place: Place) -> None:
    place.put(100)
    overrides = Overrides({"kim": "treatment"})
    with Rollout(KEY, redis=place.server.url, overrides=overrides, revision="another") as rollout:
        assert rollout.wait_ready(20)
        assert rollout.assign("kim").reason is Reason.OTHER_REVISION


def test_the_calls_of_testers_are_no_evidence_unless_that_is_wanted(place: Place) -> None:
    place.put(100)
    overrides = Overrides({"kim": "treatment", "lee": "control"})
    with Rollout(KEY, redis=place.server.url, overrides=overrides) as rollout:
        reaches(rollout, 100)
        for wanted, counted in ((False, ["park"]), (True, ["kim", "lee", "park"])):
            world = World()
            feature = Feature(rollout, world, count_overrides=wanted)
            recommend = feature(legacy=lambda user_id: f"legacy {user_id}")(lambda user_id: f"ml {user_id}")
            answers = [recommend(user) for user in ("kim", "lee", "park")]
            assert answers == ["ml kim", "legacy lee", "ml park"]
            assert [call.user_id for call in world.calls] == counted


# --- another program's revision ----------------------------------------------------------------


def test_one_may_ask_for_a_program_that_runs_another_revision(place: Place) -> None:
    place.put(100)
    with Rollout(KEY, redis=place.server.url, staff=["kim"]) as rollout:
        reaches(rollout, 100)
        for user in ("kim", "lee"):
            assert rollout.assign(user, revision=REVISION).group is Group.TREATMENT
            other = rollout.assign(user, revision="another")
            assert (other.group, other.reason) == (Group.CONTROL, Reason.OTHER_REVISION)


# --- exposures ---------------------------------------------------------------------------------


def test_who_was_given_which_group_is_told_once_each(place: Place) -> None:
    told: list[Exposure] = []
    place.put(30)
    with Rollout(KEY, redis=place.server.url, on_exposure=told.append, staff=["kim"]) as rollout:
        reaches(rollout, 30)
        for _ in range(5):
            groups = {user: rollout.group(user) for user in [*USERS, "kim"]}
        rollout.assign(USERS[0])
        until(lambda: len(told) >= len(groups), "the exposures")

        assert {exposure.user_id: exposure.group for exposure in told} == groups
        assert len(told) == len(groups)
        assert {exposure.record for exposure in told} == {place.record}
        assert {exposure.user_id for exposure in told if exposure.reason is Reason.STAFF} == {"kim"}

        place.put(100)
        reaches(rollout, 100)
        moved = [user for user in USERS if groups[user] is Group.CONTROL]
        for user in USERS:
            rollout.group(user)
        until(lambda: len(told) >= len(groups) + len(moved), "those who moved")
        assert [exposure.user_id for exposure in told[len(groups) :]] == moved
        assert rollout.exposures is not None
        assert (rollout.exposures.told, rollout.exposures.failed) == (len(told), 0)


def test_what_is_no_part_of_a_rollout_is_not_told(place: Place) -> None:
    told: list[Exposure] = []
    overrides = Overrides({"kim": "treatment"})
    with Rollout(KEY, redis=place.server.url, on_exposure=told.append, overrides=overrides) as rollout:
        rollout.group("too early")
        place.put(100)
        reaches(rollout, 100)
        with rollout.force("control"):
            rollout.group("forced")
        rollout.group("kim")
        rollout.group("")
        rollout.assign("another program's", revision="another")
        place.put(0, latched=True)
        reaches(rollout, 0)
        rollout.group("too late")
        place.record = replace(BEGUN, attempt=2)
        place.put(100)
        reaches(rollout, 100)
        rollout.group("lee")
        until(lambda: told, "an exposure")
        assert [exposure.user_id for exposure in told] == ["lee"]


@pytest.mark.parametrize("error", [RuntimeError, SystemExit, asyncio.CancelledError])
def test_a_callback_that_fails_or_hangs_delays_no_decision(
    place: Place, caplog: pytest.LogCaptureFixture, error: type[BaseException]
) -> None:
    goes_on = threading.Event()

    def fail(_: Exposure) -> None:
        goes_on.wait(20)
        raise error("a bug of the application's")

    place.put(100)
    with Rollout(KEY, redis=place.server.url, on_exposure=fail) as rollout:
        reaches(rollout, 100)
        assert [rollout.group(user) for user in USERS] == ["treatment"] * len(USERS)
        goes_on.set()
        until(lambda: rollout.exposures and rollout.exposures.failed == len(USERS), "the failures")
    assert "on_exposure failed (1 times so far)" in caplog.text


def test_what_can_not_wait_is_told_at_the_users_next_decision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exposed, "MOST_WAITING", 1)
    goes_on, told = threading.Event(), list[str]()

    def slow(exposure: Exposure) -> None:
        goes_on.wait(20)
        told.append(exposure.user_id)

    exposures = Exposures(slow)
    for user in ("first", "second", "third", "fourth"):
        exposures.add(user, Group.CONTROL, Reason.SPLIT, BEGUN)
    assert exposures.counts.delayed >= 1
    goes_on.set()
    for user in ("first", "second", "third", "fourth") * 2:
        until(lambda: exposures.counts.told == len(told), "the callback's end")
        exposures.add(user, Group.CONTROL, Reason.SPLIT, BEGUN)
        until(lambda user=user: user in told, user)  # type: ignore[misc]  # bound here
    exposures.close()
    assert sorted(told) == sorted({"first", "second", "third", "fourth"})


def test_how_many_are_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exposed, "MOST_REMEMBERED", 10)
    told: list[Exposure] = []
    exposures = Exposures(told.append)
    for number in range(100):
        exposures.add(f"user-{number}", Group.CONTROL, Reason.SPLIT, BEGUN)
    exposures.add("user-99", Group.CONTROL, Reason.SPLIT, BEGUN)
    exposures.add("user-0", Group.CONTROL, Reason.SPLIT, BEGUN)
    exposures.close()
    assert [exposure.user_id for exposure in told[99:]] == ["user-99", "user-0"]


def test_its_thread_ends_with_it() -> None:
    before = exposing()
    exposures = Exposures(lambda _: None)
    assert exposing() == before + 1
    del exposures
    gc.collect()
    until(lambda: exposing() == before, "the end of the thread")


FORKING = f"""
import os, sys
from mlrollout import Rollout
def tell(exposure):
    os.write(1, f"{{os.getpid()}} {{exposure.user_id}}\\n".encode())
rollout = Rollout({KEY!r}, redis=sys.argv[1], on_exposure=tell)
assert rollout.wait_ready(60)
rollout.group("parent")
if (child := os.fork()) == 0:
    rollout.group("parent")
    rollout.group("child")
    rollout.close()
    os._exit(0)
os.waitpid(child, 0)
rollout.close()
"""


def test_a_forked_child_tells_of_its_own(place: Place) -> None:
    place.put(100)
    ran = subprocess.run(
        [sys.executable, "-c", FORKING, place.server.url], capture_output=True, text=True, check=True, timeout=60
    )

    told = [line.split() for line in ran.stdout.splitlines()]
    assert sorted(user for _, user in told) == ["child", "parent"]
    assert len({process for process, _ in told}) == 2
    assert str(os.getpid()) not in {process for process, _ in told}


# --- what an application writes ----------------------------------------------------------------


def test_a_mistake_is_told_where_it_is_written(place: Place) -> None:
    url = place.server.url
    mistakes: list[tuple[Callable[[], Rollout], type[Exception], str]] = [
        (lambda: Rollout("", redis=url), ValueError, 'key must not be empty: write key="'),
        (lambda: Rollout(KEY, redis=None), TypeError, "redis must be a text such as .*, and not None"),  # type: ignore[arg-type]
        (lambda: Rollout(KEY, redis=url, staff="kim"), TypeError, r"write staff=\['kim'\]"),
        (lambda: Rollout(KEY, redis=url, staff=[""]), ValueError, "nobody's"),
        (lambda: Rollout(KEY, redis=url, salt=""), ValueError, "salt must not be empty"),
        (lambda: Rollout(KEY, redis=url, revision=""), ValueError, "revision must not be empty"),
        (lambda: Rollout(KEY, redis=url, revision=7), TypeError, "revision must be a text"),  # type: ignore[arg-type]
        (lambda: Rollout(KEY, redis=url, tls="ca.pem"), TypeError, "tls must be Tls"),  # type: ignore[arg-type]
        (lambda: Rollout(KEY, redis=url, overrides={"kim": "treatment"}), TypeError, "overrides must be Overrides"),  # type: ignore[arg-type]
        (lambda: Rollout(KEY, redis=url, last_known="a.json"), TypeError, "last_known must be LastKnown"),  # type: ignore[arg-type]
        (lambda: Rollout(KEY, redis=url, on_exposure="told"), TypeError, "on_exposure must be a function"),  # type: ignore[arg-type]
        (lambda: Rollout(KEY, redis=url, max_staleness=float("inf")), ValueError, "have an end"),
        (lambda: Rollout(KEY, redis=url, poll="2"), TypeError, "poll must be a number of seconds"),  # type: ignore[arg-type]
        (lambda: Rollout(KEY, redis=url, poll=10), ValueError, "shorter than max_staleness"),
        (lambda: Rollout(KEY, redis=url, staff=None), TypeError, "staff must hold several ids.*, and not None"),  # type: ignore[arg-type]
        (lambda: Rollout(KEY, redis=url, overrides=Overrides({"kim": "treat"})), ValueError, "no group 'treat': write"),
    ]
    threads = threading.active_count()
    for make, error, complaint in mistakes:
        with pytest.raises(error, match=complaint):
            make()
    assert threading.active_count() == threads


def test_a_listener_that_is_none_is_refused(at_100: Rollout) -> None:
    with pytest.raises(TypeError, match="on_change takes a function"):
        at_100.on_change("told")  # type: ignore[arg-type]  # the point
    with pytest.raises(ValueError, match="revision must not be empty"):
        at_100.revision = ""


def test_a_rollout_that_is_dropped_ends_its_thread_and_is_told_of(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    place.put(100)
    rollout = Rollout(KEY, redis=place.server.url, poll=0.1, on_exposure=lambda _: None)
    reaches(rollout, 100)
    ours = {thread for thread in threading.enumerate() if thread.name in {f"mlrollout {KEY}", "mlrollout exposures"}}
    assert len(ours) >= 2
    del rollout
    gc.collect()
    until(lambda: sum(thread.is_alive() for thread in ours) == len(ours) - 2, "the end of both threads")
    assert "dropped without close()" in caplog.text


def test_so_does_one_that_never_reached_redis(caplog: pytest.LogCaptureFixture) -> None:
    before = threading.active_count()
    Rollout("elsewhere", redis="redis://127.0.0.1:1")
    gc.collect()
    until(lambda: threading.active_count() == before, "the end of the thread")
    assert "dropped without close()" in caplog.text


def test_the_threads_of_a_feature_end_with_it() -> None:
    world = World()
    feature = world.feature(timeout=20)
    recommend = feature(legacy=lambda user_id: f"legacy {user_id}")(lambda user_id: f"ml {user_id}")
    assert recommend("kim") == "ml kim"
    (thread,) = (one for one in threading.enumerate() if one.name == "mlrollout path" and one.is_alive())
    del feature, recommend
    gc.collect()
    until(lambda: not thread.is_alive(), "the end of the thread")
