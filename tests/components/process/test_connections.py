"""What the process makes of its settings for Redis: whom it trusts, and whom it shows its certificate."""

from collections.abc import AsyncIterator

import pytest
from mlrollout.api.spec import Spec
from mlrollout.domain.traffic import Traffic
from mlrollout.ports import Ref, TrafficError
from mlrollout.runtime.connections import Directory
from mlrollout.runtime.process import _directory
from mlrollout.runtime.settings import load

from devstack.redis_server import RedisServer
from tests.support.objects import MINIMAL

KEY = "ml_dispatch:rollout_percentage"
OWN = Spec.model_validate(MINIMAL["spec"] | {"traffic": {"key": KEY}})
THEIRS = Spec.model_validate(
    MINIMAL["spec"] | {"traffic": {"key": KEY, "redis": {"secretRef": {"name": "redis", "key": "url"}}}}
)
REF = Ref("dispatch", "ml-dispatch")


class OneSecret:
    """Every Secret holds this URL."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def read(self, *_where: str) -> str:
        """What the Secret holds."""
        return self._url


@pytest.fixture
async def directory() -> AsyncIterator[Directory]:
    """The connections of an operator whose Redis has a private authority, and asks for a certificate."""
    with RedisServer(tls=True) as server:
        assert server.tls
        environment = {
            "MLROLLOUT_REDIS_URL": server.url,
            "MLROLLOUT_REDIS_CA": str(server.ca_file),
            "MLROLLOUT_REDIS_CERTIFICATE": str(server.tls.certificate),
            "MLROLLOUT_REDIS_KEY": str(server.tls.key),
        }
        server.cli("config", "set", "tls-auth-clients", "optional")
        made = _directory(load(environment), OneSecret(server.url))
        assert await (await made.store(REF, THEIRS)).read(KEY) == Traffic(None, None), "the authority is trusted"
        server.cli("config", "set", "tls-auth-clients", "yes")
        await made.close()
        made = _directory(load(environment), OneSecret(server.url))
        yield made
        await made.close()


async def test_its_own_redis_is_shown_the_operators_certificate(directory: Directory) -> None:
    assert await (await directory.store(REF, OWN)).read(KEY) == Traffic(None, None)


async def test_an_objects_redis_is_not_for_anybody_may_stand_there(directory: Directory) -> None:
    with pytest.raises(TrafficError, match="client's certificate"):
        await (await directory.store(REF, THEIRS)).read(KEY)
