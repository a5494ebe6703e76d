"""The A/B API in the test's own process, with backends of the test's own."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from mlrollout.server.ab.survey import SURVEY, Survey
from mlrollout.server.app import make
from mlrollout.server.auth.callers import Caller, Callers, Role
from mlrollout.server.backends import BACKENDS, Backends
from mlrollout.server.config import Config
from mlrollout.server.ofrep.ticket import Tickets
from mlrollout.server.rollouts import follow

from tests.components.assignment.place import KEY
from tests.components.server.ab.calls import NAME


class Ops(Callers):
    """Everybody may see and act, and pass ratings on."""

    async def identify(self, request: web.Request) -> Caller | None:  # noqa: ARG002 - the protocol's
        return Caller("ops", frozenset({Role.ADMIN, Role.RATE}))


@asynccontextmanager
async def inside(
    verbs: Any = None, samples: Any = None, survey: Any = None, told: Mapping[str, object] = MappingProxyType({})
) -> AsyncIterator[TestClient[web.Request, web.Application]]:
    """A server that stands on these; whoever asks it may do everything. `told` is what its configuration says."""
    entry = {"name": NAME, "key": KEY, "object": {"namespace": "dispatch", "name": NAME}}
    config = Config.model_validate({"rollouts": [entry], **told})
    rollouts = follow(config, "redis://127.0.0.1:1")
    app = make(config, rollouts, [Ops()], Tickets(b"key"))
    users: Any = None
    app[BACKENDS] = Backends(users, survey, None, samples, None, verbs)
    app[SURVEY] = Survey(config.survey)
    try:
        async with TestClient(TestServer(app)) as client:
            yield client
    finally:
        await asyncio.to_thread(rollouts[NAME].rollout.close)
