"""What the chart installs is what each version of Kubernetes that it promises takes."""

import copy

import pytest

from devstack import modules
from tests.support.helm import FULL, Manifest, one, render
from tests.support.strict_schemas import complaints

VERSIONS = modules.versions(modules.KUBERNETES)


OF_ONE = FULL | {"watchNamespace": "dispatch", "secretNamespaces": [], "configMapNamespaces": []}
OTHERS = {"ServiceMonitor", "PodMonitor", "PrometheusRule", "HTTPRoute"}
"""Kinds that are not Kubernetes' own: `tests/cluster/chart` has the API server take them."""


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("values", [{}, FULL, OF_ONE], ids=["default", "full", "one"])
def test_every_manifest_keeps_to_the_schemas(values: Manifest, version: str) -> None:
    wrong = {
        f"{item['kind']} {item['metadata']['name']}": found
        for item in render(values)
        if item["kind"] not in OTHERS and (found := complaints(item, version))
    }
    assert wrong == {}


@pytest.mark.parametrize("version", VERSIONS)
def test_what_the_schemas_do_not_know_is_found(version: str) -> None:
    deployment = copy.deepcopy(one(render(), "Deployment"))
    deployment["spec"]["template"]["spec"]["nodeSelectors"] = {}
    deployment["spec"]["replicas"] = "two"

    found = complaints(deployment, version)

    assert len(found) == 2
    assert any("nodeSelectors" in one for one in found)


def test_the_oldest_that_is_promised_is_among_them() -> None:
    assert VERSIONS[0].startswith("v1.30.")
