"""Processes that `up` leaves running and `down` finds again by their pid files."""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .commands import run
from .console import say
from .files import replace_text
from .processes import Child


class Detached(Child):
    """A process in a session of its own, perhaps started by an earlier command.

    A pid alone may have passed to a stranger since, so the time of birth goes with it.
    """

    def __init__(
        self,
        name: str,
        pid: int,
        log: Path,
        born: str | None,
        process: subprocess.Popen[bytes] | None = None,
    ) -> None:
        super().__init__(name, pid, log)
        self._born = born
        self._process = process

    def exit_code(self) -> int | None:
        """None while it runs; how a process of an earlier command ended is not known, so 1."""
        if self._process:
            return self._process.poll()
        return None if self._born and born(self.pid) == self._born else 1


class Detacher:
    """Launches detached processes, at most one of each name, each with a pid file.

    Attributes:
        started: What this object has started itself, not found running.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.started: list[subprocess.Popen[bytes]] = []

    def __call__(
        self,
        name: str,
        command: Sequence[str],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
    ) -> Child:
        """Adopt the process of that name where it still runs, else start it."""
        known = self.find(name)
        if known and known.alive:
            return known
        if not known:
            log.unlink(missing_ok=True)
        say(f"Starting {name}.")
        with log.open("ab") as output:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, **(env or {})},
                start_new_session=True,
            )
        self.started.append(process)
        birth = born(process.pid)
        child = Detached(name, process.pid, log, birth, process)
        self._write(child, birth)
        return child

    def find(self, name: str) -> Child | None:
        """The process of that name, dead or alive, if one was started."""
        file = self._folder / f"{name}.json"
        return _read(file) if file.exists() else None

    def known(self) -> list[Child]:
        """Every process that was started and not yet forgotten, the latest first."""
        files = sorted(self._folder.glob("*.json"), key=lambda f: -f.stat().st_mtime_ns)
        return [_read(file) for file in files]

    def forget(self, child: Child) -> None:
        """Remove the pid file of a process that was stopped."""
        (self._folder / f"{child.name}.json").unlink(missing_ok=True)

    def _write(self, child: Child, birth: str | None) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        entry = {"pid": child.pid, "born": birth, "log": str(child.log)}
        replace_text(self._folder / f"{child.name}.json", json.dumps(entry))


def born(pid: int) -> str | None:
    """When a process started, in the system's own words; None when it is not running."""
    proc = Path("/proc/self/stat")
    return _born_by_proc(pid) if proc.exists() else _born_by_ps(pid)


def _born_by_proc(pid: int) -> str | None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else fields[19]


def _born_by_ps(pid: int) -> str | None:
    told = run(["ps", "-o", "stat=,lstart=", "-p", str(pid)]).stdout.strip()
    state, _, start = told.partition(" ")
    return None if not told or state.startswith("Z") else start.strip()


def _read(file: Path) -> Child:
    entry: dict[str, Any] = json.loads(file.read_text())
    return Detached(file.stem, entry["pid"], Path(entry["log"]), entry["born"])
