"""A demo in the foreground, as a process of its own: how it ends, and what it leaves."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

_DEMO = """
import signal, sys
from devstack import foreground
from devstack.errors import MissingError

def demo():
    with foreground.folder("mlrollout-test-") as folder:
        (folder / "log").write_text("all that it did")
        print(folder, flush=True)
        {body}

sys.exit(foreground.play(demo))
"""


def started(body: str) -> subprocess.Popen[str]:
    demo = _DEMO.format(body=body)
    return subprocess.Popen((sys.executable, "-c", demo), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ended(demo: subprocess.Popen[str]) -> tuple[Path, str, int]:
    """Its folder, what it said, and its exit code."""
    out, said = demo.communicate(timeout=30)
    return Path(out.strip()), said, demo.returncode


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_whatever_signal_ends_it_it_says_so_at_once_and_leaves_nothing(number: signal.Signals) -> None:
    demo = started("signal.pause()")
    assert demo.stdout is not None
    folder = Path(demo.stdout.readline().strip())
    demo.send_signal(number)
    _, said, code = ended(demo)
    assert said.split("\n") == ["", "Interrupted: stopping everything.", "Everything is stopped.", ""]
    assert (code, folder.exists()) == (130, False)


def test_what_went_wrong_is_told_without_a_traceback_and_its_logs_are_kept(tmp_path: Path) -> None:
    folder, said, code = ended(started("raise MissingError('There is no docker.', remedy='Install it.')"))
    try:
        assert said == f"The logs are kept in {folder}.\nThere is no docker.\nInstall it.\n"
        assert (code, (folder / "log").read_text()) == (2, "all that it did")
    finally:
        (folder / "log").rename(tmp_path / "log")
        folder.rmdir()


def test_one_that_kept_its_promises_ends_well_and_leaves_nothing() -> None:
    folder, said, code = ended(started("pass"))
    assert (said, code, folder.exists()) == ("", 0, False)
