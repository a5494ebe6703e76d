"""Doubles of what Apprise sends to: one of every service's endpoint, and a mail server."""

import json
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web
from aiosmtpd.smtp import SMTP, Envelope, Session

ROOT = Path(__file__).parents[3]
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


class Mailbox:
    """What a mail server took."""

    def __init__(self) -> None:
        self.taken: list[Envelope] = []
        self.answer = "250 OK"

    async def handle_DATA(self, _: SMTP, __: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        self.taken.append(envelope)
        return self.answer


def mailto(port: int) -> str:
    return f"mailto://127.0.0.1:{port}?from=rollouts@example.com&to=oncall@example.com"
