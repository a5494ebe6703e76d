"""What the service stands on fails: each request has an end, and says which."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event

import httpx
import pytest
from dispatch.api import application
from dispatch.api.parts import Parts
from dispatch.deployed import Deployed
from dispatch.model import Model
from dispatch.satisfaction import satisfaction
from dispatch.sessions import Sessions
from dispatch.store import Dispatches, Events, Orders, connect
from dispatch.train import MODELS
from mlrollout import Feature, Metrics, Rollout
from prometheus_client import CollectorRegistry

from devstack.processes import wait_until
from devstack.redis_server import RedisServer
from tests.dispatch.api.place import running
from tests.dispatch.api.postgres_server import PostgresServer, installed

MANY = 60
THREADS = 32
"""That Python runs at most for `asyncio.to_thread`."""


class Hanging(Deployed):
    """A model that thinks for ever, or until it is told to stop."""

    def __init__(self, file: Path) -> None:
        super().__init__(file)
        self.stopped = Event()
        self.began = 0

    def model(self, revision: str) -> Model:
        self.began += 1
        self.stopped.wait()
        return super().model(revision)


@pytest.fixture
def parts(tmp_path: Path, redis_server: RedisServer) -> Iterator[Parts]:
    """A service inside the test, with everybody in treatment."""
    registry = CollectorRegistry()
    engine = connect(f"sqlite:///{tmp_path / 'dispatch.db'}")
    orders = Orders(engine)
    orders.begin()
    with Rollout("hanging:rollout_percentage", redis=redis_server.url) as rollout, rollout.force("treatment"):
        yield Parts(
            orders=orders,
            dispatches=Dispatches(engine),
            events=Events(engine),
            rollout=rollout,
            feature=Feature(rollout, Metrics("ml_dispatch", registry)),
            deployed=Deployed(MODELS / "ranker-1.json"),
            sessions=Sessions("secret"),
            satisfaction=satisfaction("ml_dispatch", registry),
            registry=registry,
            ofrep="http://127.0.0.1:9",
        )
    engine.dispose()


async def test_models_that_never_come_back_keep_nobody_waiting_and_take_no_more_threads(parts: Parts) -> None:
    hanging = Hanging(MODELS / "ranker-1.json")
    app = application(replace(parts, deployed=hanging, ml_timeout=0.1))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://dispatch") as http:
        await http.post("/api/session", json={"user_id": "kim"})
        order = (await http.get("/api/orders")).json()["orders"][0]["id"]

        asked = {"order_ids": [order], "mode": "recommend"}
        calls = (http.post("/api/ml-dispatch/optimize", json=asked) for _ in range(MANY))
        answers = await asyncio.gather(*calls)
        near = await http.get(f"/api/orders/{order}/nearest")

        assert 0 < hanging.began <= THREADS
    hanging.stopped.set()
    assert {(answer.status_code, answer.json()["error"]["code"]) for answer in answers} == {(503, "model_unavailable")}
    assert near.status_code == 200
    failed = {"group": "treatment", "status": "failure"}
    assert parts.registry.get_sample_value("ml_dispatch_total", failed) == MANY


@pytest.mark.skipif(not installed(), reason="there is no PostgreSQL on this machine")
def test_a_database_that_is_gone_is_said_and_comes_back(redis_server: RedisServer) -> None:
    with PostgresServer() as database, running(redis_server, database=database.url) as place:
        person = place.person()
        assert len(person.orders()) == 8
        database.kill()

        answer = person.http.get("/api/orders")
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unavailable")

        database.start()
        wait_until(lambda: person.http.get("/api/orders").status_code == 200, within=30, what="the database")
        assert len(person.orders()) == 8
