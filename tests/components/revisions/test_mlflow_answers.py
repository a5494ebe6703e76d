"""What may be said in MLflow's name; what MLflow itself says stands in test_real_mlflow.py."""

import json
from typing import Any

import pytest
from mlrollout.ports import NamedRevision, RevisionUnknownError

from tests.components.revisions.asking import SECRET, ask, mlflow, unknown
from tests.support import raw_server as raw
from tests.support.raw_server import raw_server

DONE = raw.answers(b"{}")


def version(**fields: Any) -> raw.Behaviour:
    return raw.answers(json.dumps({"model_version": {"name": "dispatch", **fields}}).encode())


def error(code: str, status: str = "400 Bad Request") -> raw.Behaviour:
    return raw.answers(json.dumps({"error_code": code, "message": SECRET}).encode(), status=status)


async def test_who_registered_it_and_when_is_told() -> None:
    registered = version(version="7", user_id="ana", creation_timestamp=1_795_716_000_500)
    async with raw_server(registered) as server:
        assert await ask(mlflow(server)) == NamedRevision("7", "ana", 1_795_716_000.5)
        asked = "GET /api/2.0/mlflow/registered-models/alias?name=dispatch&alias=candidate HTTP/1.1"
        assert server.requests[0].startswith(asked)


async def test_a_model_of_any_name_is_asked_for_by_that_name() -> None:
    async with raw_server(version(version="7")) as server:
        await ask(mlflow(server, model="ml dispatch&alias=x/../é", alias="next"))
        assert "?name=ml+dispatch%26alias%3Dx/../%C3%A9&alias=next HTTP" in server.requests[0]


@pytest.mark.parametrize(
    ("said", "by", "at"),
    [
        ({"user_id": "x" * 1000}, "x" * 100, None),
        ({"user_id": "a\x1b[31mna\n"}, "a[31mna", None),
        ({"user_id": ["ana"]}, "", None),
        ({"creation_timestamp": "1795716000500"}, "", None),
        ({"creation_timestamp": -1}, "", None),
        ({"creation_timestamp": 10**400}, "", None),
        ({"creation_timestamp": 10**14 * 9}, "", None),
    ],
)
async def test_who_and_when_are_believed_as_far_as_they_can_be_told(said: Any, by: str, at: float | None) -> None:
    async with raw_server(version(version="7", **said)) as server:
        assert await ask(mlflow(server)) == NamedRevision("7", by, at)


@pytest.mark.parametrize("body", [b"{}", b"[]", b"7", b'{"model_version": null}', b'{"model_version": ["7"]}'])
async def test_an_answer_without_a_version_is_told(body: bytes) -> None:
    async with raw_server(raw.answers(body)) as server:
        assert "answered without a version" in await unknown(mlflow(server))


async def test_a_version_that_is_not_ready_is_not_begun() -> None:
    async with raw_server(version(version="7", status="PENDING_REGISTRATION")) as server:
        assert "names a version whose registration is not complete" in await unknown(mlflow(server))


@pytest.mark.parametrize(
    "absent", [error("INVALID_PARAMETER_VALUE"), error("RESOURCE_DOES_NOT_EXIST", "404 Not Found")]
)
async def test_an_alias_without_a_version_is_told_by_its_name(absent: raw.Behaviour) -> None:
    async with raw_server(absent) as server:
        said = await unknown(mlflow(server))
    assert "has no alias candidate of a model dispatch: set it there, or correct spec.revisionFrom" in said


@pytest.mark.parametrize("code", ["[]", '"BAD_REQUEST"', "null"])
async def test_another_refusal_is_told_by_its_status(code: str) -> None:
    refusal = raw.answers(b'{"error_code": %s}' % code.encode(), status="400 Bad Request")
    async with raw_server(refusal) as server:
        assert (await unknown(mlflow(server))).endswith("answered with HTTP 400")


async def test_an_alias_is_set_for_what_is_complete_where_one_is_named() -> None:
    async with raw_server(DONE) as server, mlflow(server, onCompletion="champion") as one:
        await one.completed("7", deadline=5)
        head, _, body = server.requests[0].partition("\r\n\r\n")
        assert head.startswith("POST /api/2.0/mlflow/registered-models/alias HTTP/1.1\r\n")
        assert json.loads(body) == {"name": "dispatch", "alias": "champion", "version": "7"}


async def test_and_none_where_none_is() -> None:
    async with raw_server(raw.is_silent) as server, mlflow(server) as one:
        await one.completed("7", deadline=5)
        assert server.requests == []


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (error("RESOURCE_DOES_NOT_EXIST", "404 Not Found"), "has no version 7 of a model dispatch"),
        (raw.answers(b"", status="403 Forbidden"), "HTTP 403: it asks for credentials"),
        (raw.hangs_up, "broke the connection off"),
        (raw.answers(b"<html>"), "something else than JSON"),
    ],
)
async def test_where_it_could_not_be_told_so_it_is_said(answer: raw.Behaviour, complaint: str) -> None:
    async with raw_server(answer) as server, mlflow(server, onCompletion="champion") as one:
        with pytest.raises(RevisionUnknownError, match=complaint) as told:
            await one.completed("7", deadline=5)
    assert SECRET not in str(told.value)
