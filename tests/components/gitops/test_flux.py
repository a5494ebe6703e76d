"""What Flux and Helm 4 take a rollout for: by their own libraries, over objects recorded from the operator."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from devstack import binaries
from devstack.chart import REPOSITORY

RECORDED = {file.stem: file for file in sorted((REPOSITORY / "docs" / "argocd" / "testdata").glob("*.yaml"))}
GUARDED = REPOSITORY / "examples" / "gitops" / "flux" / "kustomization-guarded.yaml"
STATES = {
    "unseen": ("InProgress", "InProgress"),
    "changed": ("InProgress", "InProgress"),
    "evidence-unknown": ("InProgress", "Current"),
    "progressing": ("InProgress", "Current"),
    "awaiting-approval": ("InProgress", "Current"),
    "paused": ("InProgress", "Current"),
    "complete": ("Current", "Current"),
    "rolled-back": ("Failed", "Failed"),
    "invalid-query": ("Failed", "Failed"),
    "deleting": ("Terminating", "InProgress"),
}
"""How it is by kstatus, which says when it is complete; and by the expressions that say when it is guarded."""


def read(file: Path) -> Any:
    return yaml.safe_load(file.read_text())


@pytest.fixture(scope="module")
def judged() -> dict[str, tuple[str, str]]:
    (check,) = read(GUARDED)["spec"]["healthCheckExprs"]
    expressions = {name: check[name] for name in ("current", "inProgress", "failed")}
    asked = {"expressions": expressions, "objects": [read(file) for file in RECORDED.values()]}
    judge = binaries.path("flux-health")
    run = subprocess.run([judge], input=json.dumps(asked), capture_output=True, text=True, check=False, timeout=60)
    assert run.returncode == 0, run.stderr
    return {
        name: (answer["kstatus"], answer["expressions"])
        for name, answer in zip(RECORDED, json.loads(run.stdout), strict=True)
    }


def test_every_state_is_what_flux_and_helm_should_take_it_for(judged: dict[str, tuple[str, str]]) -> None:
    assert judged == STATES


def test_the_expressions_are_for_the_object_that_there_is() -> None:
    (check,) = read(GUARDED)["spec"]["healthCheckExprs"]
    objects = [read(file) for file in RECORDED.values()]

    assert {(one["apiVersion"], one["kind"]) for one in objects} == {(check["apiVersion"], check["kind"])}
