"""The live dashboard of the demo, for whoever wants to watch it in a browser: `DASHBOARD=0` leaves it out."""

import os
import re
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import ClassVar

from devstack.servers import Server
from devstack.stack import Stack

_ADDRESS = re.compile(r"^http://\S+$", re.MULTILINE)
_CONFIG = "window: 1m\ninterval: 5s\n"
"""The demo's figures change within seconds."""


class Dashboard(Server):
    """`mlrollout dashboard`, as the stack's administrator.

    Args:
        stack: What it shows.
        directory: Where its file and its log go.
    """

    name: ClassVar[str] = "dashboard"

    def __init__(self, stack: Stack, directory: Path) -> None:
        super().__init__(directory)
        self._kubeconfig = stack.cluster.kubeconfig
        self._prometheus = stack.prometheus_url

    def command(self) -> Sequence[str]:
        """Write its configuration; answers with the command that starts it."""
        config = self.directory / "dashboard.yaml"
        config.write_text(_CONFIG)
        told = ("--port", str(self.port), "--prometheus", self._prometheus, "--config", str(config))
        return [sys.executable, "-m", "mlrollout", "dashboard", "--no-open", *told]

    def environment(self) -> Mapping[str, str]:
        """Whose eyes it has."""
        return {"KUBECONFIG": str(self._kubeconfig), "PYTHONUNBUFFERED": "1"}

    def ready(self) -> bool:
        """Whether it has said where it is."""
        return bool(self.address)

    @property
    def address(self) -> str:
        """Where a person enters it, once; empty until it has said so."""
        found = _ADDRESS.search(self.log.read_text()) if self.log.exists() else None
        return found[0] if found else ""


def watched(stack: Stack, directory: Path, parts: ExitStack) -> str:
    """Start one, unless `DASHBOARD=0`; answers with what is to be said of it."""
    if os.environ.get("DASHBOARD") == "0":
        return ""
    address = parts.enter_context(Dashboard(stack, directory)).address
    return f"Watch it in a browser, as long as it runs; this address works once: {address}"
