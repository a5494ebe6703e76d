"""What a demo is that runs before a person: it ends as a whole by any signal, and keeps its logs where it failed."""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .console import say


def prepare() -> None:
    """Have every signal that ends us be an interrupt, and loopback addresses asked directly."""
    # Whatever signal ends us, what we started ends first. SIGINT too: a shell's background job ignores it.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    # A proxy of the environment has no way to our loopback addresses.
    direct = os.environ.get("no_proxy") or os.environ.get("NO_PROXY", "")
    os.environ["no_proxy"] = os.environ["NO_PROXY"] = f"{direct},127.0.0.1".lstrip(",")


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
