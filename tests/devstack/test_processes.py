"""No process outlives its owner, however the owner ends."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from devstack.detached import born
from devstack.errors import PortTakenError, ProcessFailedError, UnansweredError
from devstack.processes import Child, Supervised, supervise, wait_until

# A process that starts another one; both print their pids, one after the other.
FAMILY = "echo $$; sleep 600 & echo $!; wait"
OWNER = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored, where the tests run in the background
from pathlib import Path
from devstack.processes import supervise
supervise("family", ["sh", "-c", sys.argv[1]], log=Path(sys.argv[2]))
print("started", flush=True)
time.sleep(600)
"""


def pids(log: Path, count: int) -> list[int]:
    def written() -> list[int] | None:
        words = log.read_text().split() if log.exists() else []
        return [int(word) for word in words] if len(words) == count else None

    return wait_until(written, within=10, what="the pids in the log")


def gone(members: list[int]) -> None:
    wait_until(lambda: not any(map(born, members)), within=10, what="the end of all")


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_children_and_their_children_die_with_their_owner(tmp_path: Path, end: signal.Signals) -> None:
    log = tmp_path / "log"
    command = [sys.executable, "-c", OWNER, FAMILY, str(log)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as owner:
        assert owner.stdout
        assert owner.stdout.readline() == "started\n"
        family = pids(log, 2)
        assert all(map(born, family))

        os.kill(owner.pid, end)

        gone(family)


def test_a_group_is_stopped_whole(tmp_path: Path) -> None:
    child = supervise("family", ["sh", "-c", FAMILY], log=tmp_path / "log")
    family = pids(child.log, 2)
    assert family[0] == child.pid

    child.stop()

    gone(family)
    assert child.exit_code() == -signal.SIGTERM


def test_what_ignores_a_polite_request_is_killed(tmp_path: Path) -> None:
    stubborn = "trap '' TERM; echo $$; while :; do sleep 600; done"
    child = supervise("stubborn", ["sh", "-c", stubborn], log=tmp_path / "log")
    pids(child.log, 1)

    child.stop(within=0.1)

    assert child.exit_code() == -signal.SIGKILL


def test_a_paused_process_can_be_stopped(tmp_path: Path) -> None:
    child = supervise("sleeper", ["sleep", "600"], log=tmp_path / "log")
    child.pause()

    child.stop()

    assert child.exit_code() == -signal.SIGTERM


@pytest.mark.parametrize("read", ["listdir", "scandir"])
def test_a_stranger_that_ends_meanwhile_disturbs_no_pause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: str
) -> None:
    child = supervise("sleeper", ["sleep", "600"], log=tmp_path / "log")
    really, ended = getattr(os, read), f"/proc/{os.getpid()}/task"

    def gone_by_now(folder: str | Path) -> object:
        if str(folder) == ended:
            raise FileNotFoundError(ended)
        return really(folder)

    # Its own process stands for the stranger, between the list of all and the look into each.
    monkeypatch.setattr(os, read, gone_by_now)
    child.pause()

    child.stop()


def test_an_early_end_is_told_with_its_log(tmp_path: Path) -> None:
    child = supervise("broken", ["sh", "-c", "echo no such luck; exit 3"], log=tmp_path / "log")

    with pytest.raises(ProcessFailedError, match=r"(?s)broken ended with exit code 3.*no such luck"):
        never(child)


def test_a_taken_port_is_told_apart(tmp_path: Path) -> None:
    complaint = "echo bind: Address already in use; exit 1"
    child = supervise("late", ["sh", "-c", complaint], log=tmp_path / "log")

    with pytest.raises(PortTakenError):
        never(child)


def test_a_missing_program_is_told(tmp_path: Path) -> None:
    with pytest.raises(ProcessFailedError, match=r"ghost could not be started: .*no-such-program"):
        supervise("ghost", ["no-such-program"], log=tmp_path / "log")


def test_whoever_waits_asks_again_where_nobody_answered_and_says_so_in_the_end() -> None:
    def unanswered() -> int:
        raise UnansweredError("it did not answer up")

    answers = iter((unanswered, int, lambda: 5))

    def asked() -> int:
        return next(answers)()

    assert wait_until(asked, within=10, what="five") == 5
    with pytest.raises(ProcessFailedError, match=r"in vain for five\.\nit did not answer up"):
        wait_until(unanswered, within=0, what="five")


def never(child: Child) -> None:
    wait_until(lambda: None, within=10, what="nothing", child=child)


def test_a_child_whose_supervisor_was_killed_is_not_forgotten(tmp_path: Path) -> None:
    child = supervise("family", ["sh", "-c", FAMILY], log=tmp_path / "log")
    family = pids(child.log, 2)
    assert isinstance(child, Supervised)

    os.kill(child.guard.pid, signal.SIGKILL)

    wait_until(lambda: not child.alive, within=10, what="the news of its end")
    gone(family)
