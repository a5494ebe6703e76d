"""What was last known, in a file: for a start while Redis is away, and never more than Redis says."""

import errno
import json
import logging
import os
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from mlrollout import LastKnown, Reason, Rollout
from mlrollout.domain.record import decode, encode

from tests.components.assignment.place import BEGUN, KEY, REVISION, Place, reaches, until

AWAY = "redis://127.0.0.1:1"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "rollout.json"


@pytest.fixture
def at_30(place: Place, file: Path) -> Path:
    """Written by a process that read 30 %."""
    place.put(30)
    with following(place.server.url, file) as rollout:
        reaches(rollout, 30)
        until(file.exists, "the file")
    return file


def following(url: str, file: Path, max_age: float = 600, **other: Any) -> Rollout:
    return Rollout(KEY, redis=url, last_known=LastKnown(file, max_age=max_age), poll=0.1, max_staleness=2, **other)


def change(file: Path, **fields: object) -> None:
    file.write_text(json.dumps({**json.loads(file.read_text()), **fields}))


# --- a start without Redis ---------------------------------------------------------------------


def test_a_process_that_starts_while_redis_is_away_begins_with_what_was_last_known(place: Place, at_30: Path) -> None:
    with following(AWAY, at_30) as rollout:
        assert (rollout.percentage, rollout.state.reason, rollout.state.record) == (30, Reason.LAST_KNOWN, place.record)
        assert not rollout.ready
        treated = [user for user in map(str, range(300)) if rollout.group(user) == "treatment"]
        assert {rollout.assign(user).reason for user in treated} == {Reason.LAST_KNOWN}
    assert 50 < len(treated) < 130


def test_it_is_for_its_owner_alone_and_nothing_else_is_left(at_30: Path) -> None:
    assert stat.S_IMODE(at_30.stat().st_mode) == 0o600
    assert list(at_30.parent.iterdir()) == [at_30]


def test_the_first_read_takes_its_place(place: Place, at_30: Path) -> None:
    place.put(10)
    with following(place.server.url, at_30) as rollout:
        reaches(rollout, 10)
        assert rollout.ready
        assert rollout.state.reason is Reason.SPLIT


@pytest.mark.parametrize("command", [("FLUSHALL",), ("SET", KEY, "0"), ("DEL", KEY)], ids=str)
def test_nothing_in_redis_is_nothing(place: Place, at_30: Path, command: tuple[str, ...]) -> None:
    place.redis.execute_command(*command)  # type: ignore[no-untyped-call]  # redis has no types here
    with following(place.server.url, at_30) as rollout:
        assert rollout.wait_ready(20)
        assert rollout.percentage == 0
        until(lambda: "30" not in json.dumps(json.loads(at_30.read_text())["percentage"]), "the file")
    with following(AWAY, at_30) as rollout:
        assert rollout.percentage == 0


def test_a_rollback_is_known_over_a_restart_where_redis_has_forgotten_it(place: Place, at_30: Path) -> None:
    before = place.record
    place.put(0, latched=True)
    with following(place.server.url, at_30) as rollout:
        until(lambda: rollout.state.reason is Reason.ROLLED_BACK, "the rollback")
        until(lambda: '\\"latched\\":true' in at_30.read_text(), "the file")
    place.write(before)
    with following(place.server.url, at_30) as rollout:
        assert rollout.wait_ready(20)
        assert (rollout.percentage, rollout.state.reason) == (0, Reason.ROLLED_BACK)


def test_of_two_processes_the_one_that_knows_of_the_rollback_wins(place: Place, at_30: Path) -> None:
    latched = replace(place.record, latched=True, percentage=0, sequence=9, stage="")
    change(at_30, record=encode(latched))
    place.put(30)
    with following(place.server.url, at_30) as rollout:
        until(lambda: rollout.ready, "a read")
        assert rollout.percentage == 0
        until(lambda: f'\\"sequence\\":{place.record.sequence}' in at_30.read_text(), "the file")
    assert decode(json.loads(at_30.read_text())["record"]) == latched


def test_a_push_counts_while_redis_can_not_be_read(at_30: Path, place: Place) -> None:
    known = LastKnown(at_30, max_age=600)
    with Rollout(KEY, redis=AWAY, last_known=known) as rollout:
        view = rollout._view.push(replace(place.record, latched=True, percentage=0, sequence=9, stage=""))
        assert view.percentage == 0


def test_another_revision_is_given_nothing_of_it(at_30: Path) -> None:
    with following(AWAY, at_30, revision="another", staff=["kim"]) as rollout:
        assert (rollout.percentage, rollout.state.reason) == (0, Reason.OTHER_REVISION)
        assert rollout.group("kim") == "control"
        rollout.revision = REVISION
        assert rollout.group("kim") == "treatment"


# --- how old it may be -------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [601, 1e9, -60, float("nan"), float("inf"), float("-inf")])
def test_what_is_too_old_or_from_the_future_gives_nobody_treatment(at_30: Path, seconds: float) -> None:
    change(at_30, at=json.loads(at_30.read_text())["at"] - seconds)
    with following(AWAY, at_30) as rollout:
        assert (rollout.percentage, rollout.state.reason) == (0, Reason.NOT_READY)
        assert rollout.state.record is not None, "it goes on to count as the greatest record seen"


