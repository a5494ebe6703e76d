from pathlib import Path

import pytest
from mlrollout.api.generate import main, outputs

ROOT = Path(__file__).parents[3]


def test_what_is_committed_is_what_the_models_say(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["--check"], ROOT)

    assert (code, capsys.readouterr().out) == (0, "")


def test_generating_writes_every_file(tmp_path: Path) -> None:
    assert main([], tmp_path) == 0
    assert {path: (tmp_path / path).read_text() for path in outputs()} == outputs()
    assert main(["--check"], tmp_path) == 0


def test_the_check_names_what_is_stale_and_touches_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main([], tmp_path)
    capsys.readouterr()
    reference = tmp_path / "docs" / "reference.md"
    reference.write_text("old")

    assert main(["--check"], tmp_path) == 1
    assert reference.read_text() == "old"
    assert capsys.readouterr().out.splitlines() == [
        "docs/reference.md is not what the models say",
        "Run `make generate` and commit what it writes.",
    ]


@pytest.mark.parametrize("part", ["## `spec.guardrails[]`", "## `status.history[]`", "failures must not be greater"])
def test_the_reference_tells_every_part(part: str) -> None:
    assert part in outputs()["docs/reference.md"]
