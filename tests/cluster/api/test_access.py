"""What the chart's account may really do, as the API server judges it."""

import json

import pytest

from devstack.chart import NAMESPACE, REPOSITORY, SERVICE_ACCOUNT, install_access, render
from devstack.control_plane import ControlPlane

VERBS = ("create", "patch", "update", "delete", "list", "watch", "get")
OURS = {"group": "mlrollout.dev", "resource": "mlrollouts"}
LEASE = {"group": "coordination.k8s.io", "resource": "leases"}


@pytest.fixture(scope="module", autouse=True)
def _installed(control_plane: ControlPlane) -> None:
    install_access(control_plane)


def review(verb: str, attributes: dict[str, str]) -> str:
    groups = ["system:authenticated", "system:serviceaccounts", f"system:serviceaccounts:{NAMESPACE}"]
    spec = {
        "user": f"system:serviceaccount:{NAMESPACE}:{SERVICE_ACCOUNT}",
        "groups": groups,
        "resourceAttributes": {"verb": verb} | attributes,
    }
    return json.dumps({"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec})


def allowed(control_plane: ControlPlane, **attributes: str) -> set[str]:
    """The verbs that the account may use there."""
    reviews = "\n---\n".join(review(verb, attributes) for verb in VERBS)
    said = control_plane.kubectl("create", "-f", "-", "-o", "jsonpath={.status.allowed}{'\\n'}", input=reviews)
    return {verb for verb, answer in zip(VERBS, said.split(), strict=True) if answer == "true"}


@pytest.mark.parametrize(
    ("attributes", "verbs"),
    [
        (OURS, "get list watch patch"),
        (OURS | {"subresource": "status"}, "patch"),
        ({"resource": "events"}, "create patch"),
        ({"resource": "secrets"}, ""),
        ({"resource": "secrets", "name": "dispatch-redis"}, ""),
        ({"resource": "pods"}, ""),
        (LEASE | {"name": "mlrollout"}, ""),
        ({"group": "apiextensions.k8s.io", "resource": "customresourcedefinitions"}, ""),
    ],
    ids=str,
)
def test_in_any_namespace(control_plane: ControlPlane, attributes: dict[str, str], verbs: str) -> None:
    assert allowed(control_plane, namespace="dispatch", **attributes) == set(verbs.split())


@pytest.mark.parametrize(("name", "verbs"), [("mlrollout", "create get update"), ("other", "create")])
def test_leases_in_its_own_namespace(control_plane: ControlPlane, name: str, verbs: str) -> None:
    assert allowed(control_plane, namespace=NAMESPACE, name=name, **LEASE) == set(verbs.split())


def test_everything_in_the_chart_is_known_to_the_api_server(control_plane: ControlPlane) -> None:
    said = control_plane.kubectl(
        *("apply", "--server-side", "--force-conflicts", "--dry-run=server", "-f", "-"),
        input=render(REPOSITORY / "charts" / "mlrollout"),
    )

    assert {line.split("/")[0] for line in said.splitlines()} >= {"deployment.apps", "service", "serviceaccount"}
