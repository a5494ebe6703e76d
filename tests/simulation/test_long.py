"""The long search goes on where it stopped, and forgets nothing that broke."""

import json
from pathlib import Path

import pytest

from .long import FIRST, main


def test_the_long_search_goes_on_where_it_stopped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = tmp_path / "kept.json"
    for _ in range(2):
        assert main(["--schedules", "2", "--workers", "1", "--kept", str(kept)]) == 0
    found = json.loads(kept.read_text())
    assert (found["next"], found["schedules"], found["broken"]) == (FIRST + 4, 4, {})
    assert any(kind.startswith("step: ") for kind in found["happened"])
    assert "0 broke an invariant" in capsys.readouterr().out


def test_what_was_broken_is_tried_again_once_the_code_has_changed(tmp_path: Path) -> None:
    kept = tmp_path / "kept.json"
    before = {"code": "another", "next": FIRST + 7, "schedules": 7, "happened": {}, "broken": {"5": "it was"}}
    kept.write_text(json.dumps(before))
    assert main(["--schedules", "1", "--workers", "1", "--kept", str(kept)]) == 0
    found = json.loads(kept.read_text())
    assert (found["next"], found["schedules"], found["broken"]) == (FIRST + 8, 2, {})
