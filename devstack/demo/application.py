"""The example application of examples/ml-dispatch as one part of the stack."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from prometheus_client.parser import text_string_to_metric_families

from devstack import web
from devstack.chart import REPOSITORY
from devstack.errors import UnansweredError
from devstack.processes import Launch, supervise
from devstack.servers import Server

EXAMPLE = REPOSITORY / "examples" / "ml-dispatch"
FEATURE = "ml_dispatch"
KEY = f"{FEATURE}:rollout_percentage"


@dataclass(frozen=True, slots=True)
class Requests:
    """The application's own counters.

    Attributes:
        control: Requests of users in control.
        treatment: Requests of users in treatment.
        failures: How many of the latter failed on the ML path.
    """

    control: float
    treatment: float
    failures: float

    @property
    def share(self) -> float | None:
        """Per cent that treatment got; None without requests."""
        total = self.control + self.treatment
        return 100 * self.treatment / total if total else None

    def __sub__(self, earlier: "Requests") -> "Requests":
        return Requests(
            self.control - earlier.control,
            self.treatment - earlier.treatment,
            self.failures - earlier.failures,
        )


class DispatchApp(Server):
    """One process with the dispatch service and its users.

    Args:
        redis_url: Where the percentage stands.
        rate: Requests per second.
        feature: How its key in Redis and its metrics begin.
        map_fails: The share of requests that fail on either path, since the map does not answer.
    """

    name: ClassVar[str] = "dispatch-app"

    def __init__(
        self,
        redis_url: str,
        directory: Path | None = None,
        *,
        rate: float = 200,
        feature: str = FEATURE,
        map_fails: float = 0.03,
        launch: Launch = supervise,
    ) -> None:
        super().__init__(directory, launch=launch)
        self._redis_url = redis_url
        self._rate = rate
        self._map_fails = map_fails
        self.feature = feature

    @property
    def address(self) -> str:
        """What Prometheus scrapes."""
        return f"127.0.0.1:{self.port}"

    def command(self) -> Sequence[str]:
        """The service, from the working copy."""
        options = {"name": self.feature, "port": self.port, "rate": self._rate, "map-fails": self._map_fails}
        told = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        return [sys.executable, "-m", "app", *told]

    def environment(self) -> Mapping[str, str]:
        """The URL goes by the environment: it may hold a password."""
        path = os.pathsep.join(filter(None, [str(EXAMPLE), os.environ.get("PYTHONPATH")]))
        return {"REDIS_URL": self._redis_url, "PYTHONPATH": path}

    def ready(self) -> bool:
        """Whether it serves."""
        return web.get(f"http://{self.address}/model") is not None

    def model(self) -> dict[str, Any]:
        """The deployed `revision`, its `percentage` of the users, and when its `first_failure` was."""
        return self._ask("/model")

    def deploy(self, revision: str) -> None:
        """Replace the model, as a release of the application would."""
        self._ask(f"/model?revision={revision}", method="POST")

    def dispatch(self, user: str) -> dict[str, Any]:
        """What this user gets: `group`, `path` and `vehicles`."""
        return self._ask(f"/dispatch?user={user}", method="POST")

    def metrics(self) -> str:
        """What Prometheus reads."""
        return self._read("/metrics")

    def requests(self) -> Requests:
        """The counters now."""
        counted = {
            (sample.labels["group"], sample.labels["status"]): sample.value
            for family in text_string_to_metric_families(self.metrics())
            for sample in family.samples
            if sample.name == f"{self.feature}_total"
        }
        failures = counted["treatment", "failure"]
        return Requests(
            control=counted["control", "success"] + counted["control", "failure"],
            treatment=counted["treatment", "success"] + failures,
            failures=failures,
        )

    def _ask(self, path: str, method: str = "GET") -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self._read(path, method))
        return answer

    def _read(self, path: str, method: str = "GET") -> str:
        answer = web.get(f"http://{self.address}{path}", method=method)
        if answer is None:
            raise UnansweredError(f"{self.title} did not answer {method} {path}; see {self.log}.")
        return answer.decode()
