"""The API server takes everything that the chart makes, the kinds of others among it, and knows every field."""

import json

import pytest

from devstack.control_plane import ControlPlane
from devstack.errors import DevstackError
from devstack.processes import wait_until
from tests.support.helm import FULL, Manifest, one, others_crds, render


@pytest.fixture(scope="module", autouse=True)
def _prepared(control_plane: ControlPlane) -> None:
    """Namespaces, and the CRDs of others, which the API server serves soon after it has them."""
    for name in ("mlrollout-system", "dispatch", "pricing"):
        control_plane.apply(json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}))
    crds = list(others_crds())
    control_plane.apply("\n---\n".join(map(json.dumps, crds)))
    served = {crd["metadata"]["name"] for crd in crds}
    wait_until(
        lambda: served <= set(control_plane.kubectl("api-resources", "-o", "name").split()) or None,
        within=60,
        what="the CRDs of others",
    )


def dry_run(control_plane: ControlPlane, *manifests: Manifest) -> set[str]:
    """What the API server would make of them: their kinds."""
    said = control_plane.kubectl(
        *("apply", "--server-side", "--force-conflicts", "--dry-run=server", "--validate=strict", "-f", "-"),
        input="\n---\n".join(map(json.dumps, manifests)),
    )
    return {line.partition("/")[0] for line in said.splitlines()}


@pytest.mark.parametrize(
    "values",
    [{}, FULL, FULL | {"watchNamespace": "dispatch", "secretNamespaces": [], "configMapNamespaces": []}],
    ids=["default", "full", "one"],
)
def test_the_api_server_takes_everything(control_plane: ControlPlane, values: Manifest) -> None:
    manifests = render(values)

    kinds = {found.partition(".")[0] for found in dry_run(control_plane, *manifests)}

    assert kinds == {item["kind"].lower() for item in manifests}


@pytest.mark.parametrize("kind", ["Deployment", "ServiceMonitor", "HTTPRoute"])
def test_a_field_that_it_does_not_know_would_be_found(control_plane: ControlPlane, kind: str) -> None:
    manifest = next(item for item in render(FULL) if item["kind"] == kind)
    manifest["spec"]["nonsense"] = True

    with pytest.raises(DevstackError, match=r"nonsense"):
        dry_run(control_plane, manifest)


def test_the_names_of_many_objects_fit(control_plane: ControlPlane) -> None:
    manifests = render({"server": FULL["server"], "watchNamespace": "dispatch"}, release="r" * 53)

    assert dry_run(control_plane, *manifests)
    assert one(manifests, "Deployment", "r" * 53 + "-mlrollout")
