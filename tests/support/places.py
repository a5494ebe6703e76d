"""A namespace per test on the real API server, and who may do what in it."""

import copy
import json
import uuid
from pathlib import Path
from typing import Any

from mlrollout.adapters.kubernetes import Client
from mlrollout.ports import Ref

from devstack.control_plane import ControlPlane
from tests.support.sample import MINIMAL

OPERATOR_RULES: list[dict[str, Any]] = [
    {"apiGroups": ["mlrollout.dev"], "resources": ["mlrollouts"], "verbs": ["get", "list", "watch", "patch"]},
    {"apiGroups": ["mlrollout.dev"], "resources": ["mlrollouts/status"], "verbs": ["patch"]},
    {"apiGroups": [""], "resources": ["events"], "verbs": ["create", "patch"]},
    {"apiGroups": [""], "resources": ["namespaces"], "resourceNames": ["kube-system"], "verbs": ["get"]},
    {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["create"]},
    {
        "apiGroups": ["coordination.k8s.io"],
        "resources": ["leases"],
        "resourceNames": ["mlrollout"],
        "verbs": ["get", "update"],
    },
]
"""All that the operator needs, Secrets of objects apart."""


class Place:
    """A namespace and the ServiceAccounts in it."""

    def __init__(self, control_plane: ControlPlane) -> None:
        self.control_plane = control_plane
        self.namespace = f"t-{uuid.uuid4().hex[:12]}"
        self.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}})

    def apply(self, *manifests: dict[str, Any]) -> None:
        """Apply as the administrator."""
        self.control_plane.apply("\n---\n".join(map(json.dumps, manifests)))

    def kubectl(self, *arguments: str) -> str:
        """Run kubectl here, as the administrator."""
        return self.control_plane.kubectl(*arguments, "--namespace", self.namespace)

    def account(self, name: str, rules: list[dict[str, Any]]) -> Path:
        """The kubeconfig of a new ServiceAccount with these rights in the namespace; some are of no namespace."""
        metadata = {"name": name, "namespace": self.namespace}
        rbac = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": metadata}
        subject = {"kind": "ServiceAccount", **metadata}
        reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name}
        of_none = {"name": f"{self.namespace}-{name}"}
        wide = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": of_none}
        self.apply(
            {**wide, "kind": "ClusterRole", "rules": [rule for rule in rules if rule["resources"] == ["namespaces"]]},
            {
                **wide,
                "kind": "ClusterRoleBinding",
                "roleRef": reference | of_none | {"kind": "ClusterRole"},
                "subjects": [subject],
            },
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata},
            {**rbac, "kind": "Role", "rules": rules},
            {**rbac, "kind": "RoleBinding", "roleRef": reference, "subjects": [subject]},
        )
        return self.control_plane.kubeconfig_for(self.namespace, name)

    def ref(self, name: str = "ml-dispatch") -> Ref:
        """An object here, whether it exists or not."""
        return Ref(self.namespace, name)

    async def create(self, admin: Client, name: str = "ml-dispatch", **metadata: Any) -> dict[str, Any]:
        """A new object."""
        path = "/apis/mlrollout.dev/v1alpha1/namespaces/{namespace}/mlrollouts"
        manifest = copy.deepcopy(MINIMAL) | {"metadata": {"name": name, **metadata}}
        return await admin.ask(f"create {name}", "POST", path, manifest, namespace=self.namespace)
