"""Whatever asks a Prometheus that its user has named shows it what the environment says."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from mlrollout.adapters.prometheus_access import VARIABLE
from mlrollout.server.backends import opened
from mlrollout.server.config import load
from mlrollout.startup.settings import SettingsError

PRODUCTION = str(Path(__file__).parents[3] / "examples" / "ml-dispatch" / "rollout-production.yaml")
ADDRESS = ("--prometheus", "http://127.0.0.1:9")
WRONG = 2


@pytest.mark.parametrize(
    "command",
    [("lint", "-f", PRODUCTION), ("simulate", "-f", PRODUCTION), ("blocks", "-f", PRODUCTION)],
    ids=lambda command: command[0],
)
def test_what_makes_no_sense_there_is_told_and_nothing_is_asked(command: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "token").write_text("two\nlines")
    ran = subprocess.run(
        [sys.executable, "-m", "mlrollout", *command, *ADDRESS],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, VARIABLE: str(tmp_path)},
    )
    assert f"{VARIABLE}: {tmp_path}/token holds no single line of text" in ran.stderr
    assert ran.returncode == WRONG


async def test_a_server_does_not_start_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "nowhere"))
    file = tmp_path / "server.yaml"
    file.write_text(f"rollouts: [{{name: a, key: a}}]\nprometheus: {ADDRESS[1]}")
    with pytest.raises(SettingsError, match=f"{VARIABLE}: .* is no folder"):
        async with opened(load(file), "redis://127.0.0.1:9"):
            pass
