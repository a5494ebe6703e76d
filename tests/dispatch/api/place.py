"""The service as a process before a real Redis, the operator's hand on it, and users with browsers."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import redis
from mlrollout.domain.record import Record, encode

from devstack.dispatch.service import DispatchService
from devstack.processes import wait_until
from devstack.redis_server import RedisServer

KEY = "ml_dispatch:rollout_percentage"
REVISION = "ranker-1"
_numbers = count(1)


class Person:
    """Somebody who is signed in."""

    def __init__(self, url: str, user: str) -> None:
        self.http = httpx.Client(base_url=url, timeout=20, trust_env=False)
        self.user = user
        assert self.http.post("/api/session", json={"user_id": user}).status_code == 204

    def orders(self, status: str = "open") -> list[dict[str, Any]]:
        answer: list[dict[str, Any]] = self.http.get("/api/orders", params={"status": status}).json()["orders"]
        return answer

    def nearest(self, order_id: int) -> list[dict[str, Any]]:
        answer: list[dict[str, Any]] = self.http.get(f"/api/orders/{order_id}/nearest").json()["vehicles"]
        return answer

    def optimize(self, *order_ids: int, language: str = "en") -> httpx.Response:
        asked = {"order_ids": order_ids, "mode": "recommend"}
        return self.http.post("/api/ml-dispatch/optimize", json=asked, headers={"Accept-Language": language})

    def assign(self, order_id: int, vehicle_id: int, assigned_by: str = "legacy") -> httpx.Response:
        asked = {"order_id": order_id, "vehicle_id": vehicle_id, "assigned_by": assigned_by}
        return self.http.post("/api/dispatches", json=asked)

    def assigned(self) -> dict[str, Any]:
        """A dispatch of the nearest vehicle, of the first order that has one."""
        for order in self.orders():
            for near in self.nearest(order["id"]):
                answer = self.assign(order["id"], near["vehicle_id"])
                if answer.status_code == 201:
                    made: dict[str, Any] = answer.json()
                    return made
        raise AssertionError("there is nothing to assign")

    def then(self, dispatch: dict[str, Any], what: str, **body: object) -> httpx.Response:
        return self.http.post(f"/api/dispatches/{dispatch['id']}/{what}", json=body)


class Place:
    """One service and its Redis.

    Attributes:
        service: The service.
        redis: A client of its Redis.
    """

    def __init__(self, service: DispatchService, client: redis.Redis) -> None:
        self.service = service
        self.redis = client
        self._clients = ExitStack()

    def person(self, user: str = "") -> Person:
        """Somebody, by default somebody new."""
        person = Person(self.service.url, user or f"user-{next(_numbers)}")
        self._clients.callback(person.http.close)
        return person

    def stranger(self, **cookies: str) -> httpx.Client:
        """Somebody who has not signed in."""
        client = httpx.Client(base_url=self.service.url, cookies=cookies, timeout=20, trust_env=False)
        self._clients.callback(client.close)
        return client

    def leave(self) -> None:
        """Everybody closes the browser."""
        self._clients.close()

    def put(self, percentage: int, revision: str = REVISION, *, served: bool = False) -> None:
        """Do what the operator does, and come back when the service acts on it."""
        record = Record(1, latched=False, sequence=self._next(), percentage=percentage, revision=revision)
        self.redis.mset({KEY: percentage, f"{KEY}:record": encode(record)})
        self.redis.publish(f"{KEY}:changes", encode(record))
        somebody = self.person("somebody")
        order = (somebody.orders("open") or somebody.orders("assigned"))[0]["id"]
        control = percentage == 0 or not (served or revision == REVISION)

        def counts() -> bool:
            named = somebody.http.get("/api/config").json()["revision"] == revision
            return (named or not served) and (somebody.optimize(order).status_code == 403) is control

        wait_until(counts, within=30, what=f"{percentage} % of {revision} to count")

    def _next(self) -> int:
        return int(self.redis.incr("tests:sequence"))

    def faults(self, **switched: str) -> None:
        assert httpx.post(f"{self.service.url}/faults", json=switched, trust_env=False).status_code == 204

    def metric(self, name: str, **labels: str) -> float:
        """What Prometheus would read."""
        text = httpx.get(f"{self.service.url}/metrics", trust_env=False).text
        told = ",".join(f'{label}="{value}"' for label, value in sorted(labels.items()))
        return next(float(line.split()[-1]) for line in text.splitlines() if line.startswith(f"{name}{{{told}}} "))


@contextmanager
def running(server: RedisServer, *, faults: bool = True, **options: object) -> Iterator[Place]:
    """A service of its own."""
    told = {"ml-timeout": 1, **{name.replace("_", "-"): value for name, value in options.items()}}
    told |= {"faults": None} if faults else {}
    with (
        closing(redis.Redis.from_url(server.url)) as client,
        DispatchService(server.url, options=told, python=Path(sys.executable)) as service,
    ):
        place = Place(service, client)
        yield place
        place.leave()
