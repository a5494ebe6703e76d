"""The administrator's file is read again when it has changed; one that can't be used ends nothing and is told."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import structlog
from mlrollout.ports import WordingError
from mlrollout.runtime.notifying.config_file import LOOK_EVERY, ConfigFile

from tests.pure.runtime.doubles import Phones
from tests.support.virtual_time import virtual

ONE = "receivers: [{name: one, url: 'https://a/s3cret'}]"
TWO = "receivers: [{name: two, url: 'https://b/s3cret'}]"


def names(file: ConfigFile) -> list[str]:
    return [one.name for one in file.current().receivers]


@asynccontextmanager
async def watched(path: Path | None, phones: Phones, told: Callable[[bool], None]) -> AsyncIterator[ConfigFile]:
    file = ConfigFile(path, phones, told)
    task = asyncio.create_task(file.watch())
    try:
        yield file
    finally:
        task.cancel()


def test_a_change_is_taken_in_and_what_is_wrong_is_told_and_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "notifications.yaml"
    path.write_text(ONE)
    told: list[bool] = []

    @virtual
    async def lives() -> None:
        with structlog.testing.capture_logs() as logs:
            async with watched(path, Phones(), told.append) as file:
                assert names(file) == ["one"]
                for text, found, unusable in (
                    (TWO, ["two"], False),
                    ("receivers: [{name: x, url: s3cret}]", ["two"], True),
                    (ONE, ["one"], False),
                    ("", [], False),
                ):
                    path.write_text(text)
                    await asyncio.sleep(LOOK_EVERY + 1)
                    assert (names(file), told[-1]) == (found, unusable)
                path.unlink()
                await asyncio.sleep(3 * LOOK_EVERY)
                assert told[-1]
                path.write_bytes(b"\xff\xfe")
                await asyncio.sleep(LOOK_EVERY + 1)
        errors = [entry["problem"] for entry in logs if entry["log_level"] == "error"]
        assert [problem.partition(":")[0] for problem in errors] == [
            "receivers[0]",
            "it can't be read (No such file or directory)",
            "it is no text",
        ]
        assert "s3cret" not in str(logs)

    lives()


def test_without_a_file_nobody_is_told_and_nothing_is_wrong() -> None:
    told: list[bool] = []

    @virtual
    async def lives() -> None:
        async with watched(None, Phones(), told.append) as file:
            await asyncio.sleep(1)
            assert names(file) == []

    lives()
    assert told == [False]


def test_a_broken_template_is_told_as_long_as_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "notifications.yaml"
    path.write_text("templates: {Alert: {title: a}, RolledBack: {text: b}}")
    phones, told = Phones(), list[bool]()
    phones.templates = {"a": "fine", "b": WordingError("line 1: unexpected end")}

    @virtual
    async def lives() -> None:
        with structlog.testing.capture_logs() as logs:
            async with watched(path, phones, told.append):
                await asyncio.sleep(3 * LOOK_EVERY)
                assert told[-1]
                path.write_text("templates: {Alert: {title: a}}")
                await asyncio.sleep(LOOK_EVERY + 1)
                assert not told[-1]
        errors = [(entry["topic"], entry["problem"]) for entry in logs if entry["log_level"] == "error"]
        assert errors == [("RolledBack", "line 1: unexpected end")]

    lives()
