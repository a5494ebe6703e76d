"""The store behind our kube-apiserver."""

from collections.abc import Sequence
from typing import ClassVar

from . import binaries, web
from .servers import Server


class Etcd(Server):
    """A single etcd that never waits for the disk."""

    name: ClassVar[str] = "etcd"

    @property
    def url(self) -> str:
        """What clients connect to."""
        return f"http://127.0.0.1:{self.port}"

    def command(self) -> Sequence[str]:
        """All its settings are flags."""
        return [
            str(binaries.path("etcd")),
            f"--data-dir={self.directory / 'data'}",
            f"--listen-client-urls={self.url}",
            f"--advertise-client-urls={self.url}",
            # Nobody joins, so any free port does.
            "--listen-peer-urls=http://127.0.0.1:0",
            "--unsafe-no-fsync",
            "--log-level=warn",
        ]

    def ready(self) -> bool:
        """Ready once it has elected itself."""
        return web.get(f"{self.url}/health") is not None
