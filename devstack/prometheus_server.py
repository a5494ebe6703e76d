"""A Prometheus of our own, fast enough for tests that wait for evidence."""

import json
import urllib.parse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from . import binaries, web
from .errors import DevstackError, UnansweredError
from .files import replace_text
from .processes import Launch, supervise
from .servers import Server


@dataclass(frozen=True)
class ScrapeJob:
    """A job whose targets are set while Prometheus runs.

    Attributes:
        name: The value of the label `job`.
        interval: How often its targets are scraped; the server's own where left out.
        path: Where its targets serve their metrics.
        relabelings: What is done to the labels of its series, as in `metric_relabel_configs`.
    """

    name: str
    interval: str | None = None
    path: str = "/metrics"
    relabelings: Sequence[Mapping[str, Any]] = ()


class PrometheusServer(Server):
    """One Prometheus; `set_targets` and `reload` change what it scrapes.

    Prometheus itself looks at changed targets every five seconds at most, also
    right after its start; what is scraped from then on comes at the interval.

    Args:
        jobs: What is scraped; each job's targets are empty at first.
        interval: How often targets are scraped, down to some 100 ms.
        arguments: Further command line flags.

    Attributes:
        rules: Files of rules, which are evaluated at the interval as well.
    """

    name: ClassVar[str] = "prometheus"

    def __init__(
        self,
        directory: Path | None = None,
        *,
        jobs: Sequence[ScrapeJob] = (ScrapeJob("app"),),
        interval: str = "250ms",
        arguments: Sequence[str] = (),
        name: str | None = None,
        launch: Launch = supervise,
    ) -> None:
        super().__init__(directory, name=name, launch=launch)
        self.jobs = list(jobs)
        self.interval = interval
        self.rules: list[Path] = []
        self._arguments = tuple(arguments)

    @property
    def url(self) -> str:
        """What clients connect to."""
        return f"http://127.0.0.1:{self.port}"

    def targets_file(self, job: str) -> Path:
        """The file with a job's targets, in the format of `file_sd_configs`."""
        return self.directory / "targets" / f"{job}.json"

    def set_targets(self, job: str, targets: Sequence[str], labels: Mapping[str, str] | None = None) -> None:
        """Scrape these `host:port` addresses as that job from now on."""
        file = self.targets_file(job)
        file.parent.mkdir(exist_ok=True)
        replace_text(file, json.dumps([{"targets": list(targets), "labels": dict(labels or {})}]))

    def reload(self) -> None:
        """Apply changed `jobs`, `rules` and `interval` to the running server."""
        self._configure()
        if web.get(f"{self.url}/-/reload", method="POST", timeout=10) is None:
            raise DevstackError(f"{self.title} refused its new configuration; see {self.log}.")

    def query(self, promql: str) -> list[dict[str, Any]]:
        """The samples that an instant query answers with."""
        result: list[dict[str, Any]] = self._ask(f"query?{urllib.parse.urlencode({'query': promql})}")["result"]
        return result

    def alerts(self) -> list[dict[str, Any]]:
        """The alerts that its rules make, pending ones as well."""
        alerts: list[dict[str, Any]] = self._ask("alerts")["alerts"]
        return alerts

    def _ask(self, question: str) -> dict[str, Any]:
        answer = web.get(f"{self.url}/api/v1/{question}")
        if answer is None:
            raise UnansweredError(f"{self.title} did not answer {question}.")
        data: dict[str, Any] = json.loads(answer)["data"]
        return data

    def command(self) -> Sequence[str]:
        """Write the configuration, and the flags."""
        return [
            str(binaries.path("prometheus")),
            f"--config.file={self._configure()}",
            f"--web.listen-address=127.0.0.1:{self.port}",
            f"--storage.tsdb.path={self.directory / 'data'}",
            "--web.enable-lifecycle",
            # Undocumented; without it a changed target waits for five seconds more.
            "--scrape.discovery-reload-interval=250ms",
            *self._arguments,
        ]

    def ready(self) -> bool:
        """Ready when it answers queries."""
        return web.get(f"{self.url}/-/ready") is not None

    def _configure(self) -> Path:
        """Write the configuration as JSON, which is YAML too."""
        for job in self.jobs:
            if not self.targets_file(job.name).exists():
                self.set_targets(job.name, [])
        config = {
            "global": {
                "scrape_interval": self.interval,
                "scrape_timeout": self.interval,
                "evaluation_interval": self.interval,
            },
            "rule_files": [str(file) for file in self.rules],
            "scrape_configs": [self._job(job) for job in self.jobs],
        }
        file = self.directory / "prometheus.yml"
        file.write_text(json.dumps(config, indent=2))
        return file

    def _job(self, job: ScrapeJob) -> dict[str, Any]:
        interval = job.interval or self.interval
        return {
            "job_name": job.name,
            "metrics_path": job.path,
            "scrape_interval": interval,
            "scrape_timeout": interval,
            "metric_relabel_configs": list(job.relabelings),
            "file_sd_configs": [{"files": [str(self.targets_file(job.name))], "refresh_interval": "1s"}],
        }
