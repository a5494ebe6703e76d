"""What Helm 4 does on a failed upgrade of a chart with a rollout, as docs/gitops.md says; the test is the operator."""

import json
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml

from devstack import binaries
from devstack.chart import REPOSITORY
from devstack.commands import run
from devstack.control_plane import ControlPlane
from devstack.processes import wait_until

RECORDED = REPOSITORY / "docs" / "argocd" / "testdata"


class Application:
    """A namespace with the release of a chart that holds one rollout, whose revision is a value."""

    def __init__(self, control_plane: ControlPlane, folder: Path) -> None:
        self._control_plane, self._chart = control_plane, folder
        self._namespace = f"t-{uuid.uuid4().hex[:8]}"
        control_plane.kubectl("create", "namespace", self._namespace)
        rollout = yaml.safe_load((RECORDED / "complete.yaml").read_text())
        manifest = {
            **{field: rollout[field] for field in ("apiVersion", "kind")},
            "metadata": {"name": "ml-dispatch"},
            "spec": {**rollout["spec"], "revision": "{{ .Values.revision }}"},
        }
        (folder / "templates").mkdir()
        (folder / "Chart.yaml").write_text("{apiVersion: v2, name: dispatch, version: 1.0.0}\n")
        (folder / "templates" / "rollout.yaml").write_text(
            json.dumps(manifest).replace("[$window]", '{{ "[$window]" }}')
        )

    def helm(self, *command: str, revision: str) -> tuple[int, str]:
        """Its exit code and what it says."""
        where: Sequence[str | Path] = (
            f"--namespace={self._namespace}",
            f"--kubeconfig={self._control_plane.kubeconfig}",
        )
        values = json.dumps({"revision": revision})
        ran = run([binaries.path("helm4"), *command, "dispatch", self._chart, *where, "--values=-"], text=values)
        return ran.returncode, ran.stdout + ran.stderr

    def found(self) -> dict[str, Any]:
        """The object."""
        said = self._control_plane.kubectl("-n", self._namespace, "get", "mlr", "ml-dispatch", "-o", "json")
        return dict(json.loads(said))

    def until_revision(self, revision: str) -> None:
        """Wait until that one is asked for."""
        wait_until(lambda: self.found()["spec"]["revision"] == revision, within=60, what=f"revision {revision}")

    def is_told(self, state: str) -> None:
        """Write the status that the operator was recorded with in this state, about the object as it is."""
        status = yaml.safe_load((RECORDED / f"{state}.yaml").read_text())["status"]
        generation = self.found()["metadata"]["generation"]
        status["observedGeneration"] = generation
        for condition in status["conditions"]:
            condition["observedGeneration"] = generation
        arguments = ("--subresource=status", "--type=merge", "-p", json.dumps({"status": status}))
        self._control_plane.kubectl("-n", self._namespace, "patch", "mlr", "ml-dispatch", *arguments)


@pytest.fixture
def application(control_plane: ControlPlane, tmp_path: Path) -> Application:
    return Application(control_plane, tmp_path)


def test_with_rollback_on_failure_helm_4_brings_the_older_manifests_back(application: Application) -> None:
    code, said = application.helm("install", revision="1")
    assert code == 0, said
    application.is_told("complete")
    with ThreadPoolExecutor(1) as aside:
        upgrade = ("upgrade", "--wait", "--timeout=90s", "--rollback-on-failure")
        waiting = aside.submit(application.helm, *upgrade, revision="2")
        application.until_revision("2")
        application.is_told("rolled-back")
        application.until_revision("1")
        application.is_told("complete")
        code, said = waiting.result()

    assert code != 0
    assert "rolled back due to rollback-on-failure" in said
    assert application.found()["spec"]["revision"] == "1"
