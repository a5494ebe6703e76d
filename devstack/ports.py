"""Free loopback ports that stay ours while a server is down for a moment.

They come from below the range that the kernel hands out for outgoing connections, and
a lock file per port keeps parallel test workers apart, so a server that was killed can
come back on its port. A port that a stranger takes all the same is given up by `renew`.
"""

import fcntl
import json
import os
import random
import socket
import tempfile
import threading
from pathlib import Path
from typing import TextIO

_RANGE = range(20000, 32000)


class Ports:
    """Ports by name; with a file, the same ones again the next time."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._known: dict[str, int] = json.loads(file.read_text()) if file.exists() else {}
        self._locks: list[TextIO] = []
        # Who waits for a server asks for its port while another thread starts it: both must be told the same one.
        self._choosing = threading.Lock()

    def get(self, name: str) -> int:
        """The port of that name, chosen at the first call."""
        with self._choosing:
            if name not in self._known:
                port, lock = _lease()
                self._locks.append(lock)
                self._known[name] = port
                self._file.write_text(json.dumps(self._known))
            return self._known[name]

    def renew(self) -> None:
        """Forget the ports: one of them is somebody else's now."""
        self.release()
        self._known.clear()

    def release(self) -> None:
        """Let other processes choose these ports."""
        for lock in self._locks:
            lock.close()
        self._locks.clear()


def _lease() -> tuple[int, TextIO]:
    """A port that nobody listens on, and the lock that keeps it ours."""
    folder = Path(tempfile.gettempdir(), f"mlrollout-ports-{os.getuid()}")
    folder.mkdir(mode=0o700, exist_ok=True)
    while True:
        port = random.choice(_RANGE)  # noqa: S311  (no secret)
        lock = (folder / str(port)).open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", port))
        except OSError:
            lock.close()
        else:
            return port, lock
