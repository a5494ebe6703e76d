"""Which addresses are asked, and what each of them is shown."""

import pytest
from mlrollout.api.revision_from import RevisionFrom
from mlrollout.ports import RevisionNotAllowedError

from tests.components.revisions.asking import Cluster, ask, source, sources, unknown
from tests.support import raw_server as raw
from tests.support.raw_server import RawServer, raw_server

GOOD = raw.answers(b'{"revision": "v7", "model_version": {"version": "7"}}')
TENANT = Cluster({"tenant": {"token": b"t0ken\n", "url": b"redis://else"}})


def headers(server: RawServer) -> list[str]:
    return server.requests[-1].partition("\r\n\r\n")[0].split("\r\n")


@pytest.mark.parametrize("kind", ["mlflow", "http"])
async def test_a_secret_is_shown_to_the_source_that_names_it(kind: str) -> None:
    async with raw_server(GOOD) as server:
        named = {"address": server.address, "model": "dispatch", "secretRef": {"name": "tenant"}}
        await ask(source(TENANT, **{kind: named}))
        assert "Authorization: Bearer t0ken" in headers(server)


async def test_it_is_shown_to_nobody_else_at_the_same_address() -> None:
    async with raw_server(GOOD) as server, sources(server.address, cluster=TENANT) as made:
        for secret in ({"secretRef": {"name": "tenant"}}, {}):
            named = RevisionFrom.model_validate({"http": {"address": server.address, **secret}})
            await made.source("dispatch", named).ask(deadline=5)
        assert server.connections == 2
        assert not any(line.startswith("Authorization") for line in headers(server))


async def test_those_of_one_address_share_its_connections() -> None:
    async with raw_server(GOOD) as server, sources(server.address) as made:
        for model in ("dispatch", "pricing"):
            named = RevisionFrom.model_validate({"mlflow": {"address": server.address, "model": model}})
            await made.source("any", named).ask(deadline=5)
        assert (len(server.requests), server.connections) == (2, 1)


@pytest.mark.parametrize(
    ("held", "complaint"),
    [
        ({}, "Could not read the Secret dispatch/tenant"),
        ({"tenant": {"username": b"half"}}, "has one of username and password"),
        ({"tenant": {"token": b"s3cret\ntwo"}}, "token holds no single line of text"),
    ],
)
async def test_without_what_should_be_shown_nobody_is_asked(held: dict[str, dict[str, bytes]], complaint: str) -> None:
    async with raw_server(GOOD) as server:
        named = {"address": server.address, "secretRef": {"name": "tenant"}}
        assert complaint in await unknown(source(Cluster(held), http=named))
        assert server.requests == []


async def test_a_secret_that_can_not_be_read_in_time_ends_at_the_deadline() -> None:
    async with raw_server(GOOD) as server:
        named = {"address": server.address, "secretRef": {"name": "tenant"}}
        said = await unknown(source(Cluster(hangs=True), http=named), deadline=0.1)
    assert said == "the Secret dispatch/tenant could not be read within 100ms"


async def test_a_redirect_to_an_allowed_address_is_not_followed_either() -> None:
    async with raw_server(GOOD) as other:
        away = raw.answers(b"", f"Location: {other.address}/", status="307 Temporary Redirect")
        async with raw_server(away) as server, sources("http://127.0.0.1:*") as made:
            named = RevisionFrom.model_validate({"http": {"address": server.address}})
            with pytest.raises(Exception, match="redirect"):
                await made.source("dispatch", named).ask(deadline=5)
        assert other.requests == []


@pytest.mark.parametrize(
    "address", ["http://mlflow.ml.evil.example:5000", "http://mlflow.ml:5000/../x", "http://mlflow"]
)
async def test_what_no_pattern_stands_for_is_not_asked(address: str) -> None:
    named = RevisionFrom.model_validate({"mlflow": {"address": address, "model": "dispatch"}})
    async with sources("http://mlflow.*:5000") as made:
        with pytest.raises(RevisionNotAllowedError, match="allowedRevisionSources"):
            made.source("dispatch", named)
