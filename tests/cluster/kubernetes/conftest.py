from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from mlrollout.adapters.kubernetes import Client, connect

from devstack.control_plane import ControlPlane
from tests.support.places import OPERATOR_RULES, Place

Connecting = Callable[..., Awaitable[Client]]


@pytest.fixture
def place(control_plane: ControlPlane) -> Place:
    return Place(control_plane)


@pytest.fixture
async def connecting(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Connecting]:
    """Connects with a kubeconfig, for the length of the test."""
    async with AsyncExitStack() as open_clients:

        async def connected(kubeconfig: Path | str, deadline: float = 10) -> Client:
            monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
            return await open_clients.enter_async_context(await connect(deadline))

        yield connected


@pytest.fixture
async def admin(control_plane: ControlPlane, connecting: Connecting) -> Client:
    return await connecting(control_plane.kubeconfig)


@pytest.fixture(params=["admin", "operator"])
async def client(request: pytest.FixtureRequest, place: Place, connecting: Connecting) -> Client:
    """As the administrator, and with no more rights than the operator has."""
    if request.param == "admin":
        return await connecting(place.control_plane.kubeconfig)
    return await connecting(place.account("operator", OPERATOR_RULES))
