"""What a person at a terminal is asked back before a verb is asked for."""

import os
import pty
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tests.components.cli.objects import DONE, FAILED, INTERRUPTED, Objects


class Terminal:
    """Somebody at a terminal, who types."""

    def __init__(self, environment: dict[str, str], *arguments: str) -> None:
        self._ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mlrollout", *arguments],
            env=environment,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self.seen = ""

    def until(self, text: str) -> None:
        while text not in self.seen:
            self.seen += os.read(self._ours, 4096).decode()

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def interrupt(self) -> None:
        """Press Ctrl-C, as a person does, until something happens: one that comes right before a read is not seen."""
        while self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=1)

    def end(self) -> int:
        try:
            while True:
                self.seen += os.read(self._ours, 4096).decode()
        except OSError:
            os.close(self._ours)
            return self.process.wait(timeout=20)


@pytest.fixture
def environment(objects: Objects, tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "KUBECONFIG": str(tmp_path / "kubeconfig"), "TERM": "xterm", "COLUMNS": "100"}


def test_a_person_is_asked_why_and_whether_he_means_several(objects: Objects, environment: dict[str, str]) -> None:
    objects.put("advancing", "other")
    terminal = Terminal(environment, "pause", "-l", "team=dispatch")
    terminal.until("pause 2 rollouts: default/ml-dispatch, default/other? [y/N]: ")
    terminal.type("y\n")
    terminal.until("Why pause?: ")
    terminal.type("release freeze\n")
    assert terminal.end() == DONE
    assert [asked["mlrollout.dev/pause"] for asked in objects.asked] == ["release freeze (by jane)"] * 2


def test_a_person_may_say_no(objects: Objects, environment: dict[str, str]) -> None:
    objects.put("advancing", "other")
    terminal = Terminal(environment, "rollback", "ml-dispatch", "other")
    terminal.until("[y/N]: ")
    terminal.type("\n")
    assert terminal.end() == FAILED
    assert "nothing was asked for" in terminal.seen
    assert objects.patched == []


def test_ctrl_c_where_something_is_asked_back(objects: Objects, environment: dict[str, str]) -> None:
    terminal = Terminal(environment, "pause", "ml-dispatch")
    terminal.until("Why pause?: ")
    terminal.interrupt()
    assert terminal.end() == INTERRUPTED
    assert "Traceback" not in terminal.seen
    assert objects.patched == []


def test_with_a_reason_a_person_is_asked_nothing(objects: Objects, environment: dict[str, str]) -> None:
    terminal = Terminal(environment, "pause", "ml-dispatch", "--reason", "freeze")
    assert terminal.end() == DONE
    assert "Why" not in terminal.seen
