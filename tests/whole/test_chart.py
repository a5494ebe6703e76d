"""The life of a release: installed, upgraded, brought back and taken away while a rollout is under way."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from devstack.errors import DevstackError
from devstack.stack import Stack
from tests.support.helm import CHART, HELMS
from tests.whole.conftest import houses
from tests.whole.house import LONG, House
from tests.whole.releases import OLDER, Release

pytestmark = pytest.mark.long

UNINSTALL = (Path(__file__).parents[2] / "docs" / "uninstall.md").read_text()


@pytest.fixture
def bare() -> Iterator[House]:
    """A house in a cluster in which nothing of ours is installed."""
    with Stack() as stack:
        yield from houses(stack)


@pytest.fixture(params=HELMS)
def release(request: pytest.FixtureRequest, bare: House) -> Release:
    return Release(bare.stack, request.param)


def _stands(house: House, attempt: int) -> None:
    """The rollout is as it was, and its healthy time goes on."""
    before = house.status()["progress"]["healthySeconds"]
    house.until(lambda: house.status()["progress"]["healthySeconds"] > before, "more healthy time")
    assert house.percentage == "10"
    assert house.status()["attempt"] == attempt
    assert house.pushed() == []


def test_a_release_is_upgraded_and_brought_back_under_a_rollout(bare: House, release: Release) -> None:
    release.install(OLDER)
    bare.stack.start_operator()
    bare.apply(stages=LONG)
    bare.until_percentage(10)
    attempt, history = bare.status()["attempt"], bare.reasons()
    bare.pushed()

    release.upgrade()
    _stands(bare, attempt)
    release.rollback(1)
    _stands(bare, attempt)
    release.upgrade()
    _stands(bare, attempt)

    assert bare.reasons() == history
    bare.errors(0.2)
    bare.until_reason("GuardrailBreached", "Stalled")
    assert bare.percentage == "0"


def test_a_namespace_for_secrets_that_is_not_there_yet_fails_nothing(bare: House, release: Release) -> None:
    said = release.install(secretNamespaces=[bare.name, "not-there"])
    assert "It may not read Secrets in not-there yet" in said
    assert _secret_roles(bare) == {bare.name}

    bare.stack.cluster.kubectl("create", "namespace", "not-there")
    assert "It may not read" not in release.upgrade(secretNamespaces=[bare.name, "not-there"])
    assert _secret_roles(bare) == {bare.name, "not-there"}

    release.upgrade(secretNamespaces=[])
    assert _secret_roles(bare) == set()


def _secret_roles(house: House) -> set[str]:
    found = house.stack.cluster.get("roles", "-A")["items"]
    return {item["metadata"]["namespace"] for item in found if item["metadata"]["name"] == "mlrollout-secrets"}


def test_where_the_release_is_gone_the_rollout_waits_as_documented(bare: House, release: Release) -> None:
    release.install()
    operator = bare.stack.start_operator()
    bare.apply(stages=LONG)
    bare.until_percentage(10)
    operator.stop()

    said = release.uninstall()

    assert "CustomResourceDefinition" in said, "Helm names what it keeps"
    assert bare.percentage == "10"
    bare.kubectl("delete", "mlr", "ml-dispatch", "--wait=false")
    assert bare.read()["metadata"]["finalizers"] == ["mlrollout.dev/traffic"]
    for command in _documented(bare):
        bare.kubectl(*command)
    assert "NotFound" in _failure(bare, "get", "mlr", "ml-dispatch")
    assert bare.percentage == "10", "who frees it by hand has to stop the traffic by hand"


def _documented(house: House) -> Iterator[list[str]]:
    """What the page on operations tells to type there, in this house."""
    for told in re.findall(r"^kubectl (patch .*)$", UNINSTALL, re.MULTILINE):
        yield shlex.split(told.replace("-n dispatch", f"-n {house.name}"))


def test_with_a_lease_the_traffic_ends_by_itself(bare: House, release: Release) -> None:
    release.install()
    operator = bare.stack.start_operator()
    bare.apply(stages=LONG, traffic={"key": bare.key, "lease": "5s"})
    bare.until_percentage(10)

    release.uninstall()
    operator.kill()

    bare.until(lambda: bare.percentage is None, "the lease to run out")


def test_deleted_before_the_release_the_rollout_takes_its_traffic_along(bare: House, release: Release) -> None:
    release.install()
    bare.stack.start_operator()
    bare.apply(stages=LONG)
    bare.until_percentage(10)

    bare.kubectl("delete", "mlr", "--all", "--timeout=30s")
    release.uninstall()
    bare.stack.cluster.kubectl("delete", "crd", "mlrollouts.mlrollout.dev", "--wait=false")

    assert bare.percentage == "0"


def test_an_operator_of_one_namespace_looks_after_that_one_alone(bare: House, release: Release) -> None:
    release.install()
    of_one = Release(bare.stack, release.program, namespace="team-a")
    other = {"spec": bare.spec(stages=LONG, traffic={"key": f"{bare.key}:other"})}
    of_one.install(watchNamespace=bare.name, crds={"install": False})

    bare.stack.start_operator(
        env={
            "KUBECONFIG": str(bare.stack.cluster.kubeconfig_for("team-a", "mlrollout")),
            "MLROLLOUT_WATCH_NAMESPACE": bare.name,
            "MLROLLOUT_NAMESPACE": "team-a",
        }
    )
    elsewhere = {
        "apiVersion": "mlrollout.dev/v1alpha1",
        "kind": "MLRollout",
        "metadata": {"name": "ml-dispatch", "namespace": "team-a"},
        **other,
    }
    bare.stack.cluster.apply(json.dumps(elsewhere))
    bare.apply(stages=LONG)
    bare.until_percentage(10)
    bare.errors(0.2)
    bare.until_reason("GuardrailBreached", "Stalled")

    untouched = bare.stack.cluster.get("mlr", "ml-dispatch", "-n", "team-a")
    assert "finalizers" not in untouched["metadata"]
    assert bare.stack.cluster.get("lease", f"mlrollout-{bare.name}", "-n", "team-a")
    assert bare.events("RolledBack"), "its rights are enough to tell of it"


def test_a_second_release_is_told_whose_the_crd_is(bare: House, release: Release) -> None:
    release.install()
    second = Release(bare.stack, release.program, "other", "elsewhere")

    said = second.fails("install", "other", str(CHART), "--create-namespace")

    assert "CustomResourceDefinition" in said
    assert 'must equal "other": current value is "mlrollout"' in said
    second.install(crds={"install": False}, watchNamespace=bare.name)


def test_a_crd_that_came_by_itself_or_was_left_behind_is_taken_over(bare: House, release: Release) -> None:
    release.install()
    release.uninstall()
    successor = Release(bare.stack, release.program, "successor", "elsewhere")

    assert "invalid ownership metadata" in successor.fails("install", "successor", str(CHART), "--create-namespace")
    successor.install(CHART, "--take-ownership")

    labels = bare.stack.cluster.get("crd", "mlrollouts.mlrollout.dev")["metadata"]["annotations"]
    assert labels["meta.helm.sh/release-name"] == "successor"


def test_one_of_several_is_taken_away_and_another_can_have_the_crd(bare: House, release: Release) -> None:
    one = Release(bare.stack, release.program, namespace="team-a")
    one.install(watchNamespace="team-a")
    other = Release(bare.stack, release.program, namespace="team-b")
    other.install(watchNamespace="team-b", crds={"install": False})

    one.uninstall()
    other.upgrade(CHART, "--take-ownership", watchNamespace="team-b", crds={"install": True})

    owner = bare.stack.cluster.get("crd", "mlrollouts.mlrollout.dev")["metadata"]["annotations"]
    assert owner["meta.helm.sh/release-namespace"] == "team-b"


def test_an_upgrade_that_keeps_an_older_charts_defaults_is_told_what_to_do(bare: House, release: Release) -> None:
    release.install(OLDER)

    assert "--reset-then-reuse-values" in release.fails("upgrade", "mlrollout", str(CHART), "--reuse-values")


def _failure(house: House, *command: str) -> str:
    with pytest.raises(DevstackError) as error:
        house.kubectl(*command)
    return str(error.value)
