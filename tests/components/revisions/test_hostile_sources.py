"""Whoever may stand at the address of a source of revisions: it names one that can be used, or it is said why not."""

import json
from typing import Any

import pytest
from mlrollout.ports import NamedRevision

from tests.components.revisions.asking import SECRET, ask, document, mlflow, source, unknown
from tests.support import raw_server as raw
from tests.support.raw_server import raw_server

HTML = f"<html><body>{SECRET}</body></html>".encode()
DEEP = b"[" * 100_000


def version(**fields: Any) -> bytes:
    return json.dumps({"model_version": {"name": "dispatch", **fields}}).encode()


def named(value: str) -> bytes:
    """The document in which this JSON stands."""
    return f'{{"revision": {value}}}'.encode()


# --- a revision ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "revision"),
    [
        ('"v7"', "v7"),
        ('" v7\\n"', "v7"),
        ("7", "7"),
        ("-1", "-1"),
        ('"été-2026"', "été-2026"),
        (f'"{"x" * 253}"', "x" * 253),
        ('"<b>"', "<b>"),
    ],
)
async def test_a_text_or_a_whole_number_is_a_revision(value: str, revision: str) -> None:
    async with raw_server(raw.answers(named(value))) as server:
        assert await ask(document(server)) == NamedRevision(revision)


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ('""', "names nothing: the text is empty"),
        ('" \\n\\t "', "names nothing"),
        ("null", "neither a text nor a whole number"),
        ("true", "neither a text nor a whole number"),
        ("7.5", "neither a text nor a whole number"),
        ("1e400", "neither a text nor a whole number"),
        ('{"name": "s3cret"}', "neither a text nor a whole number"),
        ('["s3cret"]', "neither a text nor a whole number"),
        (f'"{"s3cret" * 43}"', "more than 253 characters"),
        (f'"{"s3cret" * 170_000}"', "more than 253 characters"),
        ("9" * 4000, "more than 253 characters"),
        ("9" * 254, "more than 253 characters"),
        ("9" * 1_000_000, "something else than JSON"),
        ('"s3cret\\nv8"', "can't be printed"),
        ('"s3cret v8"', "with a space in it"),
        ('"s3cret\\u0000"', "can't be printed"),
        ('"s3cret\\u001b[31m"', "can't be printed"),
        ('"s3cret\\u202e"', "can't be printed"),
        ('"s3cret\\ud800"', "can't be printed"),
        ("NaN", "something else than JSON"),
        ("-Infinity", "something else than JSON"),
    ],
)
async def test_what_is_none_is_told_without_being_repeated(value: str, complaint: str) -> None:
    async with raw_server(raw.answers(named(value))) as server:
        assert complaint in await unknown(document(server))
    if value not in ("1e400", "NaN", "-Infinity") and "9" * 254 not in value:
        async with raw_server(raw.answers(b'{"model_version": {"version": %s}}' % value.encode())) as server:
            assert complaint in await unknown(mlflow(server))


# --- an answer -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [mlflow, document])
@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (raw.answers(HTML, "Content-Type: text/html"), "something else than JSON"),
        (raw.answers(b""), "something else than JSON"),
        (raw.answers(DEEP), "something else than JSON"),
        (raw.answers(b'"\xff\xfe"'), "something else than JSON"),
        (raw.answers(b"x" * (1024 * 1024 + 1)), "more than 1 MiB"),
        (raw.answers(HTML, status="401 Unauthorized"), "HTTP 401: it asks for credentials"),
        (raw.answers(HTML, status="403 Forbidden"), "HTTP 403: it asks for credentials"),
        (raw.answers(HTML, status="404 Not Found"), "HTTP 404: there is no"),
        (raw.answers(HTML, status="503 Service Unavailable"), "HTTP 503: it is starting"),
        (raw.answers(HTML, status="500 Internal Server Error"), "answered with HTTP 500"),
        (raw.answers(b"", status="204 No Content"), "answered with HTTP 204"),
        (raw.answers(b"", f"Location: http://{SECRET}/", status="302 Found"), "redirect (HTTP 302), which is not"),
        (raw.sends(b"SSH-2.0-s3cret\r\n"), "does not answer in HTTP"),
        (raw.hangs_up, "broke the connection off"),
    ],
)
async def test_an_answer_that_can_not_be_used_is_told(kind: Any, answer: raw.Behaviour, complaint: str) -> None:
    async with raw_server(answer) as server:
        said = await unknown(kind(server))
    assert complaint in said
    assert f"at {server.address}" in said


@pytest.mark.parametrize("kind", [mlflow, document])
@pytest.mark.parametrize("answer", [raw.is_silent, raw.drips(raw.http("200 OK", b'{"revision": "v7"}'))])
async def test_an_answer_that_does_not_come_ends_at_the_deadline(kind: Any, answer: raw.Behaviour) -> None:
    async with raw_server(answer) as server:
        assert "gave no complete answer within 200ms" in await unknown(kind(server), deadline=0.2)
        await server.hung_up.wait()


async def test_what_is_compressed_all_the_same_is_not_inflated() -> None:
    bomb = raw.answers(b"\x1f\x8b" + b"\0" * 100, "Content-Encoding: gzip")
    async with raw_server(bomb) as server:
        assert "something else than JSON" in await unknown(document(server))
        assert "accept-encoding: identity" in server.requests[0].lower()


async def test_cookies_are_not_sent_back() -> None:
    async with raw_server(raw.answers(named("7"), "Set-Cookie: session=1")) as server:
        by_name = {"address": f"http://localhost:{server.port}/candidate.json"}  # of numbers none would be kept anyway
        async with source(http=by_name) as one:
            await one.ask(deadline=5)
            await one.ask(deadline=5)
        assert server.connections == 1
        assert "cookie" not in server.requests[1].lower()


async def test_a_proxy_of_the_environment_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async with raw_server(raw.answers(named("1"))) as proxy, raw_server(raw.answers(named("7"))) as server:
        monkeypatch.setenv("http_proxy", proxy.address)
        assert (await ask(document(server))).revision == "7"
        assert proxy.requests == []


async def test_nobody_there_is_told() -> None:
    async with raw_server(raw.is_silent) as server:
        pass
    assert "can't be reached: Connection refused" in await unknown(mlflow(server))
