"""What Apprise sends, by its own plugins and from its own process, to doubles of services' endpoints on loopback."""

import asyncio
import json
import ssl
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from aiosmtpd.smtp import SMTP
from mlrollout.notify.address import address
from mlrollout.notify.message import OutgoingMessage
from mlrollout.ports import MessageRefusedError, ReceiverError

from devstack import certificates
from tests.components.receivers.conftest import Make, messages
from tests.components.receivers.services import SECRET, Mailbox, Service, mailto, service
from tests.support import raw_server as raw
from tests.support.raw_server import raw_server

TITLE = "[eu-1] example/notify-test ROLLED BACK 30 % → 0 %"


async def test_slack(make: Make, message: OutgoingMessage, double: Service) -> None:
    await make().send(address("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#oncall"), message)
    ((path, _, _),) = double.got
    assert path == "/slack/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
    (attachment,) = double.sent["attachments"]
    assert (attachment["title"], double.sent["channel"]) == (TITLE, "#oncall")
    assert "guardrail errors: 0.071 is above max 0.05 (window 5m, 1240 samples)" in attachment["text"]


async def test_the_address_that_slack_shows_is_slack_s(make: Make, message: OutgoingMessage, double: Service) -> None:
    url = "https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
    await make().send(address(url), message)
    assert double.sent["attachments"][0]["title"] == TITLE


async def test_pagerduty_knows_a_repeat(make: Make, message: OutgoingMessage, double: Service) -> None:
    await make().send(address(f"pagerduty://{'a' * 32}@{'b' * 20}"), message)
    assert double.sent["payload"]["severity"] == "critical"
    assert double.sent["payload"]["summary"].startswith(TITLE)
    assert double.sent["dedup_key"] == message.id


async def test_opsgenie_knows_a_repeat(make: Make, message: OutgoingMessage, double: Service) -> None:
    await make().send(address("opsgenie://8b799edf-6f98-4d3a-9be7-2862fb4e5752"), message)
    assert double.sent["message"] == TITLE
    assert double.sent["alias"] == message.id


async def test_a_text_message_is_one_line_in_a_phone_s_letters(
    make: Make, message: OutgoingMessage, double: Service
) -> None:
    await make().send(address(f"twilio://AC{'a' * 32}:{'b' * 32}@15551234567/15557654321"), message)
    ((_, _, body),) = double.got
    (text,) = parse_qs(body)["Body"]
    assert text.startswith(
        "[eu-1] example/notify-test ROLLED BACK 30 % -> 0 %: 30 % -> 0 %: guardrail errors: 0.071 is"
    )
    assert text.isascii()
    assert len(text) <= 160


async def test_teams(make: Make, message: OutgoingMessage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = certificates.make(tmp_path)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(made.certificate, made.key)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(made.ca))
    async with service(tls) as double:
        await make().send(address(f"workflows://127.0.0.1:{double.port}/{'a' * 32}/{'b' * 43}/"), message)
        ((path, _, body),) = double.got
    assert path.startswith(f"/workflows/{'a' * 32}/triggers/manual/paths/invoke")
    assert "30 % \\u2192 0 %" in body


async def test_mail(make: Make, message: OutgoingMessage, mail: Any) -> None:
    box, port = mail
    await make().send(address(mailto(port)), message)
    (envelope,) = box.taken
    assert envelope.rcpt_tos == ["oncall@example.com"]
    found = message_from_bytes(envelope.content, policy=policy.default)
    assert found["Subject"] == TITLE
    body = found.get_body(("plain", "html"))
    assert body is not None
    assert "Users are safe: it can wait until morning." in body.get_content()


