"""Connections that die, certificates that nobody vouches for, and addresses that are none."""

import asyncio
import ssl
from pathlib import Path

import pytest
from mlrollout.adapters.prometheus import PrometheusSource
from mlrollout.ports import SourceError

from devstack import certificates
from tests.components.prometheus.asking import GOOD, SECRET, asking, refused
from tests.support import raw_server as raw
from tests.support.raw_server import raw_server

# --- the connection --------------------------------------------------------------------------


async def test_a_connection_is_used_again() -> None:
    async with raw_server(GOOD) as server, asking(server.address) as ask:
        await ask()
        await ask()
        assert len(server.requests) == 2
        assert server.connections == 1


async def test_a_pooled_connection_that_dies_is_replaced_once() -> None:
    async with raw_server(GOOD, raw.hangs_up, GOOD) as server, asking(server.address) as ask:
        await ask()
        assert (await ask()).samples
        assert (len(server.requests), server.connections) == (3, 2)


async def test_a_server_that_always_hangs_up_is_asked_no_more_than_twice() -> None:
    async with raw_server(GOOD, raw.hangs_up) as server, asking(server.address) as ask:
        await ask()
        with pytest.raises(SourceError, match="broke the connection off"):
            await ask()
        assert len(server.requests) == 3


async def test_a_fresh_connection_that_dies_is_not_tried_again() -> None:
    async with raw_server(raw.hangs_up) as server:
        assert await refused(server) == "broke the connection off before its answer was complete"
        assert len(server.requests) == 1


async def test_an_answer_that_breaks_off_is_none_and_not_asked_for_again() -> None:
    async def break_off(writer: asyncio.StreamWriter) -> None:
        writer.write(raw.http("200 OK", raw.vector("0.01"))[:-5])
        await writer.drain()
        writer.close()

    async with raw_server(GOOD, break_off) as server, asking(server.address) as ask:
        await ask()
        with pytest.raises(SourceError, match="broke the connection off"):
            await ask()
        assert len(server.requests) == 2


async def test_what_does_not_speak_http_is_told() -> None:
    async with raw_server(raw.sends(b"SSH-2.0-s3cret\r\n")) as server:
        assert await refused(server) == "does not answer in HTTP: check the address"


async def test_what_does_not_speak_tls_is_told() -> None:
    async def speak(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"this is not the TLS you are looking for")
        writer.close()

    async with await asyncio.start_server(speak, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with asking(f"https://127.0.0.1:{port}") as ask:
            with pytest.raises(SourceError, match="no TLS connection could be made"):
                await ask()


async def test_a_certificate_that_nobody_vouches_for_is_not_accepted(tmp_path: Path) -> None:
    made = certificates.make(tmp_path)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(made.certificate, made.key)
    async with await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0, ssl=tls) as server:
        port = server.sockets[0].getsockname()[1]
        async with asking(f"https://127.0.0.1:{port}") as ask:
            with pytest.raises(SourceError, match="check its certificate"):
                await ask()


async def test_a_name_without_an_address_is_told() -> None:
    async with asking(f"http://{'a' * 70}.example") as ask:
        with pytest.raises(SourceError, match="its name has no address"):
            await ask()


async def test_a_closed_source_refuses() -> None:
    async with asking("http://127.0.0.1:9") as ask:
        pass
    with pytest.raises(SourceError, match="is not asked any more"):
        await ask()


# --- the address -----------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/prometheus", "/a/b/"])
async def test_the_api_may_stand_behind_a_path(path: str) -> None:
    async with raw_server(GOOD) as server, asking(server.address + path) as ask:
        await ask()
        assert server.requests[0].startswith(f"POST {path.rstrip('/')}/api/v1/query HTTP/1.1\r\n")


@pytest.mark.parametrize(
    "address",
    [
        "http://user:s3cret@host:9090",
        "http://s3cret@host",
        "http://host:9090?token=s3cret",
        "http://host:port-s3cret",
        "ftp://host/s3cret",
        "host:9090",
        "http:///s3cret",
        "",
    ],
)
async def test_an_address_that_is_none_or_holds_a_secret_is_refused_without_repeating_it(address: str) -> None:
    with pytest.raises(ValueError, match="without user name, password or query") as error:
        PrometheusSource(address)
    assert SECRET not in str(error.value)
    assert error.value.__cause__ is None
