"""The model that this process serves."""

from pathlib import Path

from .model import Model, load


class Deployed:
    """A model's file, which may be broken: the service runs all the same, and its ML path fails.

    Args:
        file: The model, named after its revision. So the revision is known even where the file can't be read, and its
            failures are counted against it.

    Attributes:
        revision: What the rollout calls it.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._model: Model | None = None
        self.revision = file.stem

    def model(self) -> Model:
        """The model; a file that could not be read is tried again.

        Raises:
            ModelError: It can't be loaded.
        """
        if self._model is None:
            self._model = load(self._file)
        return self._model
