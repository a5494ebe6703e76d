"""The examples for an application, under the servers that applications run under."""

import os
import sys
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import pytest

from devstack.servers import Server
from tests.components.assignment.place import Place, until

EXAMPLES = Path(__file__).parents[3] / "examples/in-your-application"


class Application(Server):
    """One of the examples, with two workers."""

    name: ClassVar[str] = "application"

    def __init__(self, redis_url: str, module: str, *arguments: str) -> None:
        super().__init__()
        self._redis_url = redis_url
        self._module = module
        self._arguments = arguments

    def command(self) -> Sequence[str]:
        return [sys.executable, "-m", self._module, *(argument.format(port=self.port) for argument in self._arguments)]

    def environment(self) -> dict[str, str]:
        return {
            "REDIS_URL": self._redis_url,
            "PYTHONPATH": os.pathsep.join([str(EXAMPLES), os.environ.get("PYTHONPATH", "")]),
        }

    def ready(self) -> bool:
        try:
            return bool(self.path())
        except OSError:
            return False

    def path(self) -> str:
        """Which path a user gets, of whichever worker answers."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/dispatch?user=kim", timeout=5) as answer:
            return str(answer.read().decode())


SERVERS = [
    ("gunicorn", "--preload", "--workers", "2", "--bind", "127.0.0.1:{port}", "flask_app:app"),
    ("gunicorn", "--workers", "2", "--bind", "127.0.0.1:{port}", "django_app:app"),
    ("uvicorn", "--workers", "2", "--port", "{port}", "fastapi_app:app"),
]


@pytest.mark.parametrize("command", SERVERS, ids=lambda command: command[-1].partition(":")[0])
def test_every_worker_follows(place: Place, command: tuple[str, ...]) -> None:
    place.put(100)
    with Application(place.server.url, *command) as application:
        until(lambda: _all(application, "ml"), "treatment from every worker")
        place.put(0, latched=True)
        until(lambda: _all(application, "legacy"), "control from every worker")


def _all(application: Application, path: str) -> bool:
    return all(path in application.path() for _ in range(12))
