"""The parts together: a control plane, a Redis, a Prometheus and any number of operators."""

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from . import chart
from .cluster import Cluster
from .control_plane import ControlPlane
from .lifetime import Lifetime
from .operator_process import Operator
from .processes import Launch, supervise
from .prometheus_server import PrometheusServer, ScrapeJob
from .redis_server import RedisServer

_JOBS = (ScrapeJob("operator"), ScrapeJob("app"))


@dataclass(frozen=True)
class Given:
    """Parts that somebody else runs, used instead of started."""

    kubeconfig: str | None = None
    redis_url: str | None = None
    prometheus_url: str | None = None


class Stack(Lifetime):
    """Everything the operator needs, for as long as the `with` block lasts.

    Args:
        directory: Where data, logs and kubeconfig files go; a temporary one by default.
        given: Parts that are not started.
        jobs: What Prometheus scrapes; the operators are the targets of job `operator`.
        interval: How often Prometheus scrapes.
        launch: How processes are started.
    """

    def __init__(
        self,
        directory: Path | None = None,
        *,
        given: Given = Given(),
        jobs: Sequence[ScrapeJob] = _JOBS,
        interval: str = "250ms",
        launch: Launch = supervise,
    ) -> None:
        self._temporary = directory is None
        self.directory = directory or Path(tempfile.mkdtemp(prefix="mlrollout-stack-"))
        self._given = given
        self._launch = launch
        self._stops = ExitStack()
        self.operators: list[Operator] = []
        self.control_plane = self._own_control_plane()
        self.redis = self._own_redis()
        self.prometheus = self._own_prometheus(jobs, interval)

    @property
    def cluster(self) -> Cluster:
        """The Kubernetes API, as its administrator."""
        if self.control_plane:
            return self.control_plane
        return Cluster(self._given.kubeconfig or "", self.directory)

    @property
    def redis_url(self) -> str:
        """The operator's Redis."""
        return self.redis.url if self.redis else self._given.redis_url or ""

    @property
    def prometheus_url(self) -> str:
        """The operator's Prometheus."""
        return self.prometheus.url if self.prometheus else self._given.prometheus_url or ""

    def start(self) -> Self:
        """Start the parts that are not given, one after the other."""
        try:
            for part in (self.control_plane, self.redis, self.prometheus):
                if part:
                    self._stops.callback(part.stop)
                    part.start()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop everything that was started, the operators first."""
        self._stops.close()
        if self._temporary:
            shutil.rmtree(self.directory, ignore_errors=True)

    def install(self, *values: str) -> None:
        """Apply the CRDs, and the ServiceAccount with the permissions that the chart gives it by these values."""
        chart.install_crds(self.cluster)
        chart.install_access(self.cluster, values)

    def start_operator(
        self,
        name: str = "operator",
        *,
        env: Mapping[str, str] | None = None,
        extra_args: Sequence[str] = (),
        lifetime: str = "24h",
        python: Path | None = None,
    ) -> Operator:
        """Start an operator under exactly its shipped permissions; `install` comes first."""
        account = (chart.NAMESPACE, chart.SERVICE_ACCOUNT, lifetime)
        settings = {
            "KUBECONFIG": str(self.cluster.kubeconfig_for(*account)),
            "MLROLLOUT_REDIS_URL": self.redis_url,
            "MLROLLOUT_PROMETHEUS_URL": self.prometheus_url,
            **(env or {}),
        }
        operator = Operator(
            self.directory / name,
            env=settings,
            arguments=extra_args,
            name=name,
            python=python,
            launch=self._launch,
        )
        self._stops.callback(operator.stop)
        operator.start()
        self.operators.append(operator)
        self._scrape_operators()
        return operator

    def _scrape_operators(self) -> None:
        if self.prometheus and any(job.name == "operator" for job in self.prometheus.jobs):
            addresses = [operator.address for operator in self.operators]
            self.prometheus.set_targets("operator", addresses)

    def _own_control_plane(self) -> ControlPlane | None:
        if self._given.kubeconfig:
            return None
        return ControlPlane(self.directory / "control-plane", launch=self._launch)

    def _own_redis(self) -> RedisServer | None:
        if self._given.redis_url:
            return None
        return RedisServer(self.directory / "redis", launch=self._launch)

    def _own_prometheus(self, jobs: Sequence[ScrapeJob], interval: str) -> PrometheusServer | None:
        if self._given.prometheus_url:
            return None
        folder = self.directory / "prometheus"
        return PrometheusServer(folder, jobs=jobs, interval=interval, launch=self._launch)
