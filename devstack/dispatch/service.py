"""The dispatch service of examples/ml-dispatch as one part of the stack."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from devstack import web
from devstack.chart import REPOSITORY
from devstack.processes import Launch, supervise
from devstack.servers import Server

EXAMPLE = REPOSITORY / "examples" / "ml-dispatch"
PYTHON = REPOSITORY / ".venv-dispatch" / "bin" / "python"
"""The example's own environment: `make .venv-dispatch/ready`."""


class DispatchService(Server):
    """One process of `python -m dispatch`, with a database of its own unless another is given.

    Args:
        redis_url: Where the percentage stands.
        options: Further options of the service, by their names without dashes; `None` for one that takes no value.
        database: Its URL.
        python: Which Python runs it.

    Attributes:
        database: Its URL.
    """

    name: ClassVar[str] = "dispatch"

    def __init__(
        self,
        redis_url: str,
        directory: Path | None = None,
        *,
        options: Mapping[str, object] | None = None,
        database: str | None = None,
        python: Path = PYTHON,
        launch: Launch = supervise,
    ) -> None:
        super().__init__(directory, launch=launch)
        self._redis_url = redis_url
        self._options = dict(options or {})
        self.database = database or f"sqlite:///{self.directory / 'dispatch.db'}"
        self._python = python

    @property
    def url(self) -> str:
        """Where a browser finds it: by a name that the flag server's origins know."""
        return f"http://{self.address}"

    @property
    def address(self) -> str:
        """What Prometheus scrapes."""
        return f"127.0.0.1:{self.port}"

    def command(self) -> Sequence[str]:
        """The service, from the working copy."""
        told = {"port": self.port, "secret": self.directory / "cookies.key", **self._options}
        words = [word for name, value in told.items() for word in (f"--{name}", value) if word is not None]
        return [str(self._python), "-m", "dispatch", *map(str, words)]

    def environment(self) -> Mapping[str, str]:
        """URLs go by the environment: they may hold passwords."""
        path = os.pathsep.join(filter(None, [str(EXAMPLE), os.environ.get("PYTHONPATH")]))
        return {"REDIS_URL": self._redis_url, "DATABASE_URL": self.database, "PYTHONPATH": path}

    def ready(self) -> bool:
        """Whether it serves."""
        return web.get(f"{self.url}/readyz") is not None
