"""What MLflow itself says: its registry on SQLite."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from devstack.mlflow_server import PYTHON, MlflowServer
from tests.components.revisions.asking import ask, source, unknown
from tests.support.model_registry import tell

pytestmark = [
    pytest.mark.long,  # it takes ten seconds to start
    pytest.mark.skipif(not PYTHON.exists(), reason="needs MLflow: make .venv-mlflow/ready"),
]


@pytest.fixture(scope="module")
def mlflow() -> Iterator[MlflowServer]:
    with MlflowServer() as server:
        tell(server, "registered-models/create", name="dispatch")
        for number in (1, 2):
            tell(server, "model-versions/create", name="dispatch", source=f"dispatch:///models/{number}.json")
        yield server


def names(server: MlflowServer, alias: str = "candidate", model: str = "dispatch", **more: str) -> Any:
    return source(mlflow={"address": server.url, "model": model, "alias": alias, **more})


async def test_the_version_of_an_alias_is_the_revision_and_goes_where_the_alias_goes(mlflow: MlflowServer) -> None:
    for version in ("1", "2", "1"):
        tell(mlflow, "registered-models/alias", name="dispatch", alias="candidate", version=version)
        named = await ask(names(mlflow), deadline=30)
        assert named.revision == version
        assert named.at is not None
        assert named.at > 1.7e9


async def test_its_own_alias_latest_is_the_newest_version(mlflow: MlflowServer) -> None:
    assert (await ask(names(mlflow, "latest"), deadline=30)).revision == "2"


async def test_an_alias_is_set_once_a_version_is_complete(mlflow: MlflowServer) -> None:
    async with names(mlflow, onCompletion="champion") as one:
        for version in ("1", "2", "2"):
            await one.completed(version, deadline=30)
            assert (await ask(names(mlflow, "champion"), deadline=30)).revision == version


@pytest.mark.parametrize(("alias", "model"), [("nobody", "dispatch"), ("candidate", "nobody"), ("a.b", "dispatch")])
async def test_what_it_does_not_have_is_told_by_its_name(mlflow: MlflowServer, alias: str, model: str) -> None:
    assert f"has no alias {alias} of a model {model}: set it there" in await unknown(names(mlflow, alias, model), 30)


async def test_what_is_no_registry_is_told(mlflow: MlflowServer) -> None:
    elsewhere = source(mlflow={"address": f"{mlflow.url}/elsewhere", "model": "dispatch"})
    assert "HTTP 404: there is no registry of MLflow at this address" in await unknown(elsewhere, 30)


async def test_a_name_that_it_does_not_let_itself_be_asked_by_is_told(
    mlflow: MlflowServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of a Service in a cluster, which it does not know unless it is told."""
    look_up = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda _host, *rest, **more: look_up("127.0.0.1", *rest, **more))
    service = source(mlflow={"address": f"http://mlflow.ml:{mlflow.port}", "model": "dispatch"})
    assert "HTTP 403" in (said := await unknown(service, 30))
    assert "see its option --allowed-hosts" in said
