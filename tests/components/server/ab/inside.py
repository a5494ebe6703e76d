"""The A/B API in the test's own process, with backends of the test's own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from mlrollout.server.app import make
from mlrollout.server.auth.callers import Caller, Callers, Role
from mlrollout.server.backends import BACKENDS, Backends
from mlrollout.server.config import Config
from mlrollout.server.ofrep.ticket import Tickets
from mlrollout.server.rollouts import follow

from tests.components.assignment.place import KEY
from tests.components.server.ab.calls import NAME


class Ops(Callers):
    """Everybody may see and act."""

    async def identify(self, request: web.Request) -> Caller | None:  # noqa: ARG002 - the protocol's
        return Caller("ops", frozenset({Role.ADMIN}))


@asynccontextmanager
async def inside(verbs: Any, samples: Any = None) -> AsyncIterator[TestClient[web.Request, web.Application]]:
    """A server whose cluster and Prometheus these are; whoever asks it is an administrator."""
    entry = {"name": NAME, "key": KEY, "object": {"namespace": "dispatch", "name": NAME}}
    config = Config.model_validate({"rollouts": [entry]})
    rollouts = follow(config, "redis://127.0.0.1:1")
    none: Any = None
    app = make(config, rollouts, [Ops()], Tickets(b"key"))
    app[BACKENDS] = Backends(none, none, None, samples, None, verbs)
    try:
        async with TestClient(TestServer(app)) as client:
            yield client
    finally:
        await asyncio.to_thread(rollouts[NAME].rollout.close)
