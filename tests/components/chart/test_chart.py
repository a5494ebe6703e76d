"""The chart as Helm itself lints and renders it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from devstack import binaries
from devstack.commands import run
from tests.support.places import OPERATOR_RULES

ROOT = Path(__file__).parents[3]
CHART = ROOT / "charts" / "mlrollout"
NAMESPACE = "mlrollout-system"
FULL = {
    "replicas": 1,
    "image": {"repository": "registry.example/mlrollout", "tag": "1.2.3"},
    "imagePullSecrets": [{"name": "registry"}],
    "redis": {"existingSecret": "operator-redis", "key": "redis-url"},
    "prometheus": {"address": "http://prometheus.monitoring:9090"},
    "allowedPrometheusAddresses": ["http://prometheus.*:9090", "https://metrics.example"],
    "secretNamespaces": ["dispatch", "pricing"],
}

Manifest = dict[str, Any]


def helm(*arguments: str | Path, values: Manifest | None = None) -> tuple[int, str]:
    """Its exit code and what it says; values come in as a file would, from standard input."""
    ran = run([binaries.path("helm"), *arguments, "--kube-version=1.34.0", "--values=-"], text=json.dumps(values or {}))
    return ran.returncode, ran.stdout + ran.stderr


def render(values: Manifest | None = None, release: str = "mlrollout") -> list[Manifest]:
    code, said = helm("template", release, CHART, f"--namespace={NAMESPACE}", values=values)
    assert code == 0, said
    return [document for document in yaml.safe_load_all(said) if document]


def one(manifests: Sequence[Manifest], kind: str, name: str | None = None) -> Manifest:
    (found,) = [item for item in manifests if item["kind"] == kind and name in {None, item["metadata"]["name"]}]
    return found


def container(manifests: Sequence[Manifest]) -> Manifest:
    (found,) = one(manifests, "Deployment")["spec"]["template"]["spec"]["containers"]
    return dict(found)


def environment(manifests: Sequence[Manifest]) -> Manifest:
    return {each["name"]: each.get("value", each.get("valueFrom")) for each in container(manifests)["env"]}


@pytest.mark.parametrize("values", [{}, FULL], ids=["default", "full"])
def test_helm_finds_nothing_to_complain_of(values: Manifest) -> None:
    code, said = helm("lint", CHART, "--strict", values=values)

    assert code == 0, said
    assert "[WARNING]" not in said


def test_what_the_operator_may_do_is_this_and_no_more() -> None:
    rules = {
        (item["kind"], item["metadata"].get("namespace", ""), item["metadata"]["name"]): item["rules"]
        for item in render()
        if "rules" in item
    }

    assert rules == {
        ("ClusterRole", "", "mlrollout"): [
            {"apiGroups": ["mlrollout.dev"], "resources": ["mlrollouts"], "verbs": ["get", "list", "watch", "patch"]},
            {"apiGroups": ["mlrollout.dev"], "resources": ["mlrollouts/status"], "verbs": ["patch"]},
            {"apiGroups": [""], "resources": ["events"], "verbs": ["create", "patch"]},
            {"apiGroups": [""], "resources": ["namespaces"], "resourceNames": ["kube-system"], "verbs": ["get"]},
        ],
        ("Role", NAMESPACE, "mlrollout-lease"): [
            {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["create"]},
            {
                "apiGroups": ["coordination.k8s.io"],
                "resources": ["leases"],
                "resourceNames": ["mlrollout"],
                "verbs": ["get", "update"],
            },
        ],
    }
    assert [rule for found in rules.values() for rule in found] == OPERATOR_RULES, "what the adapters are tested under"


def test_secrets_are_read_only_where_the_administrator_says() -> None:
    manifests = render(FULL)
    roles = [item for item in manifests if item["metadata"]["name"] == "mlrollout-secrets" and "rules" in item]
    bindings = [item for item in manifests if item.get("roleRef", {}).get("name") == "mlrollout-secrets"]

    assert [role["metadata"]["namespace"] for role in roles] == ["dispatch", "pricing"]
    assert [binding["metadata"]["namespace"] for binding in bindings] == ["dispatch", "pricing"]
    assert [role["kind"] for role in roles] == ["Role", "Role"]
    assert all(role["rules"] == [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}] for role in roles)


def test_every_binding_is_to_the_operators_own_account() -> None:
    bindings = [item for item in render(FULL) if item["kind"].endswith("Binding")]
    account = {"kind": "ServiceAccount", "name": "mlrollout", "namespace": NAMESPACE}

    assert len(bindings) == 4
    assert all(binding["subjects"] == [account] for binding in bindings)


@pytest.mark.parametrize(("release", "name"), [("mlrollout", "mlrollout"), ("canary", "canary-mlrollout")])
def test_everything_is_named_after_the_release(release: str, name: str) -> None:
    manifests = render(release=release)
    pod = one(manifests, "Deployment")["spec"]["template"]

    assert one(manifests, "ServiceAccount")["metadata"]["name"] == name
    assert pod["spec"]["serviceAccountName"] == name
    assert one(manifests, "ClusterRoleBinding")["subjects"][0]["name"] == name


def test_the_pod_has_nothing_that_it_does_not_need() -> None:
    manifests = render(FULL)
    pod = one(manifests, "Deployment")["spec"]["template"]["spec"]

    assert pod["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 65532,
        "runAsGroup": 65532,
        "fsGroup": 65532,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert container(manifests)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert set(container(manifests)["resources"]) == {"requests", "limits"}
    assert one(manifests, "ServiceAccount")["automountServiceAccountToken"] is False


def test_the_pod_is_probed_where_it_listens() -> None:
    found = container(render())
    _, _, port = environment(render())["MLROLLOUT_LISTEN"].rpartition(":")

    assert found["ports"] == [{"name": "http", "containerPort": int(port)}]
    assert found["livenessProbe"]["httpGet"] == {"path": "/livez", "port": "http"}
    assert found["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "http"}


def test_the_metrics_service_finds_the_pod() -> None:
    manifests = render()
    labels = one(manifests, "Deployment")["spec"]["template"]["metadata"]["labels"]
    service = one(manifests, "Service")["spec"]

    assert service["selector"].items() <= labels.items()
    assert service["ports"] == [{"name": "http", "port": 8080, "targetPort": "http"}]


def test_without_values_the_operator_is_told_the_least() -> None:
    assert environment(render()) == {
        "MLROLLOUT_LISTEN": "0.0.0.0:8080",
        "MLROLLOUT_NAMESPACE": {"fieldRef": {"fieldPath": "metadata.namespace"}},
    }


def test_the_operator_is_told_what_the_values_say() -> None:
    manifests = render(FULL)
    (volume,) = one(manifests, "Deployment")["spec"]["template"]["spec"]["volumes"]
    (mount,) = container(manifests)["volumeMounts"]

    assert (
        environment(manifests).items()
        >= {
            "MLROLLOUT_REDIS_URL_FILE": f"{mount['mountPath']}/url",
            "MLROLLOUT_PROMETHEUS_URL": "http://prometheus.monitoring:9090",
            "MLROLLOUT_ALLOWED_PROMETHEUS": "http://prometheus.*:9090,https://metrics.example",
        }.items()
    )
    assert volume["secret"]["secretName"] == "operator-redis"
    assert volume["secret"]["items"] == [{"key": "redis-url", "path": "url"}]
    assert container(manifests)["image"] == "registry.example/mlrollout:1.2.3"


def test_the_crd_is_the_one_that_we_ship() -> None:
    shipped = yaml.safe_load((ROOT / "crds" / "mlrollout.dev_mlrollouts.yaml").read_text())

    assert one(render({"crds": {"keep": False}}), "CustomResourceDefinition") == shipped
    assert one(render(), "CustomResourceDefinition")["spec"] == shipped["spec"]


def test_the_crd_outlives_the_release_unless_told_otherwise() -> None:
    kept = one(render(), "CustomResourceDefinition")["metadata"]["annotations"]

    assert kept == {"helm.sh/resource-policy": "keep"}
    assert "CustomResourceDefinition" not in {item["kind"] for item in render({"crds": {"install": False}})}


@pytest.mark.parametrize(
    ("values", "place"),
    [
        ({"replica": 2}, "replica"),
        ({"replicas": "two"}, "/replicas"),
        ({"redis": {"url": "redis://password@host"}}, "url"),
        ({"prometheus": {"address": "http://user:password@prometheus"}}, "/prometheus/address"),
        ({"allowedPrometheusAddresses": ["http://a,http://b"]}, "/allowedPrometheusAddresses/0"),
        ({"secretNamespaces": ["Not A Namespace"]}, "/secretNamespaces/0"),
        ({"crds": {"keep": "yes"}}, "/crds/keep"),
    ],
    ids=str,
)
def test_values_that_make_no_sense_are_refused_by_name(values: Manifest, place: str) -> None:
    code, said = helm("template", "mlrollout", CHART, values=values)

    assert code != 0
    assert place in said
