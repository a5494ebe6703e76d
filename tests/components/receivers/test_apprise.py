"""What Apprise sends, by its own plugins and from its own process, to doubles of services' endpoints on loopback."""

import asyncio
import json
import os
import signal
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import apprise
import pytest
from aiohttp import web
from aiosmtpd.smtp import SMTP, Envelope, Session
from mlrollout.adapters.receivers import helper, receivers
from mlrollout.notify.address import address
from mlrollout.notify.config import OperatorReceiver, parse
from mlrollout.notify.message import OutgoingMessage
from mlrollout.notify.samples import sample_notices, sample_object
from mlrollout.ports import MessageRefusedError, ReceiverError, WordingError
from mlrollout.runtime.notifying.composing import template_problem

from devstack import certificates
from tests.components.receivers.conftest import NOW, Make, messages
from tests.support import raw_server as raw
from tests.support.raw_server import raw_server

ROOT = Path(__file__).parents[3]
TITLE = "[eu-1] example/notify-test ROLLED BACK 30 % → 0 %"
SECRET = "s3crets3cret"  # noqa: S105 - what must never be repeated


@dataclass
class Service:
    """A double of every service's endpoint: what was sent to it, and what it answers."""

    port: int = 0
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    got: list[tuple[str, Mapping[str, str], str]] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        self.got.append((request.path_qs, dict(request.headers), await request.text()))
        body = '{"result": "x", "requestId": "y"}' if "opsgenie" in request.path else "ok"
        return web.Response(text=body, status=self.status, headers=self.headers)

    @property
    def sent(self) -> Any:
        """The JSON of the only request."""
        ((_, _, body),) = self.got
        return json.loads(body)