async def test_mail_goes_by_the_authorities_of_ssl_cert_file_as_webhooks_do(
    make: Make, message: OutgoingMessage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, box = certificates.make(tmp_path), Mailbox()
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(made.certificate, made.key)
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(box), "127.0.0.1", 0, ssl=tls)
    async with server:
        to = address(f"{mailto(server.sockets[0].getsockname()[1]).replace('mailto:', 'mailtos:')}&mode=ssl")
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(made.ca))
        with pytest.raises(ReceiverError, match="no TLS connection could be made; check its certificate"):
            await make().send(to, message)
        monkeypatch.setenv("SSL_CERT_FILE", str(made.ca))
        await make().send(to, message)
    assert len(box.taken) == 1


async def test_a_mail_server_s_refusal_is_told_by_its_number(make: Make, message: OutgoingMessage, mail: Any) -> None:
    box, port = mail
    box.answer = f"554 {SECRET}"
    with pytest.raises(ReceiverError, match=r"^answered with SMTP 554$"):
        await make().send(address(mailto(port)), message)


async def test_every_topic_arrives(make: Make) -> None:
    sender = make()
    async with service() as double:
        for one in messages():
            await sender.send(address(f"json://127.0.0.1:{double.port}/x"), one)
        types = {body["title"]: body["type"] for body in (json.loads(body) for _, _, body in double.got)}
    assert len(types) == 8
    assert {kind for title, kind in types.items() if "complete" in title} == {"success"}


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (302, "answered with HTTP 302: a redirect, which is not followed: name the address it leads to"),
        (404, "answered with HTTP 404: there is nothing at this address: check it"),
        (500, "answered with HTTP 500"),
    ],
)
async def test_what_a_service_answers_is_told_by_its_number(
    make: Make, message: OutgoingMessage, status: int, said: str
) -> None:
    async with service() as double:
        double.status = status
        double.headers = {"Location": f"http://127.0.0.1:{double.port}/elsewhere"}
        with pytest.raises(ReceiverError) as found:
            await make().send(address(f"json://127.0.0.1:{double.port}/{SECRET}?redirect=yes"), message)
        assert str(found.value) == said
        assert len(double.got) == 1


async def test_how_long_a_service_wants_to_be_left_alone_is_read(make: Make, message: OutgoingMessage) -> None:
    async with service() as double:
        double.status, double.headers = 429, {"Retry-After": "77"}
        with pytest.raises(ReceiverError) as found:
            await make().send(address(f"json://127.0.0.1:{double.port}/"), message)
        assert found.value.retry_after == 77
        double.status = 400
        with pytest.raises(MessageRefusedError):
            await make().send(address(f"json://127.0.0.1:{double.port}/"), message)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("nonsense://x", "is no address that Apprise understands"),
        ("json://127.0.0.1:1/", "can't be reached: Connection refused"),
        ("mailto://127.0.0.1:1?from=a@example.com&to=b@example.com", "can't be reached: Connection refused"),
    ],
)
async def test_who_is_not_there_is_told(make: Make, message: OutgoingMessage, url: str, said: str) -> None:
    with pytest.raises(ReceiverError) as found:
        await make().send(address(url), message)
    assert str(found.value) == said


@pytest.mark.parametrize(
    ("behaviour", "said"),
    [
        (raw.is_silent, "gave no answer in time"),
        (raw.hangs_up, "broke the connection off before its answer was complete"),
    ],
    ids=["is silent", "hangs up"],
)
async def test_a_service_without_an_answer_is_told(
    make: Make, message: OutgoingMessage, behaviour: raw.Behaviour, said: str
) -> None:
    async with raw_server(behaviour) as server:
        with pytest.raises(ReceiverError) as found:
            await make().send(address(f"json://127.0.0.1:{server.port}/?rto=0.2"), message)
    assert str(found.value) == said


async def test_a_bad_certificate_is_told(make: Make, message: OutgoingMessage, tmp_path: Path) -> None:
    made = certificates.make(tmp_path)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(made.certificate, made.key)
    async with service(tls) as double:
        with pytest.raises(ReceiverError, match="no TLS connection could be made; check its certificate"):
            await make().send(address(f"jsons://127.0.0.1:{double.port}/"), message)
