"""The operator as users run it, from the working copy, outside the cluster."""

import importlib.util
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from . import web
from .errors import MissingError
from .processes import Launch, supervise
from .servers import Server


class Operator(Server):
    """One operator process; several of them elect a leader.

    Args:
        env: Its configuration, laid over our own environment.
        arguments: Further command line arguments.
        python: The Python of another version of the operator; by default the one that runs this.
    """

    name: ClassVar[str] = "operator"

    def __init__(
        self,
        directory: Path | None = None,
        *,
        env: Mapping[str, str],
        arguments: Sequence[str] = (),
        name: str | None = None,
        python: Path | None = None,
        launch: Launch = supervise,
    ) -> None:
        super().__init__(directory, name=name, launch=launch)
        self._env = dict(env)
        self._arguments = tuple(arguments)
        self._python = python

    @property
    def url(self) -> str:
        """Where `/livez`, `/readyz` and `/metrics` are served."""
        return f"http://{self.address}"

    @property
    def address(self) -> str:
        """The host and port of `url`."""
        return f"127.0.0.1:{self.port}"

    def command(self) -> Sequence[str]:
        """The command of the image, with our own Python."""
        if self._python is None and importlib.util.find_spec("mlrollout") is None:
            raise MissingError(
                "This Python cannot import mlrollout.",
                meaning="The operator is started with the Python that runs this command.",
                remedy="Start it with `make up`, which uses the virtual environment and makes it first.",
            )
        return [str(self._python or sys.executable), "-m", "mlrollout", "operator", *self._arguments]

    def environment(self) -> Mapping[str, str]:
        """Its settings, and an address for its own HTTP server."""
        return {"PYTHONUNBUFFERED": "1", "MLROLLOUT_LISTEN": self.address, **self._env}

    def ready(self) -> bool:
        """Ready when it says so itself."""
        return web.get(f"{self.url}/readyz") is not None
