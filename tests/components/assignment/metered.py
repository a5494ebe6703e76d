"""The metered application as a server, and what its metrics show."""

import math
import os
import re
import sys
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from devstack.servers import Server

CALLS = {
    ("treatment", "success"): 6,
    ("treatment", "failure"): 2,
    ("control", "success"): 5,
}


class Metered(Server):
    """Gunicorn with the application."""

    name: ClassVar[str] = "metered"

    def __init__(self, workers: int = 1, *, preload: bool = False) -> None:
        super().__init__()
        self._workers = workers
        self._preload = preload

    @property
    def address(self) -> str:
        """What Prometheus scrapes."""
        return f"127.0.0.1:{self.port}"

    def command(self) -> Sequence[str]:
        config = Path(__file__).with_name("metered_app.py")
        return [sys.executable, "-m", "gunicorn", "--config", str(config), "metered_app:app"]

    def environment(self) -> dict[str, str]:
        told = {
            "WORKERS": str(self._workers),
            "PRELOAD": "yes" if self._preload else "",
            "BIND": self.address,
            "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]),
        }
        if self._workers > 1:
            folder = self.directory / "metrics"
            folder.mkdir(exist_ok=True)
            told["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
        return told

    def ready(self) -> bool:
        try:
            return bool(self.get("/metrics"))
        except OSError:
            return False

    def get(self, path: str) -> tuple[int, str]:
        """The process that answered, and its answer."""
        with urllib.request.urlopen(f"http://{self.address}{path}", timeout=20) as answer:
            return int(answer.headers["Worker"]), str(answer.read().decode())

    def call(self, group: str, outcome: str) -> int:
        """The process that answered a call."""
        worker, answer = self.get(f"/call/{group}/{outcome}")
        assert answer == ("ml" if (group, outcome) == ("treatment", "success") else "legacy")
        return worker

    def values(self) -> dict[str, float]:
        """Every series and its value."""
        return read(self.get("/metrics")[1])


def read(text: str) -> dict[str, float]:
    """Every series of a scrape, but those of the process itself, and its value."""
    return {name: float(value) for name, value in re.findall(r"^(ml_dispatch\S+) (\S+)$", text, re.MULTILINE)}


def rate(values: dict[str, float], group: str = "treatment") -> float:
    """A group's error rate."""
    return values.get(f'ml_dispatch_error_rate{{group="{group}"}}', math.nan)


def total(values: dict[str, float], group: str, status: str) -> float:
    """A group's calls."""
    return values[f'ml_dispatch_total{{group="{group}",status="{status}"}}']
