"""Where in a JSON document a revision stands."""

import json

import pytest
from mlrollout.ports import NamedRevision

from tests.components.revisions.asking import ask, document, unknown
from tests.support import raw_server as raw
from tests.support.raw_server import raw_server

RFC = {
    "foo": ["bar", "baz"],
    "": 0,
    "a/b": 1,
    "c%d": 2,
    "e^f": 3,
    "g|h": 4,
    "i\\j": 5,
    'k"l': 6,
    "m~n": 8,
    "~1": "tilde",
    "models": [{"version": "v1"}, {"version": "v2"}],
}
"""The example of RFC 6901, and more; without the one that has a space, which the object's schema refuses."""


@pytest.mark.parametrize(
    ("pointer", "revision"),
    [
        ("/foo/0", "bar"),
        ("/", "0"),
        ("/a~1b", "1"),
        ("/c%d", "2"),
        ("/e^f", "3"),
        ("/g|h", "4"),
        ("/i\\j", "5"),
        ('/k"l', "6"),
        ("/m~0n", "8"),
        ("/~01", "tilde"),
        ("/models/1/version", "v2"),
    ],
)
async def test_a_pointer_leads_to_it(pointer: str, revision: str) -> None:
    async with raw_server(raw.answers(json.dumps(RFC).encode())) as server:
        assert await ask(document(server, pointer=pointer)) == NamedRevision(revision)
        assert server.requests[0].startswith("GET /candidate.json HTTP/1.1\r\n")


@pytest.mark.parametrize("pointer", ["/nothing", "/foo/2", "/foo/-", "/foo/00", "/foo/-1", "/foo/bar", "//x", "/a/b"])
async def test_one_to_nothing_is_told(pointer: str) -> None:
    async with raw_server(raw.answers(json.dumps(RFC).encode())) as server:
        assert f"has nothing at the pointer {pointer!r}" in await unknown(document(server, pointer=pointer))


async def test_the_whole_document_may_be_the_revision() -> None:
    async with raw_server(raw.answers(b'"v7"')) as server:
        assert (await ask(document(server, pointer=""))).revision == "v7"


@pytest.mark.parametrize(
    ("header", "at"),
    [("Thu, 26 Nov 2026 18:00:00 GMT", 1795716000.0), ("yesterday", None), ("Thu, 01 Jan 1900 00:00:00 GMT", None)],
)
async def test_when_it_was_written_is_what_its_server_says(header: str, at: float | None) -> None:
    async with raw_server(raw.answers(b'{"revision": "v7"}', f"Last-Modified: {header}")) as server:
        assert await ask(document(server)) == NamedRevision("v7", at=at)


async def test_what_is_complete_is_told_to_no_document() -> None:
    async with raw_server(raw.is_silent) as server, document(server) as one:
        await one.completed("v7", deadline=5)
        assert server.requests == []
