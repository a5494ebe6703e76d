"""Calling the A/B API as those who have a token."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlrollout.server.auth.tokens import new

from tests.components.server.place import Answer, HttpServer

NAME = "ml-dispatch"
BASE = f"/api/{NAME}"
APP, _APP_LINE = new("dispatch", ["assign", "rate"])
VIEWER, _VIEWER_LINE = new("dashboard", ["view"])
ADMIN, _ADMIN_LINE = new("ops", ["admin"])
ALL_LINES = [_APP_LINE, _VIEWER_LINE, _ADMIN_LINE]
MUTATING = ("ab-test/rollout", "ab-test/rollback", "ab-test/satisfaction", "ab-test/rating-ticket")
GOOD_BODY: dict[str, dict[str, object]] = {
    "ab-test/rollout": {"percentage": 0},
    "ab-test/rollback": {"reason": "complaints"},
    "ab-test/satisfaction": {"dispatch_id": "d-1", "rating": 4, "user_id": "kim"},
    "ab-test/rating-ticket": {"dispatch_id": "d-1", "user_id": "kim"},
}
ROLE = {"ab-test/rollout": ADMIN, "ab-test/rollback": ADMIN, "ab-test/satisfaction": APP, "ab-test/rating-ticket": APP}
"""Whose token each takes."""


@dataclass
class Api:
    """The API of one rollout of a server."""

    server: HttpServer
    base: str = BASE

    def get(self, path: str, *, token: str | None = APP, **headers: str) -> Answer:
        return self.server.ask("GET", f"{self.base}/{path}", token=token, **headers)

    def post(self, path: str, body: object, *, token: str | None = ADMIN, **headers: str) -> Answer:
        return self.server.ask("POST", f"{self.base}/{path}", body, token=token, **headers)

    def assigned(self, user_id: str) -> dict[str, Any]:
        answer = self.get(f"ab-test/assignment?user_id={user_id}")
        assert answer.status == 200, answer
        found: dict[str, Any] = answer.json
        return found

    def stats(self) -> dict[str, Any]:
        answer = self.get("ab-test/stats", token=VIEWER)
        assert answer.status == 200, answer
        found: dict[str, Any] = answer.json
        return found

    def rate(self, user_id: str | int, rating: object, dispatch: str = "d-1") -> Answer:
        return self.post(
            "ab-test/satisfaction", {"user_id": user_id, "rating": rating, "dispatch_id": dispatch}, token=APP
        )

    def sample(self, name: str) -> float:
        """One of the server's own metrics."""
        text = self.server.ask("GET", "/metrics", token=None).body.decode()
        return next(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(f"{name} "))


class ClusterServer(HttpServer):
    """A server that is told of a cluster.

    Args:
        redis_url: The Redis.
        kubeconfig: How it logs in there.
        config: As for any.
        tokens: Likewise.
    """

    def __init__(
        self, redis_url: str, kubeconfig: Path | str, config: Mapping[str, object], tokens: Sequence[str] = ()
    ) -> None:
        super().__init__(redis_url, config, tokens)
        self.kubeconfig = kubeconfig

    def environment(self) -> Mapping[str, str]:
        """Its Redis and its cluster."""
        return {**super().environment(), "KUBECONFIG": str(self.kubeconfig)}
