"""The registry as MLflow's own server answers."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from dispatch.model import load
from learner.enrol import enrol
from learner.pretend import pretend
from learner.registry import Registry

from devstack.mlflow_server import PYTHON, MlflowServer

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not PYTHON.exists(), reason="MLflow is not installed: make .venv-mlflow/ready"),
]


@pytest.fixture(scope="module")
def registry() -> Iterator[Registry]:
    with MlflowServer() as server:
        yield Registry(server.url, "dispatch")


def test_a_candidate_becomes_a_version_that_an_alias_names(registry: Registry, tmp_path: Path) -> None:
    assert registry.version_of("candidate") is None  # there is no such model

    first = enrol(registry, tmp_path, pretend("season"), "by hand")
    assert registry.version_of("candidate") is None  # there is no such alias
    registry.point("candidate", first)
    second = enrol(registry, tmp_path, pretend("season"), "again")
    assert registry.version_of("candidate") == first
    registry.point("candidate", second)

    assert (first, second, registry.version_of("candidate")) == ("1", "2", "2")
    assert {load(tmp_path / f"{version}.json").revision for version in (first, second)} == {"1", "2"}
