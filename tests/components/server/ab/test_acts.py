"""Acts where there is no cluster or it refuses, and what nobody may send to any route that changes something."""

import json
from dataclasses import dataclass
from typing import Any

import pytest
from mlrollout.ports import ConflictError, DeniedError, ObjectsError, Ref

from devstack.redis_server import RedisServer
from tests.components.assignment.place import KEY
from tests.components.server.ab.calls import (
    ADMIN,
    ALL_LINES,
    APP,
    BASE,
    GOOD_BODY,
    MUTATING,
    NAME,
    ROLE,
    VIEWER,
    Api,
    ClusterServer,
)
from tests.components.server.ab.inside import inside

ROLLOUT = "ab-test/rollout"


@pytest.mark.parametrize(
    "percentage",
    [-1, 101, "30", 30.5, None, True, [30], {"percentage": 30}, 1e400, 10**30],
)
def test_a_percentage_that_is_none_is_refused(api: Api, percentage: Any) -> None:
    body = json.dumps({"percentage": percentage}).encode() if percentage != 1e400 else b'{"percentage": 1e400}'

    answer = api.post(ROLLOUT, body)

    assert answer.status == 422
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json["errors"][0]["place"].startswith("percentage")


@pytest.mark.parametrize(
    "body", [b'{"percentage": NaN}', b'{"percentage": Infinity}', b"{", b"", b"\xff{}", b"[" * 60_000]
)
def test_what_is_no_json_is_refused(api: Api, body: bytes) -> None:
    assert api.post(ROLLOUT, body).status == 400


@pytest.mark.parametrize("body", [{}, [], "30", 30, None, {"percent": 30}, {"percentage": 30, "force": True}])
def test_a_body_of_another_shape_is_refused(api: Api, body: object) -> None:
    assert api.post(ROLLOUT, json.dumps(body).encode()).status == 422


def test_a_reason_is_short(api: Api) -> None:
    assert api.post(ROLLOUT, {"percentage": 0, "reason": "x" * 201}).status == 422


def test_a_large_body_is_refused(api: Api) -> None:
    assert api.post(ROLLOUT, b" " * 1_000_000).status == 413


@pytest.mark.parametrize("path", [ROLLOUT, "ab-test/rollback"])
def test_without_an_object_nothing_can_be_changed_here_and_the_way_to_stop_is_told(api: Api, path: str) -> None:
    answer = api.post(path, GOOD_BODY[path])

    assert answer.status == 501
    assert f"redis-cli SET {KEY} 0" in answer.json["detail"]


def test_the_button_takes_no_body(api: Api) -> None:
    assert api.post("ab-test/rollback", None).status == 501  # it was understood, and there is no object
    assert api.post("ab-test/rollback", b"{").status == 400


def test_without_a_cluster_neither(redis_server: RedisServer) -> None:
    rollout = {"name": NAME, "key": KEY, "object": {"namespace": "dispatch", "name": NAME}}
    with ClusterServer(redis_server.url, "/nowhere", {"rollouts": [rollout]}, ALL_LINES) as running:
        answer = Api(running).post(ROLLOUT, {"percentage": 0})

        assert answer.status == 501
        assert "no cluster" in answer.json["detail"]
        assert running.logged("There is no cluster: nothing can be changed through this server")


# --- every route that changes something --------------------------------------------------------


@pytest.mark.parametrize("path", MUTATING)
@pytest.mark.parametrize("token", [None, "nonsense", ""])
def test_nothing_is_changed_by_a_stranger(api: Api, path: str, token: str | None) -> None:
    answer = api.post(path, GOOD_BODY[path], token=token)

    assert answer.status == 401
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("path", MUTATING)
def test_nothing_is_changed_with_a_token_for_something_else(api: Api, path: str) -> None:
    for token in {APP, VIEWER, ADMIN} - {ROLE[path]}:
        assert api.post(path, GOOD_BODY[path], token=token).status == 403


@pytest.mark.parametrize("path", MUTATING)
@pytest.mark.parametrize("content", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_nothing_is_changed_by_what_a_form_can_send(api: Api, path: str, content: str) -> None:
    body = json.dumps(GOOD_BODY[path]).encode()

    assert api.post(path, body, token=ROLE[path], Content_Type=content).status == 415


@pytest.mark.parametrize("path", MUTATING)
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
)
def test_nothing_is_changed_by_a_page_of_another_host(api: Api, path: str, headers: dict[str, str]) -> None:
    assert api.post(path, GOOD_BODY[path], token=ROLE[path], **headers).status == 403


@pytest.mark.parametrize("path", MUTATING)
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "HEAD"])
def test_nothing_is_changed_by_another_method(api: Api, path: str, method: str) -> None:
    answer = api.server.ask(method, f"{BASE}/{path}", GOOD_BODY[path], token=ROLE[path])

    assert answer.status == 405
    assert answer.headers["Allow"] == "POST"


def test_who_was_refused_is_in_the_log_and_their_token_is_not(api: Api) -> None:
    api.post(ROLLOUT, {"percentage": 100}, token=VIEWER)

    line = api.server.logged("Refused")[-1]
    assert (line["caller"], line["path"], line["status"]) == ("dashboard", f"{BASE}/{ROLLOUT}", 403)
    assert VIEWER not in api.server.log.read_text()


# --- what the cluster says -----------------------------------------------------------------------


@dataclass
class Refusing:
    """A cluster whose API server refuses everything."""

    error: ObjectsError

    async def read(self, _ref: Ref) -> None:
        raise self.error

    async def ask(self, *_: object, **_more: object) -> None:
        raise self.error


@pytest.mark.parametrize(
    ("error", "status", "again"),
    [
        (DeniedError("Could not ask for a rollback: a policy forbids it."), 403, None),
        (ObjectsError("Could not ask for a rollback: the Kubernetes API answered 500."), 503, "1"),
    ],
)
@pytest.mark.parametrize(
    ("path", "body"), [("ab-test/rollback", {}), (ROLLOUT, {"percentage": 0}), (ROLLOUT, {"percentage": 30})]
)
async def test_what_the_cluster_denies_is_no_outage(
    path: str, body: dict[str, int], error: ObjectsError, status: int, again: str | None
) -> None:
    async with (
        inside(Refusing(error)) as client,
        client.post(f"{BASE}/{path}", json=body) as answer,
    ):
        assert (answer.status, answer.headers.get("Retry-After")) == (status, again)
        detail = (await answer.json())["detail"]
    assert str(error) in detail
    assert f"redis-cli SET {KEY} 0" in detail


@dataclass
class Changing(Refusing):
    """One whose API server reports conflicts so often."""

    times: int

    async def ask(self, *_: object, **_more: object) -> None:
        self.times -= 1
        if self.times >= 0:
            raise self.error


@pytest.mark.parametrize(("path", "body"), [("ab-test/rollback", {}), (ROLLOUT, {"percentage": 0})])
async def test_a_rollback_that_meets_a_conflict_is_asked_for_again(path: str, body: dict[str, int]) -> None:
    for times, status in ((2, 202), (100, 503)):
        async with (
            inside(Changing(ConflictError("it has changed"), times)) as client,
            client.post(f"{BASE}/{path}", json=body) as answer,
        ):
            assert answer.status == status
            assert status == 202 or f"redis-cli SET {KEY} 0" in (await answer.json())["detail"]
