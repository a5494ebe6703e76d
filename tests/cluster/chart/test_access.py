"""What the chart's accounts may really do, as the API server itself lists it."""

import json
import re
import uuid
from collections.abc import Iterator

import pytest

from devstack.control_plane import ControlPlane
from tests.support.helm import SERVER, Manifest, render

INSTALLED = {"ServiceAccount", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"}
_COLUMN = re.compile(r"\[([^\]]*)\]")


class Access:
    """The accounts and roles of one release, in namespaces of its own."""

    def __init__(self, control_plane: ControlPlane, **values: object) -> None:
        self.control_plane = control_plane
        self.release = f"r-{uuid.uuid4().hex[:8]}"
        manifests = render(values, release=self.release)
        self.installed = [item for item in manifests if item["kind"] in INSTALLED]
        control_plane.apply("\n---\n".join(map(json.dumps, self.installed)))

    def may(self, namespace: str, account: str = "") -> set[str]:
        """What an account may do in a namespace that not everybody may, one rule a line."""
        name = f"{self.release}-mlrollout{account}"
        return self._listed(namespace, name) - self._listed(namespace, "somebody-else")

    def _listed(self, namespace: str, account: str) -> set[str]:
        user = f"--as=system:serviceaccount:mlrollout-system:{account}"
        said = self.control_plane.kubectl("auth", "can-i", "--list", "-n", namespace, user).splitlines()[1:]
        rules = ((line.partition(" ")[0], *_COLUMN.findall(line)) for line in said)
        return {
            " ".join(filter(None, (resource, f"[{names}]" if names else "", verbs)))
            for resource, _urls, names, verbs in rules
        }

    def remove(self) -> None:
        """Take it all away again, so that what it gave users is gone for the next test."""
        self.control_plane.kubectl("delete", "-f", "-", input="\n---\n".join(map(json.dumps, self.installed)))


@pytest.fixture(scope="module", autouse=True)
def _namespaces(control_plane: ControlPlane) -> None:
    for name in ("mlrollout-system", "dispatch", "pricing"):
        control_plane.apply(json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}))


@pytest.fixture
def access(control_plane: ControlPlane, request: pytest.FixtureRequest) -> Iterator[Access]:
    made = Access(control_plane, **request.param)
    yield made
    made.remove()


ON_OBJECTS = {
    "mlrollouts.mlrollout.dev get list watch patch",
    "mlrollouts.mlrollout.dev/status patch",
    "events create patch",
}
CLUSTER = "namespaces [kube-system] get"
LEASES = {"leases.coordination.k8s.io create", "leases.coordination.k8s.io [mlrollout] get update"}
SECRETS = "secrets get"
CONFIG_MAPS = "configmaps get"


@pytest.mark.parametrize("access", [{}], indirect=True, ids=["default"])
def test_what_the_operator_may_do(access: Access) -> None:
    assert access.may("dispatch") == ON_OBJECTS | {CLUSTER}
    assert access.may("mlrollout-system") == ON_OBJECTS | {CLUSTER} | LEASES


@pytest.mark.parametrize("access", [{"secretNamespaces": ["dispatch"]}], indirect=True, ids=["secrets"])
def test_secrets_may_be_read_where_the_administrator_says(access: Access) -> None:
    assert access.may("dispatch") == ON_OBJECTS | {CLUSTER, SECRETS}
    assert access.may("pricing") == ON_OBJECTS | {CLUSTER}
    assert access.may("mlrollout-system") == ON_OBJECTS | {CLUSTER} | LEASES


@pytest.mark.parametrize("access", [{"configMapNamespaces": ["dispatch"]}], indirect=True, ids=["config maps"])
def test_config_maps_as_well_and_no_secrets_with_them(access: Access) -> None:
    assert access.may("dispatch") == ON_OBJECTS | {CLUSTER, CONFIG_MAPS}
    assert access.may("pricing") == ON_OBJECTS | {CLUSTER}
    assert access.may("mlrollout-system") == ON_OBJECTS | {CLUSTER} | LEASES


@pytest.mark.parametrize("access", [{"watchNamespace": "dispatch"}], indirect=True, ids=["one"])
def test_an_operator_of_one_namespace_may_do_nothing_in_another(access: Access) -> None:
    assert access.may("dispatch") == ON_OBJECTS | {CLUSTER}
    assert access.may("pricing") == {CLUSTER}
    assert access.may("mlrollout-system") == {CLUSTER} | {
        rule.replace("[mlrollout]", "[mlrollout-dispatch]") for rule in LEASES
    }


@pytest.mark.parametrize("access", [{"server": SERVER}], indirect=True, ids=["server"])
def test_what_the_server_may_do(access: Access) -> None:
    assert access.may("dispatch", "-server") == {
        "tokenreviews.authentication.k8s.io create",
        "subjectaccessreviews.authorization.k8s.io create",
        "mlrollouts.mlrollout.dev get patch",
    }


@pytest.mark.parametrize("access", [{}], indirect=True, ids=["roles"])
@pytest.mark.parametrize(
    ("role", "rules"),
    [
        ("view", {"mlrollouts.mlrollout.dev get list watch", "mlrollouts.mlrollout.dev/status get list watch"}),
        ("edit", {"mlrollouts.mlrollout.dev get list watch create update patch delete deletecollection"}),
    ],
)
def test_what_users_may_do_by_the_roles_for_them(access: Access, role: str, rules: set[str]) -> None:
    binding: Manifest = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": f"{access.release}-{role}", "namespace": "pricing"},
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": f"{access.release}-mlrollout-{role}",
        },
        "subjects": [
            {"kind": "ServiceAccount", "name": f"{access.release}-mlrollout-{role}", "namespace": "mlrollout-system"}
        ],
    }
    access.control_plane.apply(json.dumps(binding))

    assert access.may("pricing", f"-{role}") == rules
    assert access.may("dispatch", f"-{role}") == set()
