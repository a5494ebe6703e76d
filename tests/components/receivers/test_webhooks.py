"""Whatever stands at a webhook's address: one request, one bounded answer, and nothing of its words."""

import asyncio
import json
import ssl
from datetime import UTC, datetime
from pathlib import Path

import pytest
from mlrollout.adapters.receivers import webhooks
from mlrollout.notify.address import address
from mlrollout.notify.message import OutgoingMessage
from mlrollout.ports import MessageRefusedError, ReceiverError
from standardwebhooks.webhooks import Webhook

from devstack import certificates
from tests.components.receivers.conftest import NOW, Make
from tests.support import raw_server as raw
from tests.support.raw_server import Behaviour, RawServer, raw_server

SECRET = "s3cret"  # noqa: S105 - what must never be repeated
SIGNING = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
TAKEN = raw.answers(b"", status="204 No Content")


async def failure(make: Make, server: RawServer, message: OutgoingMessage) -> ReceiverError:
    with pytest.raises(ReceiverError) as found:
        await make().send(address(f"{server.address}/{SECRET}"), message)
    assert SECRET not in repr(found.value)
    assert "\n" not in str(found.value)
    return found.value


async def test_a_webhook_gets_one_cloud_event(make: Make, message: OutgoingMessage) -> None:
    async with raw_server(TAKEN) as server:
        await make().send(address(f"{server.address}/hook?x=1"), message)
        (request,) = server.requests
    head, _, body = request.partition("\r\n\r\n")
    assert head.startswith("POST /hook?x=1 HTTP/1.1")
    assert "Content-Type: application/cloudevents+json" in head
    assert "webhook-signature" not in head
    found = json.loads(body)
    assert (found["id"], found["type"]) == (message.id, "dev.mlrollout.RolledBack")
    assert found["data"]["percentage"] == 0


async def test_a_signed_one_is_accepted_by_the_standard_s_own_library(make: Make, message: OutgoingMessage) -> None:
    async with raw_server(TAKEN) as server:
        await make().send(address(server.address, SIGNING), message)
        head, _, body = server.requests[0].partition("\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.split("\r\n")[1:])
    sent = {name.lower(): value for name, value in headers.items()}
    assert sent["webhook-timestamp"] == str(int(NOW))
    assert sent["webhook-id"] == message.id
    signature = Webhook(SIGNING).sign(message.id, datetime.fromtimestamp(NOW, UTC), body)
    assert sent["webhook-signature"] == signature


@pytest.mark.parametrize("status", ["200 OK", "201 Created", "202 Accepted", "204 No Content"])
async def test_any_success_is_one(make: Make, message: OutgoingMessage, status: str) -> None:
    async with raw_server(raw.answers(b"", status=status)) as server:
        await make().send(address(server.address), message)


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("301 Moved", "answered with HTTP 301: a redirect, which is not followed: name the address it leads to"),
        ("302 Found", "answered with HTTP 302: a redirect, which is not followed: name the address it leads to"),
        ("401 No", "answered with HTTP 401: its token or secret is not the one that it asks for"),
        ("404 No", "answered with HTTP 404: there is nothing at this address: check it"),
        ("429 Too much", "answered with HTTP 429: it is sent too much"),
        ("500 Oh", "answered with HTTP 500"),
        ("503 Later", "answered with HTTP 503"),
    ],
)
async def test_any_other_answer_is_told_by_its_number(
    make: Make, message: OutgoingMessage, status: str, said: str
) -> None:
    elsewhere = "Location: http://169.254.169.254/latest/meta-data"
    async with raw_server(raw.answers(SECRET.encode(), elsewhere, status=status)) as server:
        found = await failure(make, server, message)
        assert (type(found), str(found), len(server.requests)) == (ReceiverError, said, 1)


