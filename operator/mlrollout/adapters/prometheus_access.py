"""What a Prometheus of somebody's own choice is shown: the files of one folder, as Kubernetes mounts a Secret."""

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import structlog

from .http.access import AGAIN, FILES, Access, UnusableAccessError, access_of, nothing

log = structlog.get_logger(__name__)

VARIABLE = "MLROLLOUT_PROMETHEUS_AUTH"
"""Names the folder, for every program that asks a Prometheus of its own choice."""


def by_environment() -> Callable[[], Access]:
    """What the folder shows that the environment names; nothing where it names none.

    For a Prometheus that whoever runs the process has chosen, and no other.

    Raises:
        UnusableAccessError: What is in it can't be used.
    """
    folder = os.environ.get(VARIABLE)
    if not folder:
        return nothing
    try:
        return AccessFolder(Path(folder)).current
    except UnusableAccessError as error:
        raise UnusableAccessError(f"{VARIABLE}: {error}") from None


class AccessFolder:
    """The files of one folder, see `access_of`.

    Args:
        folder: Where they are.
        now: A clock for durations.

    Raises:
        UnusableAccessError: They can't be used.
    """

    def __init__(self, folder: Path, now: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self._now = now
        self._contents = _contents(folder)
        self._access = access_of(str(folder), self._contents)
        self._looked = now()
        self._refused: Mapping[str, bytes] = {}

    def current(self) -> Access:
        """What the files say now; where they can't be used just now, what they said before."""
        if self._now() - self._looked < AGAIN:
            return self._access
        self._looked = self._now()
        try:
            contents = _contents(self._folder)
            if contents not in (self._contents, self._refused):
                self._refused = contents
                self._access, self._contents = access_of(str(self._folder), contents), contents
                log.info("Read what Prometheus is shown again", folder=str(self._folder))
        except UnusableAccessError as error:
            log.warning("What Prometheus is shown can't be used; going on with what it was before", error=str(error))
        return self._access


def _contents(folder: Path) -> Mapping[str, bytes]:
    if not folder.is_dir():
        raise UnusableAccessError(f"{folder} is no folder: mount the Secret there")
    try:
        return {name: (folder / name).read_bytes() for name in FILES if (folder / name).exists()}
    except OSError as error:
        raise UnusableAccessError(f"{folder} can't be read ({error.strerror}): see its rights") from None
