"""What a demo is that runs before a person: it ends as a whole by any signal, and keeps its logs where it failed."""

import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from .console import say
from .errors import DevstackError

INTERRUPTED = 130
"""The exit code of what a person ended, as a shell has it for SIGINT."""


def play(demo: Callable[[], None]) -> int:
    """Play a demo to its end, or to the first thing that went wrong or any signal; the exit code."""
    _prepare()
    try:
        demo()
    except DevstackError as error:
        say(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        say("Everything is stopped.")
        return INTERRUPTED
    return 0


def _prepare() -> None:
    """Have every signal that ends us be an interrupt, and loopback addresses asked directly."""
    # Whatever signal ends us, what we started ends first. SIGINT too: a shell's background job ignores it.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    # A proxy of the environment has no way to our loopback addresses.
    direct = os.environ.get("no_proxy") or os.environ.get("NO_PROXY", "")
    os.environ["no_proxy"] = os.environ["NO_PROXY"] = f"{direct},127.0.0.1".lstrip(",")


def _interrupt(*_: object) -> NoReturn:
    """Say at once that a signal was heard: what it stops takes a moment."""
    # Not by `print`, which may be what it has interrupted.
    os.write(sys.stderr.fileno(), b"\nInterrupted: stopping everything.\n")
    raise KeyboardInterrupt


@contextmanager
def folder(prefix: str) -> Iterator[Path]:
    """A temporary folder for data and logs, which stays where something went wrong."""
    made = Path(tempfile.mkdtemp(prefix=prefix))
    try:
        yield made
    except Exception:
        say(f"The logs are kept in {made}.")
        raise
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise
    shutil.rmtree(made, ignore_errors=True)
