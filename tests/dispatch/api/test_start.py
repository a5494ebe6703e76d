"""Starting the service with what can't be."""

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[3] / "examples" / "ml-dispatch"


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("--redis-url", "http://somewhere", "its scheme is none of redis"),
        ("--database", "nonsense", "Could not parse SQLAlchemy URL"),
        ("--secret", "/nowhere/cookies.key", "/nowhere/cookies.key"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(tmp_path: Path, option: str, value: str, says: str) -> None:
    options = {"--redis-url": "redis://127.0.0.1:1/0", "--database": f"sqlite:///{tmp_path / 'dispatch.db'}"}
    command = (word for pair in (options | {option: value}).items() for word in pair)
    run = subprocess.run(
        [sys.executable, "-m", "dispatch", "--port", "0", *command],
        cwd=EXAMPLE,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 1
    assert says in run.stderr.splitlines()[-1]
    assert "Traceback" not in run.stderr
