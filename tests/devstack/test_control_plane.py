"""The control plane is a real one."""

import json
from typing import Any

import pytest

from devstack.cluster import Cluster
from devstack.control_plane import ControlPlane
from devstack.errors import DevstackError


def config_map(name: str, **metadata: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "default", **metadata}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {}}


def access(account: str) -> str:
    where = {"name": account, "namespace": "default"}
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list"]}]
    subject = {"kind": "ServiceAccount", **where}
    role = {"kind": "Role", "name": account, "apiGroup": "rbac.authorization.k8s.io"}
    group = "rbac.authorization.k8s.io/v1"
    documents = [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": where},
        {"apiVersion": group, "kind": "Role", "metadata": where, "rules": rules},
        {"apiVersion": group, "kind": "RoleBinding", "metadata": where, "subjects": [subject], "roleRef": role},
    ]
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": documents})


def test_a_stale_resource_version_is_refused(control_plane: ControlPlane) -> None:
    control_plane.kubectl("create", "-f", "-", input=json.dumps(config_map("stale")))
    version = control_plane.get("configmap", "stale")["metadata"]["resourceVersion"]
    change = config_map("stale", resourceVersion=version)
    control_plane.kubectl("replace", "-f", "-", input=json.dumps({**change, "data": {"first": "wins"}}))

    with pytest.raises(DevstackError, match=r"Conflict|object has been modified"):
        control_plane.kubectl("replace", "-f", "-", input=json.dumps({**change, "data": {"second": "loses"}}))

    assert control_plane.get("configmap", "stale")["data"] == {"first": "wins"}


def test_a_service_account_may_do_what_its_role_says_and_no_more(control_plane: ControlPlane) -> None:
    control_plane.apply(access("reader"))
    kubeconfig = control_plane.kubeconfig_for("default", "reader")
    reader = Cluster(kubeconfig, control_plane.directory)

    assert reader.get("configmaps")["kind"] == "List"
    assert kubeconfig.stat().st_mode & 0o077 == 0
    with pytest.raises(DevstackError, match=r'(?s)Forbidden.*"system:serviceaccount:default:reader" cannot list'):
        reader.get("secrets")


def test_the_server_says_which_version_it_is(control_plane: ControlPlane) -> None:
    told = json.loads(control_plane.kubectl("version", "-o", "json"))

    assert told["serverVersion"]["gitVersion"].startswith("v1.34.")
    assert (told["serverVersion"]["major"], told["serverVersion"]["minor"]) == ("1", "34")


def test_an_outage_loses_nothing() -> None:
    with ControlPlane() as control_plane:
        control_plane.kubectl("create", "configmap", "kept")

        control_plane.kill()
        with pytest.raises(DevstackError, match="refused"):
            control_plane.get("configmap", "kept")
        control_plane.api_server.start()

        assert control_plane.get("configmap", "kept")["metadata"]["name"] == "kept"
