"""The learner of examples/ml-dispatch as one part of the stack."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from devstack import web
from devstack.commands import run
from devstack.dispatch.service import EXAMPLE, PYTHON
from devstack.errors import DevstackError
from devstack.servers import Server


class LearnerProcess(Server):
    """One process of `python -m learner`, and the tools that come with it.

    Args:
        registry: Where MLflow is.
        models: The folder of the models' files.
        database: Where the service's outcomes are.
        patience: Seconds that a candidate has, before there may be another.
    """

    name: ClassVar[str] = "learner"

    def __init__(self, registry: str, models: Path, database: str, directory: Path, *, patience: float) -> None:
        super().__init__(directory)
        self._registry = registry
        self._models = models
        self._database = database
        self._patience = patience

    @property
    def address(self) -> str:
        """What Prometheus scrapes."""
        return f"127.0.0.1:{self.port}"

    def command(self) -> Sequence[str]:
        """The learner, from the working copy."""
        told = {"port": self.port, "kept": self.directory / "learner.json", "interval": 1, "patience": self._patience}
        told |= {"registry": self._registry, "models": self._models}
        return [
            str(PYTHON),
            "-m",
            "learner",
            *(str(word) for name, value in told.items() for word in (f"--{name}", value)),
        ]

    def environment(self) -> Mapping[str, str]:
        """Where its package and the outcomes are."""
        path = os.pathsep.join(filter(None, [str(EXAMPLE), os.environ.get("PYTHONPATH")]))
        return {"DATABASE_URL": self._database, "PYTHONPATH": path}

    def ready(self) -> bool:
        """Whether its metrics can be read."""
        return web.get(f"http://{self.address}/metrics") is not None

    def pretend(self, kind: str) -> Path:
        """A model that was taught by this kind of truth, as a file: see examples/ml-dispatch/learner/pretend.py."""
        return Path(self._tool("pretend", kind, "--folder", str(self.directory)))

    def enrol(self, model: Path, *aliases: str) -> str:
        """Register a model by hand; answers with its version."""
        told = [word for alias in aliases for word in ("--alias", alias)]
        return self._tool("enrol", str(model), "--registry", self._registry, "--models", str(self._models), *told)

    def _tool(self, module: str, *arguments: str) -> str:
        ran = run([PYTHON, "-m", f"learner.{module}", *arguments], env=dict(self.environment()))
        if ran.returncode:
            raise DevstackError(f"learner.{module}: {ran.stderr.strip()}")
        return ran.stdout.strip()
