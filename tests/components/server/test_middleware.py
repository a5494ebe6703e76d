"""What surrounds a handler, with handlers of the test's own: slow ones, failing ones, ones that read a body."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Annotated

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from mlrollout.server.app import make
from mlrollout.server.auth import guard
from mlrollout.server.auth.access import require
from mlrollout.server.auth.callers import Caller, Callers, Role
from mlrollout.server.config import Config, ConfigModel
from mlrollout.server.http import body
from mlrollout.server.http.body import MOST_TOLD, read_model
from mlrollout.server.http.event_stream import STREAMS
from mlrollout.server.http.problem import HttpProblem
from mlrollout.server.ofrep import flags, stream
from mlrollout.server.ofrep.changes import CHANGES
from mlrollout.server.ofrep.ticket import Tickets
from mlrollout.server.rollout_lookup import rollout_from_path
from mlrollout.server.rollouts import Rollouts, ServedRollout, follow
from pydantic import Field
from structlog.testing import capture_logs

from tests.components.server.place import EVENTS, FLAG, FLAGS, KIM, NAME

Client = TestClient[web.Request, web.Application]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Start = Callable[..., Awaitable[Client]]


class Known(Callers):
    """Everybody is this one."""

    def __init__(self, caller: Caller | None) -> None:
        self._caller = caller

    async def identify(self, request: web.Request) -> Caller | None:  # noqa: ARG002 - the protocol's
        return self._caller


class Owner(Caller):
    """Who may do everything with one rollout, and nothing with all."""

    async def may(self, role: Role, served: ServedRollout | None = None) -> bool:  # noqa: ARG002 - likewise
        return served is not None and served.entry.name == NAME


APP = Caller("app", frozenset({Role.ASSIGN}))


@pytest.fixture
async def rollouts() -> AsyncIterator[tuple[Config, Rollouts]]:
    told = [{"name": NAME, "key": "a"}, {"name": "other", "key": "b"}]
    config = Config.model_validate({"rollouts": told})
    found = follow(config, "redis://127.0.0.1:1")
    yield config, found
    for served in found.values():
        await asyncio.to_thread(served.rollout.close)


@pytest.fixture
async def start(rollouts: tuple[Config, Rollouts]) -> AsyncIterator[Start]:
    clients: list[Client] = []

    async def begin(caller: Caller | None = APP, **handlers: Handler) -> Client:
        app = make(*rollouts, [Known(caller)], Tickets(b"key"))
        for name, handler in handlers.items():
            app.router.add_route("*", f"/{name}/{{rollout:.+}}", handler)
        client = TestClient(TestServer(app))
        clients.append(client)
        await client.start_server()
        return client

    yield begin
    for client in clients:
        await client.close()


async def test_what_fails_is_told_without_what_failed(start: Start) -> None:
    async def fail(_request: web.Request) -> web.Response:
        raise RuntimeError("hunter2")

    client = await start(fail=fail)
    async with client.get("/fail/a") as found:
        text = await found.text()

    assert found.status == 500
    assert found.content_type == "application/problem+json"
    assert "hunter2" not in text
    assert "Traceback" not in text


async def test_what_takes_too_long_is_given_up(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang(_request: web.Request) -> web.Response:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(guard, "ANSWER_WITHIN", 0.05)
    client = await start(hang=hang)
    async with client.get("/hang/a") as found:
        assert (found.status, found.headers["Retry-After"]) == (503, "1")
        assert found.content_type == "application/problem+json"


async def test_a_body_that_does_not_arrive_is_not_waited_for(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body, "ARRIVE_WITHIN", 0.05)
    client = await start()

    async def endless() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    async with client.post(FLAG, data=endless(), headers={"Content-Type": "application/json"}) as found:
        assert found.status == 408
        assert (await found.json())["errorCode"] == "GENERAL"


async def test_where_there_is_no_room_the_oldest_stream_ends_and_is_told_to_come_back_later(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await start()
    monkeypatch.setattr(client.app[STREAMS], "_most", 1)
    async with client.get(EVENTS) as first, client.get(EVENTS) as second:
        assert (first.status, second.status) == (200, 200)
        assert (await first.text()).endswith("retry: 60000\n\n")
        assert await second.content.readline()
        assert len(client.app[STREAMS]) == 1


async def test_a_stream_shows_that_it_is_alive(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "ALIVE_EVERY", 0.01)
    client = await start()
    async with client.get(EVENTS) as found:
        async for line in found.content:
            if line == b": alive\n":
                return
    raise AssertionError("the stream ended")


async def test_a_stream_outlasts_the_time_of_an_answer(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "ANSWER_WITHIN", 0.05)
    monkeypatch.setattr(stream, "ALIVE_EVERY", 0.02)
    client = await start()
    async with client.get(EVENTS) as found:
        for _ in range(20):
            assert await found.content.readline()


async def test_who_heard_of_a_change_from_another_server_is_answered_from_after_it(
    start: Start, rollouts: tuple[Config, Rollouts], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flags, "CATCH_UP_WITHIN", 60.0)
    client = await start()
    changes, rollout = client.app[CHANGES], rollouts[1][NAME].rollout
    with rollout.force("treatment"):
        heard = changes._now()
    waits, wait = asyncio.Event(), changes.other_than

    async def seen_to_wait(seen: str, within: float) -> bool:
        waits.set()
        return await wait(seen, within)

    monkeypatch.setattr(changes, "other_than", seen_to_wait)
    asked = asyncio.create_task(client.post(f"{FLAGS}?flagConfigEtag={heard}", json=KIM))
    await waits.wait()
    with rollout.force("treatment"):
        changes._look()
        async with await asked as found:
            assert (await found.json())["flags"][0]["variant"] == "treatment"


async def test_a_server_that_does_not_hear_of_a_change_answers_from_what_it_knows(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flags, "CATCH_UP_WITHIN", 0.01)
    client = await start()
    async with client.post(f"{FLAGS}?flagConfigEtag=another", json=KIM) as found:
        assert found.status == 200


async def test_a_users_session_asks_for_that_user_alone(start: Start) -> None:
    client = await start(Caller("kim's session", user="kim"))
    for path, status in ((FLAG, 200), (FLAGS, 200), (EVENTS, 200)):
        async with client.get(path) if path == EVENTS else client.post(path, json=KIM) as found:
            assert found.status == status
    for path in (FLAG, FLAGS):
        async with client.post(path, json={"context": {"targetingKey": "lee"}}) as found:
            assert found.status == 403


async def test_a_page_of_another_host_stands_in_the_audit(start: Start) -> None:
    client = await start()
    with capture_logs() as lines:
        async with client.post(FLAG, json=KIM, headers={"Origin": "https://evil.example.net"}) as found:
            assert found.status == 403
    (line,) = [line for line in lines if line["event"] == "Refused"]
    assert (line["status"], line["caller"], line["remote"]) == (403, "app", "127.0.0.1")
    assert line["path"] == FLAG


@pytest.mark.parametrize(
    ("streams", "per_address", "from_", "left"),
    [
        (2, 1, ["9.9.9.1", "9.9.9.2", "9.9.9.1"], {"9.9.9.1": 1, "9.9.9.2": 1}),
        (1, 2, ["9.9.9.1", "9.9.9.2"], {"9.9.9.2": 1}),
    ],
)
async def test_as_many_streams_are_open_as_the_configuration_says(
    rollouts: tuple[Config, Rollouts], streams: int, per_address: int, from_: list[str], left: dict[str, int]
) -> None:
    limits = {"streams": streams, "streams_per_address": per_address}
    told = {"rollouts": [{"name": NAME, "key": "a"}], "limits": limits, "proxies": ["127.0.0.0/8"]}
    app = make(Config.model_validate(told), rollouts[1], [Known(APP)], Tickets(b"key"))
    async with TestClient(TestServer(app)) as client, AsyncExitStack() as stack:
        for address in from_:
            opened = client.get(EVENTS, headers={"X-Forwarded-For": address})
            assert (await stack.enter_async_context(opened)).status == 200
        assert Counter(one.address for one in app[STREAMS]._open) == left


async def test_a_caller_may_have_a_role_for_one_rollout(start: Start) -> None:
    async def act(request: web.Request) -> web.Response:
        await require(request, Role.ADMIN, rollout_from_path(request))
        return web.Response()

    client = await start(Owner("kim"), act=act)
    statuses = []
    for rollout in (NAME, "other", "nope"):
        async with client.post(f"/act/{rollout}") as found:
            statuses.append(found.status)

    assert statuses == [200, 403, 404]


async def test_whoever_can_not_be_asked_lets_nobody_in(rollouts: tuple[Config, Rollouts]) -> None:
    class Down(Callers):
        async def identify(self, request: web.Request) -> Caller | None:  # noqa: ARG002 - the protocol's
            raise HttpProblem(503, "The API server can't be reached. Try again.")

    async with TestClient(TestServer(make(*rollouts, [Down(), Known(APP)], Tickets(b"key")))) as client:
        async with client.post(FLAG, json=KIM) as found:
            assert found.status == 503
        async with client.get("/livez") as found:
            assert found.status == 200


class Rating(ConfigModel):
    dispatch_id: str
    rating: Annotated[int, Field(strict=True, ge=1, le=5)]


@pytest.mark.parametrize(
    ("given", "status", "told"),
    [
        ('{"dispatch_id":"a","rating":5}', 200, ""),
        ('{"dispatch_id":"a","rating":6}', 422, "rating: Input should be less than or equal to 5"),
        ('{"dispatch_id":"a","rating":"5"}', 422, "rating: Input should be a valid integer"),
        ('{"dispatch_id":"a","rating":5,"hunter2":1}', 422, "hunter2: "),
        ('{"rating":5}', 422, "dispatch_id: Field required"),
        ("[]", 422, "body: "),
        ("{", 400, "The body is no JSON"),
        ("", 400, "The body is no JSON"),
        ('{"dispatch_id":"a","rating":NaN}', 400, "The body is no JSON"),
    ],
)
async def test_a_body_is_held_to_its_model(start: Start, given: str, status: int, told: str) -> None:
    async def rate(request: web.Request) -> web.Response:
        return web.json_response((await read_model(request, Rating)).rating)

    client = await start(rate=rate)
    async with client.post("/rate/a", data=given, headers={"Content-Type": "application/json"}) as found:
        assert found.status == status
        assert told in (await found.text())


async def test_of_thousands_of_mistakes_some_are_told(start: Start) -> None:
    async def rate(request: web.Request) -> web.Response:
        return web.json_response((await read_model(request, Rating)).rating)

    client = await start(rate=rate)
    given = {"x" * 300 if number == 7 else f"x{number}": 0 for number in range(4000)}
    async with client.post("/rate/a", json=given) as found:
        said = await found.text()
        assert found.status == 422
    assert len(said) < 6000
    assert len(json.loads(said)["errors"]) == MOST_TOLD
    assert json.loads(said)["detail"].endswith("and 3982 further mistakes.")


async def test_probes_are_never_refused_however_many_ask_from_their_address(
    rollouts: tuple[Config, Rollouts],
) -> None:
    config = rollouts[0].model_copy(update={"rate": 1.0})
    async with TestClient(TestServer(make(config, rollouts[1], [], Tickets(b"key")))) as client:
        statuses = {
            path: [(await client.get(path)).status for _ in range(4)] for path in ("/livez", "/readyz", "/metrics")
        }

    assert statuses["/livez"] == [200] * 4
    assert set(statuses["/readyz"]) <= {200, 503}
    assert statuses["/metrics"][-1] == 429


async def test_every_answer_is_counted_once(start: Start) -> None:
    client = await start()
    for _ in range(3):
        async with client.post(FLAG, json=KIM) as found:
            assert found.status == 200
    async with client.get("/metrics") as found:
        lines = (await found.text()).splitlines()

    line = 'mlrollout_server_requests_total{method="POST",route="/ofrep/v1/evaluate/flags/{key}",status="200"} 3.0'
    assert line in lines
