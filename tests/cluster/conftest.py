from collections.abc import Iterator
from pathlib import Path

import pytest

from devstack.control_plane import ControlPlane

CRD = Path(__file__).parents[2] / "crds" / "mlrollout.dev_mlrollouts.yaml"


@pytest.fixture(scope="session")
def control_plane() -> Iterator[ControlPlane]:
    """An API server that knows `MLRollout`, one per test worker."""
    with ControlPlane() as running:
        running.apply(CRD.read_text())
        running.kubectl("wait", "--for=condition=Established", "--timeout=30s", "-f", str(CRD))
        yield running
