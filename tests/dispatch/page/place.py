"""The dispatch example as it runs: its service, `mlrollout server` and Redis, each a real process."""

import http.client
import json
import secrets
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

from mlrollout import Group
from mlrollout.assignment.bucket import group

from devstack.dispatch.service import EXAMPLE, DispatchService
from devstack.redis_server import RedisServer
from tests.components.assignment.place import BEGUN, KEY, Place, placed, until
from tests.components.server.place import NAME, HttpServer

BUILT = EXAMPLE / "page" / "dist"
MODEL = EXAMPLE / "models" / "ranker-1.json"
SALT = "ml_dispatch_v1"
HALF = 50


class Service(DispatchService):
    """The example's service, with a page of its own that a test may deploy anew.

    Args:
        redis_url: The Redis.
        flags: The flag server's address.
        key: What its users' sessions are signed with.
        folder: Where its data and its page go.
    """

    def __init__(self, redis_url: str, flags: str, key: Path, folder: Path) -> None:
        self.page = folder / "page"
        shutil.copytree(BUILT, self.page)
        options = {"ofrep": flags, "ofrep-key": key, "page": self.page, "model": MODEL, "faults": None}
        super().__init__(redis_url, folder / "service", options=options)

    def ask(self, method: str, path: str, body: object = None, user: str | None = None) -> tuple[int, Any]:
        """One request, as a user who signs in for it; answers with the status and the JSON."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)) as connection:
            headers = {"Content-Type": "application/json"}
            if user is not None:
                connection.request("POST", "/api/session", json.dumps({"user_id": user}), headers)
                signed = connection.getresponse()
                signed.read()
                found = SimpleCookie(signed.headers["Set-Cookie"])
                headers["Cookie"] = "; ".join(f"{one.key}={one.value}" for one in found.values())
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            said = answer.read()
            return answer.status, json.loads(said) if said else None

    def faults(self, **switched: str) -> None:
        """Switches faults on and off."""
        status, _ = self.ask("POST", "/faults", switched)
        assert status == 204

    def recommend(self, user: str) -> int:
        """Asks for a recommendation as the page does; answers with the status."""
        asked = {"order_ids": [self.orders(user)[0]["id"]], "mode": "recommend"}
        return self.ask("POST", "/api/ml-dispatch/optimize", asked, user)[0]

    def orders(self, user: str) -> list[dict[str, Any]]:
        """The user's orders."""
        _, said = self.ask("GET", "/api/orders", user=user)
        found: list[dict[str, Any]] = said["orders"]
        return found


@dataclass
class House:
    """Everything that runs, and what a test does to it."""

    place: Place
    flags: HttpServer
    service: Service
    used: set[str] = field(default_factory=set)

    def begin(self, percentage: int = HALF) -> None:
        """A new attempt, which the service and the flag server both know of when it comes back."""
        self.place.record = replace(BEGUN, attempt=int(self.place.redis.incr("attempt")), revision=MODEL.stem)
        self.place.put(percentage)
        attempt = self.place.record.attempt
        someone = self.user(Group.TREATMENT)
        until(lambda: self.known(someone) == attempt, "the attempt at the flag server")
        until(lambda: self.service.recommend(someone) == 200, "the attempt at the service")

    def known(self, user: str) -> int:
        """The attempt that the flag server answers from."""
        headers = self.service.ask("GET", "/api/config", user=user)[1]["headers"]
        told = self.flags.ask("POST", f"/ofrep/v1/evaluate/flags/{NAME}", _context(user), token=None, **headers)
        attempt: int = told.json["metadata"].get("attempt", 0)
        return attempt

    def roll_back(self) -> None:
        """As the operator does."""
        self.place.put(0, latched=True)

    def user(self, wanted: Group, percentage: int = HALF) -> str:
        """Somebody of this group who has not been here before."""
        while True:
            name = f"user-{secrets.token_hex(3)}"
            if name not in self.used and group(SALT, name, percentage) == wanted:
                self.used.add(name)
                return name


@contextmanager
def running(folder: Path) -> Iterator[House]:
    """All of it but the operator, whose part a test plays."""
    with RedisServer() as redis, placed(redis) as place, serving(redis.url, folder) as (flags, service):
        yield House(place, flags, service)


@contextmanager
def serving(redis_url: str, folder: Path) -> Iterator[tuple[HttpServer, Service]]:
    """The flag server and the service, each of which knows the other."""
    key = folder / "session.key"
    key.write_text(secrets.token_hex(32))
    config: dict[str, object] = {
        "rollouts": [{"name": NAME, "key": KEY, "salt": SALT}],
        "sessions": {"algorithm": "HS256", "key": str(key)},
    }
    flags = HttpServer(redis_url, config)
    service = Service(redis_url, flags.url, key, folder)
    flags.config["origins"] = [service.url]
    with flags, service:
        yield flags, service
        service.kill()  # calls that were made to hang would be waited for


def _context(user: str) -> dict[str, object]:
    return {"context": {"targetingKey": user, "revision": MODEL.stem}}
