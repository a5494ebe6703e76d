"""A server of a test's own: a real process, on a real Redis."""

import http.client
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import yaml
from mlrollout.server.auth.tokens import new

from devstack import web
from devstack.servers import Server
from tests.components.assignment.place import BEGUN, KEY, Place

NAME = "ml-dispatch"
FLAG = f"/ofrep/v1/evaluate/flags/{NAME}"
FLAGS = "/ofrep/v1/evaluate/flags"
EVENTS = "/ofrep/v1/events"
ORIGIN = "https://dispatch.example.com"
KIM = {"context": {"targetingKey": "kim"}}
APP, APP_LINE = new("dispatch", ["assign"])
ADMIN, ADMIN_LINE = new("ops", ["admin"])


class HttpServer(Server):
    """`mlrollout server`.

    Args:
        redis_url: The Redis.
        config: What its file says beside where it listens and which tokens there are.
        tokens: The lines of its file of tokens; none for no file.
    """

    name: ClassVar[str] = "server"

    def __init__(self, redis_url: str, config: Mapping[str, object] | None = None, tokens: Sequence[str] = ()) -> None:
        super().__init__()
        self.redis_url = redis_url
        self.config = {"rollouts": [{"name": NAME, "key": KEY}], **(config or {})}
        self.tokens = tokens

    @property
    def url(self) -> str:
        """The address at which the server answers."""
        return f"http://127.0.0.1:{self.port}"

    def command(self) -> Sequence[str]:
        """Write the server's files; answers with the command that starts it."""
        told = {"listen": f"127.0.0.1:{self.port}", **self.config}
        if self.tokens:
            file = self.directory / "tokens.yaml"
            file.write_text("\n".join(self.tokens))
            told["tokens"] = str(file)
        config = self.directory / "server.yaml"
        config.write_text(yaml.safe_dump(told))
        return [sys.executable, "-m", "mlrollout", "server", "--config", str(config)]

    def environment(self) -> Mapping[str, str]:
        """The environment, which names the server's Redis."""
        return {"MLROLLOUT_REDIS_URL": self.redis_url, "PYTHONUNBUFFERED": "1"}

    def ready(self) -> bool:
        """Ready when it says so itself."""
        return web.get(f"{self.url}/readyz") is not None

    def ask(self, method: str, path: str, body: object = None, *, token: str | None = APP, **headers: str) -> "Answer":
        """One request; `body` is bytes as they are, or anything else as JSON. Headers have `_` for `-`."""
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        if token:
            told.setdefault("Authorization", f"Bearer {token}")
        if body is not None:
            told.setdefault("Content-Type", "application/json")
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)) as connection:
            connection.request(method, path, data, told)
            response = connection.getresponse()
            return Answer(response.status, dict(response.getheaders()), response.read())

    def flag(self, user_id: str = "kim", **headers: str) -> dict[str, Any]:
        """One evaluation that succeeds."""
        answer = self.ask("POST", FLAG, {"context": {"targetingKey": user_id}}, **headers)
        assert answer.status == 200, answer
        found: dict[str, Any] = answer.json
        return found

    def logged(self, event: str) -> list[dict[str, Any]]:
        """The lines of its log with this event."""
        lines = [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]
        return [line for line in lines if line["event"] == event]


@dataclass(frozen=True)
class Answer:
    """What the server answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        assert self.headers["Content-Type"] in {"application/json", "application/problem+json"}
        return json.loads(self.body)


@contextmanager
def served(
    redis_url: str, config: Mapping[str, object] | None = None, tokens: Sequence[str] = ()
) -> Iterator[HttpServer]:
    """A server that runs as long as the block."""
    with HttpServer(redis_url, config, tokens) as running:
        yield running


def everybody(place: Place) -> int:
    """Put everybody in treatment, above what an earlier test has left: a client goes back to no lesser record."""
    attempt = int(place.redis.incr("attempt"))
    place.record = replace(BEGUN, attempt=attempt)
    place.put(100)
    return attempt


def standing(server: HttpServer) -> tuple[int, float]:
    """Attempt and percentage, as the server knows them."""
    metadata = server.flag()["metadata"]
    return metadata.get("attempt", 0), metadata["percentage"]
