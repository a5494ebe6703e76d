"""As a plugin of the real kubectl, found on PATH, and as a program of its own."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
from contextlib import suppress
from pathlib import Path

import pytest

from devstack import binaries
from devstack.control_plane import ControlPlane
from devstack.processes import wait_until
from tests.cluster.cli.conftest import named
from tests.support.command_line import into_a_closed_pipe
from tests.support.places import Place
from tests.support.sample import MINIMAL

BIN = Path(sys.executable).parent
INTERRUPTED, PIPE_CLOSED = 130, 141


@pytest.fixture
def environment(control_plane: ControlPlane, tmp_path: Path) -> dict[str, str]:
    bare = {name: value for name, value in os.environ.items() if not name.startswith(("MLROLLOUT_", "KUBE"))}
    path = f"{BIN}:{bare['PATH']}"
    return {**bare, "KUBECONFIG": control_plane.kubeconfig, "PATH": path, "HOME": str(tmp_path), "COLUMNS": "100"}


def kubectl(*arguments: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(binaries.path("kubectl")), *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_kubectl_finds_it(environment: dict[str, str]) -> None:
    assert str(BIN / "kubectl-mlrollout") in kubectl("plugin", "list", environment=environment).stdout


def test_kubectl_calls_it_and_it_speaks_of_itself_as_it_was_called(environment: dict[str, str], states: Place) -> None:
    ran = kubectl("mlrollout", "why", named("awaiting approval"), "-n", states.namespace, environment=environment)
    assert ran.returncode == 0
    assert f"kubectl mlrollout approve awaiting-approval -n {states.namespace}" in ran.stdout

    ran = kubectl("mlrollout", "status", "nobody", environment=environment)
    assert ran.stderr.startswith("kubectl mlrollout status: there is no MLRollout nobody")
    assert ran.returncode == 1
    assert "Usage: kubectl mlrollout [OPTIONS]" in kubectl("mlrollout", "--help", environment=environment).stdout


def test_a_reader_that_goes_away_is_no_error(environment: dict[str, str], states: Place) -> None:
    command = [str(BIN / "mlrollout"), "list", "-n", states.namespace]
    assert into_a_closed_pipe(command, environment=environment) == (b"", PIPE_CLOSED)


def _watched(environment: dict[str, str], states: Place, file: Path) -> subprocess.Popen[bytes]:
    with file.open("wb") as out:
        return subprocess.Popen(
            [str(BIN / "mlrollout"), "status", "advancing", "-n", states.namespace, "--watch"],
            env=environment,
            stdout=out,
            stderr=subprocess.STDOUT,
        )


def test_watching_tells_changes_until_ctrl_c(environment: dict[str, str], states: Place, tmp_path: Path) -> None:
    file = tmp_path / "told"
    with _watched(environment, states, file) as running:
        wait_until(lambda: "10 % in pilot  Progressing" in file.read_text() or None, within=30, what="the first line")
        patch = '{"status": {"progress": {"applied": 30}, "stage": "expansion"}}'
        states.kubectl("patch", "mlr", "advancing", "--subresource=status", "--type=merge", "-p", patch)
        wait_until(lambda: "30 % in expansion" in file.read_text() or None, within=30, what="the change")
        running.send_signal(signal.SIGINT)
        assert running.wait(timeout=10) == INTERRUPTED
    lines = file.read_text().splitlines()
    assert len(lines) == 2
    assert "Traceback" not in file.read_text()


@pytest.mark.parametrize("colours", ["", "1"], ids=["plain", "colours asked for"])
def test_watching_ends_when_the_object_is_gone(environment: dict[str, str], states: Place, colours: str) -> None:
    environment["FORCE_COLOR"] = colours  # of a file, it asks for no screen
    states.apply(MINIMAL | {"metadata": {"name": "goes", "namespace": states.namespace}})
    command = [str(BIN / "mlrollout"), "status", "goes", "-n", states.namespace, "--watch"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as ran:
        assert ran.stdout is not None
        assert ran.stderr is not None
        assert "AwaitingOperator" in ran.stdout.readline()
        states.kubectl("delete", "mlr", "goes")
        assert ran.stderr.read() == "mlrollout status: the MLRollout goes is gone: it was deleted\n"
        assert ran.wait(timeout=10) == 1


def watched(environment: dict[str, str], namespace: str, terminal: str) -> tuple[str, str]:
    """What a watch writes to a terminal of this kind: until it has shown how the rollout stands, and until it ends."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 90, 0, 0))
    command = [str(BIN / "mlrollout"), "status", named("awaiting approval"), "-n", namespace, "--watch"]
    with subprocess.Popen(
        command,
        env={**environment, "TERM": terminal},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    ) as running:
        os.close(theirs)
        shown = _read(ours, until="AwaitingApproval")
        running.send_signal(signal.SIGINT)
        rest = _read(ours)
        assert running.wait(timeout=10) == INTERRUPTED
    os.close(ours)
    return shown, rest


def test_on_a_terminal_it_is_drawn_in_place_and_the_last_screen_stays(
    environment: dict[str, str], states: Place
) -> None:
    del environment["COLUMNS"]
    drawn, rest = watched(environment, states.namespace, "xterm")
    assert "\x1b[?1049h" in drawn, "another screen, so that nothing of the terminal is overwritten"
    assert "AwaitingApproval" in rest.partition("\x1b[?1049l")[2]
    assert "\x1b[2J" not in drawn + rest, "clearing it would flicker"


def test_a_terminal_on_which_nothing_can_be_drawn_anew_gets_lines(environment: dict[str, str], states: Place) -> None:
    told = "".join(watched(environment, states.namespace, "dumb"))
    assert "AwaitingApproval" in told
    assert "\x1b" not in told


def _read(terminal: int, until: str = "") -> str:
    """What is drawn until a text comes, or to the end, or until nothing more comes."""
    seen = ""
    with suppress(OSError):  # the end of a terminal
        while (not until or until not in seen) and select.select([terminal], [], [], 30)[0]:
            seen += os.read(terminal, 65536).decode()
    return seen
