"""Child processes with a log, a readiness condition and a certain end.

`supervise` starts one that dies with us whatever happens; `detached.Detacher` starts
one that stays. Both give a `Child`, so a server need not know which kind it is.
"""

import os
import signal
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol, TypeVar

from . import supervisor
from .errors import PortTakenError, ProcessFailedError, UnansweredError

T = TypeVar("T")

_STILL = frozenset("TtZX")
"""States of a thread that was stopped, or has ended."""


class Child(ABC):
    """A running process group, named by its first process."""

    def __init__(self, name: str, pid: int, log: Path) -> None:
        self.name = name
        self.pid = pid
        self.log = log

    @abstractmethod
    def exit_code(self) -> int | None:
        """How it ended, negative for a signal; None while it runs."""

    @property
    def alive(self) -> bool:
        """Whether it still runs, or is paused."""
        return self.exit_code() is None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the whole group, unless it ended: its number may be a stranger's now."""
        if self.alive:
            _signal(self.pid, number)

    def pause(self) -> None:
        """Freeze it: its connections stay open and nobody answers on them, from here on."""
        self.signal(signal.SIGSTOP)
        wait_until(lambda: not _runs(self.pid) or not self.alive, within=10, what=f"{self.name} to stand still")

    def resume(self) -> None:
        """Let it go on after `pause`."""
        self.signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it without a chance to clean up."""
        self.signal(signal.SIGKILL)
        wait_until(lambda: not self.alive, within=10, what=f"the end of {self.name}")

    def stop(self, within: float = 5) -> None:
        """End it politely, and by force when that takes too long."""
        if not self.alive:
            return
        self.signal(signal.SIGTERM)
        self.resume()
        with suppress(ProcessFailedError):
            wait_until(lambda: not self.alive, within=within, what=self.name)
        self.kill()
        # What the first process of the group has left behind.
        _signal(self.pid, signal.SIGKILL)

    def tail(self, lines: int = 20) -> str:
        """The end of its log."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])


class Launch(Protocol):
    """How a server gets its process: owned by us, or left running."""

    def __call__(
        self,
        name: str,
        command: Sequence[str],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
    ) -> Child:
        """Start the command; `env` is laid over our own environment."""


class Supervised(Child):
    """A process whose supervisor kills it when this Python process ends."""

    def __init__(self, name: str, pid: int, log: Path, guard: subprocess.Popen[str]) -> None:
        super().__init__(name, pid, log)
        self.guard = guard

    def exit_code(self) -> int | None:
        """The supervisor ends the way its command did."""
        code = self.guard.poll()
        if code is not None and _close(self.guard):
            # In case that the supervisor was killed itself.
            _signal(self.pid, signal.SIGKILL)
        return code


def supervise(
    name: str,
    command: Sequence[str],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
) -> Child:
    """Start a process that cannot outlive us, not even when we get a SIGKILL."""
    with log.open("ab") as output:
        guard = subprocess.Popen(
            [sys.executable, "-I", "-S", supervisor.__file__, *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=output,
            env={**os.environ, **(env or {})},
            start_new_session=True,
            text=True,
        )
    told = guard.stdout.readline() if guard.stdout else ""
    if told:
        return Supervised(name, int(told), log, guard)
    guard.wait()
    _close(guard)
    tail = log.read_text(errors="replace").strip().splitlines()[-1:]
    raise ProcessFailedError(f"{name} could not be started: {''.join(tail)}")


def wait_until(
    condition: Callable[[], T | None],
    *,
    within: float,
    what: str,
    child: Child | None = None,
) -> T:
    """Ask again until the answer is true, the time is over, or the child has ended; no answer is no answer yet."""
    deadline = time.monotonic() + within
    while True:
        ended, unanswered = child is not None and not child.alive, ""
        try:
            if answer := condition():
                return answer
        except UnansweredError as error:
            unanswered = f"\n{error}"
        if child and ended:
            raise _early_end(child)
        if time.monotonic() > deadline:
            tail = f"\n{child.log} ends with:\n{child.tail()}" if child else ""
            raise ProcessFailedError(f"Waited {within:g} s in vain for {what}.{unanswered}{tail}")
        time.sleep(0.02)


def _early_end(child: Child) -> ProcessFailedError:
    tail = child.tail()
    taken = "address already in use" in tail.lower()
    return (PortTakenError if taken else ProcessFailedError)(
        f"{child.name} ended with exit code {child.exit_code()}.",
        meaning=f"{child.log} ends with:\n{tail}",
    )


def _signal(group: int, number: signal.Signals) -> None:
    # macOS answers EPERM where only unreaped processes are left.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _runs(group: int) -> bool:
    """Whether a thread of the group still runs, which the signal has not reached yet; Linux tells."""
    return any(its == group and state not in _STILL for state, its in _threads())


def _threads() -> Iterator[tuple[str, int]]:
    """State and group of every thread of this machine."""
    for process in _within(Path("/proc")):
        for thread in _within(process / "task"):
            with suppress(OSError):
                state, _, group, *_ = (thread / "stat").read_text().rpartition(")")[2].split()
                yield state, int(group)


def _within(folder: Path) -> list[Path]:
    """What is in a folder of processes; nothing where its own has ended meanwhile, as any stranger's may."""
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _close(guard: subprocess.Popen[str]) -> bool:
    """Close our ends of the pipes; whether they were open."""
    pipes = [pipe for pipe in (guard.stdin, guard.stdout) if pipe and not pipe.closed]
    for pipe in pipes:
        pipe.close()
    return bool(pipes)
