"""`mlrollout server` beside the dispatch service: the group for its page, the A/B API and monitoring for its people."""

import secrets
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import yaml
from mlrollout.server.auth.tokens import new

from devstack import web
from devstack.servers import Server
from devstack.stack import Stack


class FlagServer(Server):
    """One server for the rollout `ml-dispatch`.

    Args:
        stack: Whose Redis, Prometheus and cluster it asks, as the stack's administrator.

    Attributes:
        origins: Of the pages that may ask it.
        token: With the role `admin`, for the A/B API.
    """

    name: ClassVar[str] = "flags"

    def __init__(self, stack: Stack, directory: Path) -> None:
        super().__init__(directory)
        self._stack = stack
        self.origins: list[str] = []
        self.token, self._line = new("demo", ["admin"])
        self.session_key = self.directory / "session.key"
        self.session_key.write_text(secrets.token_hex(32))

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def command(self) -> Sequence[str]:
        """Write its configuration; answers with the command that starts it."""
        (self.directory / "tokens.yaml").write_text(self._line)
        config = self.directory / "server.yaml"
        config.write_text(yaml.safe_dump(self._configuration()))
        return [sys.executable, "-m", "mlrollout", "server", "--config", str(config)]

    def _configuration(self) -> dict[str, object]:
        rollout = {
            "name": "ml-dispatch",
            "key": "ml_dispatch:rollout_percentage",
            "salt": "ml_dispatch_v1",
            "metrics": "ml_dispatch",
            "object": {"namespace": "dispatch", "name": "ml-dispatch"},
        }
        return {
            "listen": f"127.0.0.1:{self.port}",
            "rollouts": [rollout],
            "prometheus": self._stack.prometheus_url,
            "tokens": str(self.directory / "tokens.yaml"),
            "sessions": {"algorithm": "HS256", "key": str(self.session_key)},
            "origins": self.origins,
        }

    def environment(self) -> Mapping[str, str]:
        """Where Redis and the cluster are."""
        return {"MLROLLOUT_REDIS_URL": self._stack.redis_url, "KUBECONFIG": self._stack.cluster.kubeconfig}

    def ready(self) -> bool:
        """Whether it says so itself."""
        return web.get(f"{self.url}/readyz") is not None
