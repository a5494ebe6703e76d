"""What is a context of OFREP and names a user, and every bad input."""

import json

import pytest

from tests.components.server.place import FLAG, FLAGS, KIM, NAME, HttpServer

HALF_A_CHARACTER = json.dumps({"context": {"targetingKey": "\ud800"}}).encode()

BAD = [
    (b"", "TARGETING_KEY_MISSING"),
    (b"{}", "TARGETING_KEY_MISSING"),
    (b'{"context":null}', "TARGETING_KEY_MISSING"),
    (b'{"context":{}}', "TARGETING_KEY_MISSING"),
    (b'{"context":{"targetingKey":""}}', "TARGETING_KEY_MISSING"),
    (b'{"context":{"targetingKey":null}}', "TARGETING_KEY_MISSING"),
    (b'{"context":{"targetingKey":7.5}}', "INVALID_CONTEXT"),
    (b'{"context":{"targetingKey":true}}', "INVALID_CONTEXT"),
    (b'{"context":{"targetingKey":"' + b"x" * 1025 + b'"}}', "INVALID_CONTEXT"),
    (b'{"context":{"targetingKey":"kim","revision":7}}', "INVALID_CONTEXT"),
    (b'{"context":{"targetingKey":"kim","revision":""}}', "INVALID_CONTEXT"),
    (b'{"context":{"targetingKey":["kim"]}}', "INVALID_CONTEXT"),
    (b'{"context":"kim"}', "INVALID_CONTEXT"),
    (b'{"context":["kim"]}', "INVALID_CONTEXT"),
    (HALF_A_CHARACTER, "INVALID_CONTEXT"),
    (b"[]", "INVALID_CONTEXT"),
    (b"null", "INVALID_CONTEXT"),
    (b"{", "PARSE_ERROR"),
    (b"kim", "PARSE_ERROR"),
    (b'{"context":{"targetingKey":NaN}}', "PARSE_ERROR"),
    (b'{"context":{"targetingKey":"\xff\xfe"}}', "PARSE_ERROR"),
    ('{"context":{"targetingKey":"kim"}}'.encode("utf-16"), "PARSE_ERROR"),
    (b'{"context":{"targetingKey":"kim","a":' + b"1" * 5000 + b"}}", "PARSE_ERROR"),
    (b'{"context":' * 3000, "PARSE_ERROR"),
    (b"[" * 60_000, "PARSE_ERROR"),
]


@pytest.mark.parametrize(("body", "code"), BAD)
def test_what_names_no_user_is_told_by_one_flag(server: HttpServer, body: bytes, code: str) -> None:
    found = server.ask("POST", FLAG, body)

    assert (found.status, found.json["key"], found.json["errorCode"]) == (400, NAME, code)
    assert found.json["errorDetails"]


@pytest.mark.parametrize(("body", "code"), BAD)
def test_what_names_no_user_is_told_by_all_flags(server: HttpServer, body: bytes, code: str) -> None:
    found = server.ask("POST", FLAGS, body)

    assert (found.status, found.json["errorCode"]) == (400, code)
    assert found.json["errorDetails"]


@pytest.mark.parametrize("user_id", ["김철수", "👩‍👩‍👧", "e\u0301", "a\x00b", " ", "x" * 1_024])
def test_any_text_is_a_user(server: HttpServer, user_id: str) -> None:
    assert server.flag(user_id)["variant"] == "treatment"


def test_what_else_the_context_says_changes_nothing(server: HttpServer) -> None:
    context = {"targetingKey": "kim", "tier": {"a": [1, None]}, "targeting_key": "lee"}

    assert server.ask("POST", FLAG, {"context": context, "more": 1}).json == server.flag("kim")


@pytest.mark.parametrize("path", [FLAG, FLAGS])
def test_a_body_of_a_megabyte_is_refused(server: HttpServer, path: str) -> None:
    found = server.ask("POST", path, {"context": {"targetingKey": "x" * 1_000_000}})

    assert found.status == 413
    assert "64 KiB" in found.json["errorDetails"]


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_a_body_that_a_form_could_send_is_refused(server: HttpServer, kind: str) -> None:
    found = server.ask("POST", FLAG, json.dumps(KIM).encode(), Content_Type=kind)

    assert (found.status, found.json["errorCode"]) == (415, "GENERAL")


@pytest.mark.parametrize("path", [FLAG, FLAGS])
def test_only_post_evaluates(server: HttpServer, path: str) -> None:
    found = server.ask("GET", path)

    assert (found.status, found.headers["Allow"]) == (405, "POST")
    assert found.json["errorCode"] == "GENERAL"
