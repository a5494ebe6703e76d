"""The service with a folder of models: it serves whichever the rollout names, and no other."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from dispatch.deployed import NONE_YET, Named
from dispatch.model import ModelError
from dispatch.train import MODELS
from mlrollout import Rollout

from devstack.redis_server import RedisServer
from tests.dispatch.api.place import Place, running


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    held = json.loads((MODELS / "ranker-1.json").read_text())
    for version in ("1", "2"):
        (folder / f"{version}.json").write_text(json.dumps(held | {"revision": version}))
    (folder / "3.json").write_text("<html>504</html>")
    return folder


@pytest.fixture(scope="module")
def service(redis_server: RedisServer, models: Path) -> Iterator[Place]:
    with running(redis_server, models=models) as place:
        yield place


def test_each_version_is_served_while_the_rollout_names_it(service: Place) -> None:
    person = service.person()
    order = person.orders()[0]["id"]

    for version in ("1", "2", "1"):
        service.put(100, version, served=True)
        assert person.optimize(order).json()["model"] == version
        assert person.http.get("/api/config").json()["revision"] == version
    service.put(0, "2", served=True)
    assert person.optimize(order).status_code == 403


@pytest.mark.parametrize("broken", ["3", "4", "../1", "a" * 64])
def test_one_that_cant_be_loaded_leaves_legacy_and_counts_as_failure(service: Place, broken: str) -> None:
    person = service.person()
    order = person.orders()[0]["id"]
    before = service.metric("ml_dispatch_total", group="treatment", status="failure")

    service.put(100, broken, served=True)

    assert person.optimize(order).status_code == 503
    assert person.nearest(order)
    assert service.metric("ml_dispatch_total", group="treatment", status="failure") > before


def test_before_any_rollout_there_is_nothing_to_serve(models: Path) -> None:
    with Rollout("nobody:percentage", redis="redis://127.0.0.1:9/0") as rollout:
        named = Named(models, rollout)

        assert named.revision == NONE_YET
        with pytest.raises(ModelError):
            named.model(NONE_YET)


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../1", "/etc/passwd", "1\n", "a/b", "1\x00", "é", ".hidden", "x" * 64]
)
def test_no_revision_leads_out_of_the_folder(models: Path, name: str) -> None:
    with (
        Rollout("nobody:percentage", redis="redis://127.0.0.1:9/0") as rollout,
        pytest.raises(ModelError, match="name"),
    ):
        Named(models, rollout).model(name)
