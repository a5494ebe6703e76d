from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from devstack.control_plane import ControlPlane
from devstack.redis_server import RedisServer
from tests.cluster.server.house import DOCUMENTED, House
from tests.components.server.ab.calls import ClusterServer


@pytest.fixture(scope="session")
def account(control_plane: ControlPlane) -> Path:
    """The server's kubeconfig, with exactly the rights that the documentation grants."""
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "mlrollout-system"}}
    subject = {"apiVersion": "v1", "kind": "ServiceAccount"}
    subject["metadata"] = {"name": "mlrollout-server", "namespace": "mlrollout-system"}  # type: ignore[assignment]  # nested
    control_plane.apply("\n---\n".join([yaml.safe_dump(namespace), yaml.safe_dump(subject), DOCUMENTED]))
    return control_plane.kubeconfig_for("mlrollout-system", "mlrollout-server")


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    with RedisServer() as running:
        yield running


@pytest.fixture
def house(control_plane: ControlPlane, redis_server: RedisServer, account: Path) -> Iterator[House]:
    """An object, a server that may act on it, and people who may do this and that."""
    found = House(control_plane)
    with ClusterServer(redis_server.url, account, found.config) as server:
        found.server = server
        yield found


@pytest.fixture
def own_control_plane() -> Iterator[ControlPlane]:
    """One that the test may break."""
    with ControlPlane() as running:
        yield running