@pytest.mark.parametrize("status", ["400 Bad", "413 Long", "415 What", "422 No"])
async def test_an_answer_about_the_message_is_no_reason_to_send_it_for_ever(
    make: Make, message: OutgoingMessage, status: str
) -> None:
    async with raw_server(raw.answers(b"", status=status)) as server:
        assert isinstance(await failure(make, server, message), MessageRefusedError)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120.0),
        (" 7 ", 7.0),
        ("-1", None),
        ("soon", None),
        ("9" * 400, float("inf")),
        ("Tue, 25 Nov 2025 12:00:00 +0000", 0.0),
    ],
)
async def test_how_long_it_wants_to_be_left_alone_is_read(
    make: Make, message: OutgoingMessage, header: str, seconds: float | None
) -> None:
    async with raw_server(raw.answers(b"", f"Retry-After: {header}", status="429 Too much")) as server:
        assert (await failure(make, server, message)).retry_after == seconds


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(raw.is_silent, id="silence"),
        pytest.param(raw.drips(raw.http("200 OK", b"")), id="slow head"),
        pytest.param(raw.drips(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 9999), id="endless head"),
    ],
)
async def test_the_deadline_holds_for_everything(
    make: Make, message: OutgoingMessage, behaviour: Behaviour, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "DEADLINE", 0.25)
    async with raw_server(behaviour) as server:
        assert str(await failure(make, server, message)) == "gave no answer within 0.25 s"
        await server.hung_up.wait()


async def test_a_body_without_end_is_not_read(make: Make, message: OutgoingMessage) -> None:
    async def floods(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n")
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()

    async with raw_server(floods) as server:
        await make().send(address(server.address), message)
        await server.hung_up.wait()


@pytest.mark.parametrize(
    ("behaviour", "said"),
    [
        (raw.sends(b"SSH-2.0-OpenSSH_9.2\r\n"), "does not answer in HTTP: check the address"),
        (raw.hangs_up, "broke the connection off before its answer was complete"),
    ],
)
async def test_what_is_no_http_is_told(make: Make, message: OutgoingMessage, behaviour: Behaviour, said: str) -> None:
    async with raw_server(behaviour) as server:
        assert str(await failure(make, server, message)) == said


async def test_a_bad_certificate_is_told(make: Make, message: OutgoingMessage, tmp_path: Path) -> None:
    made = certificates.make(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(made.certificate, made.key)
    listener = await asyncio.start_server(lambda _, __: None, "127.0.0.1", 0, ssl=context)
    async with listener:
        port = listener.sockets[0].getsockname()[1]
        with pytest.raises(ReceiverError, match="no TLS connection could be made; check its certificate"):
            await make().send(address(f"https://127.0.0.1:{port}/"), message)


async def test_nobody_there_is_told(make: Make, message: OutgoingMessage) -> None:
    async with raw_server(TAKEN) as server:
        port = server.port
    with pytest.raises(ReceiverError, match="can't be reached: Connection refused"):
        await make().send(address(f"http://127.0.0.1:{port}/"), message)
    with pytest.raises(ReceiverError, match="can't be reached: its name has no address"):
        await make().send(address("https://nobody.invalid/"), message)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0"])
async def test_an_object_may_not_name_this_machine(make: Make, message: OutgoingMessage, host: str) -> None:
    async with raw_server(TAKEN) as server:
        with pytest.raises(ReceiverError, match=r"may not be sent to|is no URL") as found:
            await make().send(address(f"http://{host}:{server.port}/", chosen_by_tenant=True), message)
        assert "127.0.0.1" not in str(found.value)
        assert server.connections == 0


async def test_a_network_that_is_allowed_may_be_named(make: Make, message: OutgoingMessage) -> None:
    async with raw_server(TAKEN) as server:
        await make("127.0.0.0/8").send(address(server.address, chosen_by_tenant=True), message)
        assert len(server.requests) == 1


async def test_what_counts_is_the_address_that_is_connected_to(
    make: Make, message: OutgoingMessage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that had a public address when it was allowed, and has another when it is asked again."""
    async with raw_server(TAKEN) as server:
        loop = asyncio.get_running_loop()

        async def rebound(*_: object, **__: object) -> object:
            return [(2, 1, 6, "", ("127.0.0.1", server.port))]

        monkeypatch.setattr(loop, "getaddrinfo", rebound)
        with pytest.raises(ReceiverError, match="may not be sent to"):
            await make().send(address(f"http://hooks.example.com:{server.port}/", chosen_by_tenant=True), message)
        assert server.connections == 0


async def test_no_proxy_of_the_environment_is_asked(
    make: Make, message: OutgoingMessage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    async with raw_server(TAKEN) as server:
        await make().send(address(server.address), message)


async def test_who_is_closed_says_so(make: Make, message: OutgoingMessage) -> None:
    receivers = make()
    await receivers.close()
    with pytest.raises(ReceiverError, match="the operator ends"):
        await receivers.send(address("http://127.0.0.1:1/"), message)
