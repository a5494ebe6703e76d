"""What the process makes of its settings for Redis and Prometheus: whom it trusts, and whom it shows what it has."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from mlrollout.adapters.revisions import AllowedRevisionSources
from mlrollout.api.secret_ref import SecretRef
from mlrollout.api.spec import Prometheus, Spec
from mlrollout.domain.traffic import Traffic
from mlrollout.ports import Ref, TrafficError
from mlrollout.runtime.connections import Directory
from mlrollout.runtime.process import _directory
from mlrollout.runtime.settings import load
from mlrollout.startup.settings import SettingsError

from devstack.redis_server import RedisServer
from tests.support.sample import MINIMAL

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

    async def read_all(self, *_where: str) -> Mapping[str, bytes]:
        """Likewise."""
        return {"token": self._url.encode()}


def _made(environment: Mapping[str, str], held: str) -> Directory:
    """The connections of an operator with this environment, where every Secret holds this."""
    secrets: Any = OneSecret(held)
    return _directory(load(environment), secrets, AllowedRevisionSources((), secrets, secrets))


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
        made = _made(environment, server.url)
        assert await (await made.store(REF, THEIRS)).read(KEY) == Traffic(None, None), "the authority is trusted"
        server.cli("config", "set", "tls-auth-clients", "yes")
        await made.close()
        made = _made(environment, server.url)
        yield made
        await made.close()


async def test_its_own_redis_is_shown_the_operators_certificate(directory: Directory) -> None:
    assert await (await directory.store(REF, OWN)).read(KEY) == Traffic(None, None)


async def test_an_objects_redis_is_not_for_anybody_may_stand_there(directory: Directory) -> None:
    with pytest.raises(TrafficError, match="client's certificate"):
        await (await directory.store(REF, THEIRS)).read(KEY)


async def test_what_its_own_prometheus_is_shown_no_other_is(tmp_path: Path) -> None:
    """An object may name any address that is allowed, and its own namespace's people stand there."""
    (tmp_path / "token").write_text("t0ken")
    asked: list[str | None] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.headers.get("Authorization"))
        return web.json_response({"status": "success", "data": {"resultType": "vector", "result": []}})

    app = web.Application()
    app.router.add_post("/api/v1/query", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    own, other = f"http://127.0.0.1:{port}", f"http://localhost:{port}"
    environment = {
        "MLROLLOUT_PROMETHEUS_URL": own,
        "MLROLLOUT_PROMETHEUS_AUTH": str(tmp_path),
        "MLROLLOUT_ALLOWED_PROMETHEUS": other,
    }
    directory = _made(environment, "tenant")
    mine = SecretRef(name="mine")
    named = (
        Prometheus(address=other),
        Prometheus(address=other, secret_ref=mine),
        Prometheus(address=own, secret_ref=mine),
    )
    try:
        for spec in (OWN, *(OWN.model_copy(update={"prometheus": one}) for one in named)):
            await directory.source(REF, spec).query("up", deadline=5)
    finally:
        await directory.close()
        await runner.cleanup()
    assert asked == ["Bearer t0ken", None, "Bearer tenant", "Bearer tenant"]


def test_what_can_t_be_shown_keeps_the_operator_from_starting_and_says_which_setting(tmp_path: Path) -> None:
    (tmp_path / "username").write_text("half")
    environment = {"MLROLLOUT_PROMETHEUS_URL": "http://a", "MLROLLOUT_PROMETHEUS_AUTH": str(tmp_path)}
    with pytest.raises(SettingsError, match=r"MLROLLOUT_PROMETHEUS_AUTH: .* has one of username and password"):
        _made(environment, "")
