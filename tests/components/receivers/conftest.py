"""Receivers on loopback, and messages for them."""

from collections.abc import AsyncIterator, Callable, Sequence

import pytest
from mlrollout.adapters.receivers.networks import networks
from mlrollout.adapters.receivers.receivers import AnyReceivers
from mlrollout.api.notification import Topic
from mlrollout.notify.config import NotificationConfig
from mlrollout.notify.message import OutgoingMessage, compose, finished
from mlrollout.notify.samples import sample_notices, sample_object
from mlrollout.notify.wording import wording

NOW = 1_800_000_000.0

Make = Callable[..., AnyReceivers]


class Wall:
    """A clock that stands still."""

    def now(self) -> float:
        return NOW


@pytest.fixture
async def make() -> AsyncIterator[Make]:
    """Makes receivers that are closed afterwards; of the networks that objects may name, loopback is one if asked."""
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
