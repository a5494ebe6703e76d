"""What Flux and Helm 4 take a rollout for: by their own libraries, over objects recorded from the operator."""

import json
import re
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


# --- the page --------------------------------------------------------------------------------------

PAGE = (REPOSITORY / "docs" / "gitops.md").read_text(encoding="utf-8")
ROWS = {
    "is new or changed, and the operator has not seen it yet": ("unseen", "changed"),
    "grows, or holds for want of evidence": ("progressing", "evidence-unknown"),
    "waits for an approval, or is paused": ("awaiting-approval", "paused"),
    "is complete": ("complete",),
    "was rolled back, or has to be mended": ("rolled-back", "invalid-query"),
}
"""What each line of the page's table is about, by the recorded states. Of a deletion it says nothing."""


def argo_cd(folder: str) -> dict[str, str]:
    """What Argo CD takes each recorded state for, as its own tests hold it."""
    tests = read(REPOSITORY / "docs" / "argocd" / folder / "health_test.yaml")["tests"]
    return {Path(test["inputPath"]).stem: test["healthStatus"]["status"] for test in tests}


def test_the_page_says_of_every_state_what_each_tool_takes_it_for() -> None:
    (table,) = re.findall(r"\| the rollout \|.*\n\|-.*\n((?:\|.*\n)+)", PAGE)
    said = {row: tuple(tools) for row, *tools in (line.strip("| ").split(" | ") for line in table.splitlines())}
    complete, guarded = argo_cd("."), argo_cd("guarded")
    held = {
        row: {(complete[state], guarded[state], *STATES[state]) for state in states} for row, states in ROWS.items()
    }

    assert {row: {tools} for row, tools in said.items()} == held
    assert {state for states in ROWS.values() for state in states} == STATES.keys() - {"deleting"}
