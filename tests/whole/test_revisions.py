"""Revisions that come by themselves: a real operator, and what names the revision."""

from collections.abc import Iterator
from typing import Any

import pytest

from devstack.mlflow_server import PYTHON, MlflowServer
from tests.support.model_registry import aliased, register, tell
from tests.whole.house import LONG, House

CONFIG_MAP = {"configMap": {"name": "models", "key": "dispatch"}, "interval": "5s"}


def _named(house: House, revision: str) -> None:
    house.until(lambda: house.status().get("revision") == revision, f"revision {revision}")


def _found(house: House) -> list[str]:
    return [entry["message"] for entry in house.status()["history"] if entry["reason"] == "RevisionFound"]


def test_a_config_map_names_the_revision(house: House) -> None:
    house.apply(revision=None, revisionFrom=CONFIG_MAP, stages=LONG)
    house.until(lambda: house.condition("Ready").get("reason") == "RevisionUnknown", "what is missing")
    assert "ConfigMap" in house.condition("Ready")["message"]

    house.config_map("models", dispatch="ranker-1\n")
    house.until_percentage(10)
    assert house.record["revision"] == "ranker-1"
    (found,) = _found(house)
    assert found.startswith("ConfigMap models/dispatch names revision ranker-1 (by kubectl")

    house.config_map("models", dispatch="ranker-2")
    _named(house, "ranker-2")
    house.until_percentage(10)
    assert house.record["revision"] == "ranker-2"
    assert house.read()["spec"]["revisionFrom"]["configMap"] == CONFIG_MAP["configMap"], "nobody writes the spec"
    assert "ranker-2" in house.kubectl("get", "mlr")


def test_what_names_nothing_changes_nothing(house: House) -> None:
    house.config_map("models", dispatch="ranker-1")
    house.apply(revision=None, revisionFrom=CONFIG_MAP, stages=LONG)
    house.until_percentage(10)
    for nonsense in ("", "two\nlines", "x" * 1000):
        house.config_map("models", dispatch=nonsense)
        house.until(lambda: house.events("RevisionUnknown"), "the Event")
    house.kubectl("delete", "configmap", "models")
    house.annotate("promote", "still guarded")
    house.until_percentage(100)
    assert house.status()["attempt"] == 1


def test_one_that_waits_begins_on_a_person_s_word(house: House) -> None:
    house.config_map("models", dispatch="ranker-1")
    house.apply(revision=None, revisionFrom={**CONFIG_MAP, "approval": "Manual"}, stages=LONG)
    house.until_percentage(10)
    house.config_map("models", dispatch="ranker-2")
    house.until(lambda: house.status().get("waiting", {}).get("revision") == "ranker-2", "what waits")
    assert house.percentage == "10"
    house.annotate("approve", "looks well")
    house.until(lambda: "VerbRefused" in house.reasons(), "a refusal")
    house.annotate("approve", "ranker-2 looks well")
    _named(house, "ranker-2")
    house.until_percentage(10)
    assert house.status().get("waiting") is None


@pytest.fixture(scope="module")
def mlflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowServer]:
    if not PYTHON.exists():
        pytest.skip("needs MLflow: make .venv-mlflow/ready")
    with MlflowServer(tmp_path_factory.mktemp("mlflow")) as server:
        yield server


@pytest.mark.long
def test_a_registry_s_candidate_becomes_its_champion_and_a_bad_one_does_not(
    mlflow: MlflowServer, vacant_house: House
) -> None:
    house = vacant_house
    house.stack.start_operator(env={"MLROLLOUT_ALLOWED_REVISION_SOURCES": mlflow.url})
    tell(mlflow, "registered-models/create", name="dispatch")
    register(mlflow, "dispatch", 1, "candidate")
    asked: dict[str, Any] = {"address": mlflow.url, "model": "dispatch", "onCompletion": "champion"}
    house.apply(revision=None, revisionFrom={"mlflow": asked, "interval": "5s"})
    house.until(lambda: aliased(mlflow, "dispatch", "champion") == "1", "the champion")
    house.until(lambda: "AliasSet" in house.reasons(), "the word of it")

    register(mlflow, "dispatch", 2, "candidate")
    _named(house, "2")
    house.until_percentage(10)
    house.errors(0.5)
    house.until(lambda: "RolledBack" in house.reasons(), "the rollback")
    assert (house.percentage, aliased(mlflow, "dispatch", "champion")) == ("0", "1")
