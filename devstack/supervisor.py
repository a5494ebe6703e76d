"""Runs one command and lets nothing of it outlive the process that asked for it.

Run as a script, with the command as arguments. Standard input is a pipe that nobody
writes to: the kernel closes it when the owner ends, in whatever way, and then the
command's whole process group is killed. Standard output tells the owner the group's
id; standard error is the command's log. It must not import anything of ours: its
start is part of every server's start.
"""

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress


def main(command: list[str]) -> int:
    """Run the command to its end and end the way it did."""
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=sys.stderr, process_group=0)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda received, _frame: _signal(child.pid, received))
    threading.Thread(target=_outlive_nobody, args=(child.pid,), daemon=True).start()
    try:
        with suppress(BrokenPipeError):
            os.write(sys.stdout.fileno(), f"{child.pid}\n".encode())
        code = child.wait()
    finally:
        _signal(child.pid, signal.SIGKILL)
    if code < 0:
        _die_of(-code)
    return code


def _outlive_nobody(group: int) -> None:
    """Block until the owner is gone."""
    while os.read(sys.stdin.fileno(), 64):
        pass
    _signal(group, signal.SIGKILL)


def _signal(group: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _die_of(number: int) -> None:
    """Pass the signal on as our own end, so that the owner sees it as the exit code."""
    with suppress(OSError, ValueError):
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
