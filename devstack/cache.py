"""The folder where prepared binaries stay: `$MLROLLOUT_CACHE` or the XDG cache.

`bin/<what>-<version>/` holds finished binaries only: they are made in a workshop on the
same file system and moved there by one rename, so what exists is complete.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .console import say


def root() -> Path:
    """The cache folder, which need not exist yet."""
    if own := os.environ.get("MLROLLOUT_CACHE"):
        return Path(own).expanduser().absolute()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "mlrollout"


def shelf(what: str) -> Path:
    """Where the finished binaries of one versioned thing stand."""
    return root() / "bin" / what


@contextmanager
def workshop(what: str) -> Iterator[Path]:
    """An empty folder to make `what` in, for one process at a time."""
    with _exclusive(what):
        folder = root() / "workshop" / what
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def publish(made: Path, target: Path) -> Path:
    """Move a finished file or folder to its place in one step."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_dir():
        shutil.rmtree(target)
    made.replace(target)
    return target


@contextmanager
def _exclusive(what: str) -> Iterator[None]:
    """Hold the lock of `what`; the kernel lets go of it however its holder ends."""
    locks = root() / "locks"
    locks.mkdir(parents=True, exist_ok=True)
    with (locks / what).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"Waiting for another process that is preparing {what}.")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
