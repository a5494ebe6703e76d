"""What is offered for Argo CD and Flux fits together and fits the object."""

from typing import Any

import pytest
import yaml
from mlrollout.api import GROUP, KIND, VERSION

from docs.site import ROOT

GITOPS = ROOT / "examples" / "gitops"


def read(name: str) -> Any:
    return yaml.safe_load((GITOPS / name).read_text())


@pytest.mark.parametrize("meaning", ["guarded", "complete"])
def test_a_kustomization_waits_for_what_its_source_holds(meaning: str) -> None:
    source, kustomization = read("flux/source.yaml"), read(f"flux/kustomization-{meaning}.yaml")

    assert kustomization["spec"]["sourceRef"] == {"kind": source["kind"], "name": source["metadata"]["name"]}
    assert kustomization["metadata"]["namespace"] == source["metadata"]["namespace"]
    assert kustomization["spec"]["wait"] is True
    checks = kustomization["spec"].get("healthCheckExprs", [])
    assert [(one["apiVersion"], one["kind"]) for one in checks] == [(f"{GROUP}/{VERSION}", KIND)] * (
        meaning == "guarded"
    )


def test_complete_waits_longer_than_the_rollout_of_production() -> None:
    rollout = yaml.safe_load((ROOT / "examples" / "ml-dispatch" / "rollout-production.yaml").read_text())
    hours = sum(int(stage["duration"].removesuffix("h")) for stage in rollout["spec"]["stages"])

    assert int(read("flux/kustomization-complete.yaml")["spec"]["timeout"].removesuffix("h")) > hours


def test_argo_cd_compares_as_the_api_server_does() -> None:
    application = read("argocd/application.yaml")

    assert application["metadata"]["annotations"]["argocd.argoproj.io/compare-options"] == "ServerSideDiff=true"