def test_it_ends_while_the_process_runs(at_30: Path) -> None:
    at = json.loads(at_30.read_text())["at"]
    change(at_30, at=at - 599.0)
    with following(AWAY, at_30, max_age=600) as rollout:
        until(lambda: rollout.state.reason is Reason.STALE, "its end")
        assert rollout.group("kim") == "control"
        assert rollout.percentage == 0


def test_it_is_written_again_before_it_is_too_old(place: Place, file: Path) -> None:
    place.put(30)
    with following(place.server.url, file, max_age=1.0) as rollout:
        reaches(rollout, 30)
        until(file.exists, "the file")
        first = json.loads(file.read_text())["at"]
        until(lambda: json.loads(file.read_text())["at"] > first, "a younger one")


# --- what is no such file ----------------------------------------------------------------------

SPOIL: dict[str, Callable[[Path], object]] = {
    "empty": lambda file: file.write_text(""),
    "no JSON": lambda file: file.write_text("{"),
    "another kind of JSON": lambda file: file.write_text("[1]"),
    "deep": lambda file: file.write_text("[" * 60_000),
    "another version": lambda file: change(file, schema=2),
    "another rollout's": lambda file: change(file, key="another"),
    "no time": lambda file: change(file, at="today"),
    "a huge time": lambda file: change(file, at=10**400),
    "no percentage": lambda file: change(file, percentage=30.5),
    "too large a percentage": lambda file: change(file, percentage=101),
    "no record": lambda file: change(file, record=7),
    "a broken record": lambda file: change(file, beside="{}"),
    "bytes": lambda file: file.write_bytes(b"\xff\xfe"),
    "writable for others": lambda file: file.chmod(0o622),
}


@pytest.mark.parametrize("spoil", SPOIL.values(), ids=SPOIL)
def test_what_can_not_be_believed_is_told_and_is_nothing(
    at_30: Path, caplog: pytest.LogCaptureFixture, spoil: Callable[[Path], object]
) -> None:
    spoil(at_30)
    with caplog.at_level(logging.WARNING, "mlrollout"), following(AWAY, at_30) as rollout:
        assert (rollout.percentage, rollout.state.reason) == (0, Reason.NOT_READY)
    assert f"What was last known, in {at_30}, is not used" in caplog.text


def test_another_users_file_is_not_believed(
    at_30: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its owner may write it, whatever its mode says."""
    somebody = os.geteuid() + 4242
    if os.geteuid() == 0:
        os.chown(at_30, somebody, -1)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: somebody)
    with following(AWAY, at_30) as rollout:
        assert (rollout.percentage, rollout.state.reason) == (0, Reason.NOT_READY)
    assert "another user's" in caplog.text


def test_a_spoilt_file_is_written_anew(place: Place, at_30: Path) -> None:
    at_30.write_text("{")
    with following(place.server.url, at_30) as rollout:
        reaches(rollout, 30)
        until(lambda: len(at_30.read_text()) > 1, "the file")
    with following(AWAY, at_30) as rollout:
        assert rollout.percentage == 30


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_folder_that_can_not_be_written_harms_no_decision(
    place: Place, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file.parent.chmod(0o500)
    place.put(30)
    with following(place.server.url, file) as rollout:
        reaches(rollout, 30)
        until(lambda: "could not be written" in caplog.text, "the warning")


def test_a_folder_that_went_away_harms_no_decision(
    place: Place, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    place.put(30)
    known = LastKnown(folder / "rollout.json", max_age=600)
    folder.rmdir()
    with Rollout(KEY, redis=place.server.url, last_known=known) as rollout:
        reaches(rollout, 30)
        until(lambda: "could not be written" in caplog.text, "the warning")


def test_a_rollback_that_a_full_disk_did_not_take_is_written_by_a_later_read(
    place: Place, at_30: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def is_full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with following(place.server.url, at_30) as rollout:
        reaches(rollout, 30)
        with monkeypatch.context() as full:
            full.setattr(os, "fsync", is_full)
            place.put(0, latched=True)
            until(lambda: "could not be written" in caplog.text, "the warning")
        until(lambda: '\\"latched\\":true' in at_30.read_text(), "the file")
    with following(AWAY, at_30) as rollout:
        assert (rollout.percentage, rollout.state.reason) == (0, Reason.ROLLED_BACK)


def test_what_can_not_be_meant_is_refused(tmp_path: Path) -> None:
    for file, age, complaint in (
        (tmp_path / "missing" / "rollout.json", 600, "there is no folder"),
        (tmp_path, 600, "is a folder"),
        (tmp_path / "rollout.json", 0, "max_age"),
        (tmp_path / "rollout.json", float("inf"), "max_age"),
    ):
        with pytest.raises(ValueError, match=complaint):
            LastKnown(file, max_age=age)


def test_what_is_in_it_is_what_redis_held(place: Place, at_30: Path) -> None:
    found = json.loads(at_30.read_text())

    assert {name: found[name] for name in ("schema", "key", "percentage")} == {
        "schema": 1,
        "key": KEY,
        "percentage": 30,
    }
    assert decode(found["record"]) == decode(found["beside"]) == place.record != BEGUN