@asynccontextmanager
async def service(tls: ssl.SSLContext | None = None) -> AsyncIterator[Service]:
    double, app = Service(), web.Application()
    app.router.add_route("*", "/{path:.*}", double.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    double.port = runner.addresses[0][1]
    try:
        yield double
    finally:
        await runner.cleanup()


@pytest.fixture
async def double(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Service]:
    """A service whose endpoint the plugins know."""
    async with service() as found:
        monkeypatch.setenv("LANG", f"http://127.0.0.1:{found.port}")
        monkeypatch.setattr(helper, "_MODULE", "tests.components.receivers.doubled_process")
        monkeypatch.chdir(ROOT)
        yield found


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


EXAMPLE = parse((ROOT / "examples" / "notifications.yaml").read_text())


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated")  # of a plugin, all of which are loaded
@pytest.mark.parametrize("receiver", EXAMPLE.receivers, ids=lambda one: one.name)
def test_every_address_of_the_example_is_one(receiver: OperatorReceiver) -> None:
    is_webhook = receiver.address.origin == "https://audit.example.com"
    assert is_webhook or apprise.Apprise.instantiate(receiver.address.url) is not None


async def test_the_templates_of_the_example_can_be_used(make: Make) -> None:
    about = sample_object(EXAMPLE)
    for notice in sample_notices(NOW):
        assert await template_problem(make(), EXAMPLE, notice, about) == ""


class Mailbox:
    """What a mail server took."""

    def __init__(self) -> None:
        self.taken: list[Envelope] = []
        self.answer = "250 OK"

    async def handle_DATA(self, _: SMTP, __: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        self.taken.append(envelope)
        return self.answer


@pytest.fixture
async def mail() -> AsyncIterator[tuple[Mailbox, int]]:
    """A mail server, and its port."""
    box = Mailbox()
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(box), "127.0.0.1", 0)
    async with server:
        yield box, server.sockets[0].getsockname()[1]


def _mailto(port: int) -> str:
    return f"mailto://127.0.0.1:{port}?from=rollouts@example.com&to=oncall@example.com"


async def test_mail(make: Make, message: OutgoingMessage, mail: Any) -> None:
    box, port = mail
    await make().send(address(_mailto(port)), message)
    (envelope,) = box.taken
    assert envelope.rcpt_tos == ["oncall@example.com"]
    found = message_from_bytes(envelope.content, policy=policy.default)
    assert found["Subject"] == TITLE
    body = found.get_body(("plain", "html"))
    assert body is not None
    assert "Users are safe: it can wait until morning." in body.get_content()


async def test_a_mail_server_s_refusal_is_told_by_its_number(make: Make, message: OutgoingMessage, mail: Any) -> None:
    box, port = mail
    box.answer = f"554 {SECRET}"
    with pytest.raises(ReceiverError, match=r"^answered with SMTP 554$"):
        await make().send(address(_mailto(port)), message)


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


async def test_a_bad_certificate_is_told(make: Make, message: OutgoingMessage, tmp_path: Path) -> None:
    made = certificates.make(tmp_path)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(made.certificate, made.key)
    async with service(tls) as double:
        with pytest.raises(ReceiverError, match="no TLS connection could be made; check its certificate"):
            await make().send(address(f"jsons://127.0.0.1:{double.port}/"), message)


@pytest.mark.parametrize("behaviour", [raw.is_silent, raw.drips(raw.http("200 OK", b"x" * 9999))])
async def test_who_hangs_is_ended_and_delays_nobody(
    make: Make, message: OutgoingMessage, behaviour: raw.Behaviour, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receivers, "SEND_WITHIN", 1.0)
    sender = make()
    async with raw_server(behaviour) as server, service() as double:
        hanging = asyncio.ensure_future(sender.send(address(f"json://127.0.0.1:{server.port}/"), message))
        await server.asked(1)
        await sender.send(address(f"json://127.0.0.1:{double.port}/"), message)
        assert not hanging.done()
        with pytest.raises(ReceiverError, match=r"^did not end in time$"):
            await hanging
        await server.hung_up.wait()


async def test_the_process_is_started_anew_where_it_has_ended(make: Make, message: OutgoingMessage) -> None:
    sender = make()
    async with raw_server(raw.is_silent) as server, service() as double:
        hanging = asyncio.ensure_future(sender.send(address(f"json://127.0.0.1:{server.port}/"), message))
        await server.asked(1)
        process = sender._helper._process
        assert process is not None
        os.kill(process.pid, signal.SIGKILL)
        await process.wait()
        await sender.send(address(f"json://127.0.0.1:{double.port}/"), message)
        with pytest.raises(ReceiverError, match="the helper process failed"):
            await hanging
        assert len(double.got) == 1


async def test_what_it_is_told_of_the_environment_holds_no_secret(
    make: Make, message: OutgoingMessage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLROLLOUT_REDIS_URL", f"redis://:{SECRET}@redis")
    sender = make()
    async with service() as double:
        await sender.send(address(f"json://127.0.0.1:{double.port}/"), message)
    process = sender._helper._process
    assert process is not None
    place = Path("/proc") / str(process.pid)
    assert SECRET not in (place / "environ").read_text() + (place / "cmdline").read_text()


# --- what an object may name -----------------------------------------------------------------


async def test_an_object_s_address_may_not_lead_into_the_cluster(make: Make, message: OutgoingMessage) -> None:
    async with service() as double:
        for url in (
            f"json://127.0.0.1:{double.port}/",
            f"mailto://127.0.0.1:{double.port}?from=a@example.com&to=b@example.com",
        ):
            with pytest.raises(ReceiverError, match=r"^may not be sent to: its name leads to no public address"):
                await make().send(address(url, chosen_by_tenant=True), message)
        assert double.got == []


async def test_a_network_that_is_allowed_may_be_named(make: Make, message: OutgoingMessage) -> None:
    async with service() as double:
        await make("127.0.0.0/8").send(address(f"json://127.0.0.1:{double.port}/", chosen_by_tenant=True), message)
        assert len(double.got) == 1


@pytest.mark.parametrize(
    "url",
    [
        "vapid://user@example.com/target?keyfile={file}",
        "fcm://project/device?mode=oauth2&keyfile={file}",
        "mailto://127.0.0.1:{port}?from=a@example.com&to=b@example.com&pgp=yes&pgpkey={file}",
        "syslog://user",
        "dbus://x",
        "gnome://x",
        "macosx://x",
    ],
)
async def test_an_object_s_address_reads_no_file_and_starts_nothing(
    make: Make, message: OutgoingMessage, url: str, tmp_path: Path, mail: Any
) -> None:
    box, port = mail
    file = tmp_path / "token"
    file.write_text(SECRET)
    file.touch()
    os.utime(file, (1, 1))
    before = file.stat().st_atime_ns
    tenant = address(url.format(file=file, port=port), chosen_by_tenant=True)
    with pytest.raises(ReceiverError) as found:
        await make("127.0.0.0/8").send(tenant, message)
    assert SECRET not in str(found.value)
    assert not any(SECRET.encode() in envelope.content for envelope in box.taken)
    assert file.stat().st_atime_ns == before


# --- templates -------------------------------------------------------------------------------


async def test_a_template_is_rendered(make: Make) -> None:
    text = await make().render(
        "{{ name | upper }}: {% for one in labels %}{{ one }}{% endfor %}", {"name": "a", "labels": "xy"}
    )
    assert text == "A: xy"


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{% if", "line 1: unexpected 'end of template'"),
        ("{{ unknown }}", "'unknown' is undefined"),
        ("{{ 1 / 0 }}", "it fails: ZeroDivisionError"),
        ("{{ ''.__class__.__mro__ }}", "it fails: SecurityError"),
        ("{{ cycler.__init__.__globals__.os.system('id') }}", "it fails: SecurityError"),
        ("{% include '/etc/passwd' %}", "it fails: TypeError"),
        ("{{ 'x' * 99999 }}", "it becomes longer than 16384 characters"),
        ("{{ 'x' * 10 ** 10 }}", "it fails: MemoryError"),
        ("{% for i in range(10 ** 9) %}{% endfor %}", "it fails: OverflowError"),
        ("{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}", "did not end in time"),
    ],
)
async def test_a_template_that_can_not_be_used_says_why_and_ends(
    make: Make, template: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receivers, "RENDER_WITHIN", 1.0)
    with pytest.raises(WordingError) as found:
        await make().render(template, {})
    assert said in str(found.value)


async def test_the_loop_goes_on_while_a_template_loops(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receivers, "RENDER_WITHIN", 1.0)
    sender = make()
    await sender.render("x", {})
    loops = "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}"
    rendering = asyncio.ensure_future(sender.render(loops, {}))
    ticks, began = 0, time.monotonic()
    while not rendering.done() and time.monotonic() - began < 30:
        await asyncio.sleep(0.01)
        ticks += 1
    assert ticks > 10
    with pytest.raises(WordingError):
        await rendering
