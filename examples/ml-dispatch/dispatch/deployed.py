"""The model that this process serves: one that it was deployed with, or whichever the rollout names."""

import re
from pathlib import Path
from typing import Protocol

from mlrollout import Rollout

from .model import Model, ModelError, load

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
"""What a revision is that can name a file: nothing that leads out of the folder."""
NONE_YET = "none-yet"


class Served(Protocol):
    """The model, which may be broken: the service runs all the same, and its ML path fails."""

    @property
    def revision(self) -> str:
        """What the rollout calls what is served now."""

    def model(self, revision: str) -> Model:
        """The model of this revision; a file that could not be read is tried again.

        Raises:
            ModelError: It can't be loaded.
        """


class Deployed:
    """One file, for as long as the process runs.

    Args:
        file: The model, named after its revision. So the revision is known even where the file can't be read, and its
            failures are counted against it.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._model: Model | None = None

    @property
    def revision(self) -> str:
        """What the rollout calls it."""
        return self._file.stem

    def model(self, revision: str) -> Model:  # noqa: ARG002 - it serves no other
        """The model, as `Served` says."""
        if self._model is None:
            self._model = load(self._file)
        return self._model


class Named:
    """Whichever model the rollout names, from a folder that holds each as `<revision>.json`.

    What one revision has earned is given to no other, since what is served is what the record names, and nothing else.
    A decision and the model belong together only where the revision is the same before and after it: whoever asks
    looks twice.

    Args:
        folder: The models. A version is written there before any rollout can name it.
        rollout: Made without a revision: it is not this process that runs one.
    """

    def __init__(self, folder: Path, rollout: Rollout) -> None:
        self._folder = folder
        self._rollout = rollout
        self._model: Model | None = None

    @property
    def revision(self) -> str:
        """What the rollout names now."""
        record = self._rollout.state.record
        return record.revision if record is not None and record.revision else NONE_YET

    def model(self, revision: str) -> Model:
        """The model, as `Served` says."""
        held = self._model
        if held is None or held.revision != revision:
            if NAME.fullmatch(revision) is None:
                raise ModelError(f"the revision {revision[:63]!r} can't be a file's name")
            held = self._model = load(self._folder / f"{revision}.json")
        return held
