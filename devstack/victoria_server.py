"""A VictoriaMetrics of our own: another server of Prometheus' API, with a dialect of its own."""

import json
import urllib.parse
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from . import binaries, web
from .errors import UnansweredError
from .processes import Launch, supervise
from .servers import Server


class VictoriaServer(Server):
    """One VictoriaMetrics.

    Args:
        targets: What it scrapes, as `host:port`.
        interval: How often.
        arguments: Further command line flags.
    """

    name: ClassVar[str] = "victoria-metrics"

    def __init__(
        self,
        directory: Path | None = None,
        *,
        targets: Sequence[str] = (),
        interval: str = "250ms",
        arguments: Sequence[str] = (),
        launch: Launch = supervise,
    ) -> None:
        super().__init__(directory, launch=launch)
        self._targets = list(targets)
        self._interval = interval
        self._arguments = tuple(arguments)

    @property
    def url(self) -> str:
        """What clients connect to."""
        return f"http://127.0.0.1:{self.port}"

    def query(self, promql: str) -> list[dict[str, Any]]:
        """The samples that an instant query answers with."""
        answer = web.get(f"{self.url}/api/v1/query?{urllib.parse.urlencode({'query': promql})}")
        if answer is None:
            raise UnansweredError(f"{self.title} did not answer the query {promql!r}.")
        result: list[dict[str, Any]] = json.loads(answer)["data"]["result"]
        return result

    def command(self) -> Sequence[str]:
        """Write what is scraped, and the flags."""
        job = {"job_name": "app", "scrape_interval": self._interval, "static_configs": [{"targets": self._targets}]}
        file = self.directory / "scrape.yml"
        file.write_text(json.dumps({"scrape_configs": [job]}))
        return [
            str(binaries.path("victoria-metrics")),
            f"-httpListenAddr=127.0.0.1:{self.port}",
            f"-storageDataPath={self.directory / 'data'}",
            f"-promscrape.config={file}",
            *self._arguments,
        ]

    def ready(self) -> bool:
        """Ready when it says so."""
        return web.get(f"{self.url}/health") is not None
