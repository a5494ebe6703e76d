from collections.abc import Iterator

import pytest

from devstack.chart import install_crds
from devstack.control_plane import ControlPlane


@pytest.fixture(scope="session")
def control_plane() -> Iterator[ControlPlane]:
    """An API server that knows `MLRollout`, one per test worker."""
    with ControlPlane() as running:
        install_crds(running)
        yield running
