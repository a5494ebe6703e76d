"""Receivers on loopback, and messages for them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

import pytest
from aiosmtpd.smtp import SMTP
from mlrollout.adapters.receivers import helper
from mlrollout.adapters.receivers import receivers as receiving
from mlrollout.adapters.receivers.networks import networks
from mlrollout.adapters.receivers.receivers import AnyReceivers
from mlrollout.api.notification import Topic
from mlrollout.notify.config import NotificationConfig
from mlrollout.notify.message import OutgoingMessage, compose, finished
from mlrollout.notify.samples import sample_notices, sample_object
from mlrollout.notify.wording import wording

from tests.components.receivers.services import ROOT, Mailbox, Service, service

NOW = 1_800_000_000.0

Make = Callable[..., AnyReceivers]


class Wall:
    """A clock that stands still."""

    def now(self) -> float:
        return NOW


@pytest.fixture
async def make(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Make]:
    """Makes receivers that are closed afterwards; of the networks that objects may name, loopback is one if asked."""
    # On a busy machine the library alone can take the seconds that an operator gives it.
    monkeypatch.setattr(receiving, "SEND_WITHIN", 90.0)
    made: list[AnyReceivers] = []

    def receivers(*allowed: str) -> AnyReceivers:
        made.append(AnyReceivers(networks(allowed), Wall()))
        return made[-1]

    yield receivers
    for one in made:
        await one.close()


def messages() -> Sequence[OutgoingMessage]:
    about = sample_object(NotificationConfig(cluster="eu-1"))
    return [finished(compose(notice, about, wording(notice, about))) for notice in sample_notices(NOW)]


@pytest.fixture
def message() -> OutgoingMessage:
    """A rollback's."""
    return next(one for one in messages() if one.notice.topic is Topic.ROLLED_BACK)


@pytest.fixture
async def double(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Service]:
    """A service whose endpoint the plugins know."""
    async with service() as found:
        monkeypatch.setenv("LANG", f"http://127.0.0.1:{found.port}")
        monkeypatch.setattr(helper, "_MODULE", "tests.components.receivers.doubled_process")
        monkeypatch.chdir(ROOT)
        yield found


@pytest.fixture
async def mail() -> AsyncIterator[tuple[Mailbox, int]]:
    """A mail server, and its port."""
    box = Mailbox()
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(box), "127.0.0.1", 0)
    async with server:
        yield box, server.sockets[0].getsockname()[1]
