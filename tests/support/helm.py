"""The chart as Helm itself renders it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from devstack import binaries, modules
from devstack.commands import run

CHART = Path(__file__).parents[2] / "charts" / "mlrollout"
NAMESPACE = "mlrollout-system"
HELMS = ("helm", "helm4")
"""Both that people use: 3, where nothing newer is installed, and 4."""

Manifest = dict[str, Any]

SERVER: Manifest = {
    "enabled": True,
    "config": {
        "rollouts": [
            {
                "name": "ml-dispatch",
                "key": "ml_dispatch:rollout_percentage",
                "object": {"namespace": "dispatch", "name": "ml-dispatch"},
            }
        ]
    },
    "redis": {"existingSecret": "server-redis"},
    "tokens": {"existingSecret": "server-tokens"},
}
"""The least with which the server can be run."""
FULL: Manifest = {
    "replicas": 3,
    "image": {"repository": "registry.example/mlrollout", "digest": f"sha256:{'0' * 64}"},
    "imagePullSecrets": [{"name": "registry"}],
    "commonLabels": {"team": "platform"},
    "commonAnnotations": {"example.com/contact": "platform@example.com"},
    "redis": {
        "existingSecret": "operator-redis",
        "key": "redis-url",
        "tls": {"existingSecret": "redis-tls", "certificateKey": "tls.crt", "keyKey": "tls.key"},
    },
    "prometheus": {
        "address": "http://prometheus.monitoring:9090",
        "auth": {"existingSecret": "prometheus-auth", "tokenKey": "bearer", "caKey": "ca.crt"},
    },
    "allowedPrometheusAddresses": ["http://prometheus.*:9090", "https://metrics.example"],
    "allowedRevisionSources": ["http://mlflow.*:5000", "https://models.example/*/candidate.json"],
    "notifications": {
        "existingSecret": "operator-notifications",
        "key": "file",
        "allowedAddresses": ["https://hooks.*.example", "slack"],
        "allowedNetworks": ["10.20.0.0/16", "fd00::/64"],
    },
    "secretNamespaces": ["dispatch", "pricing"],
    "configMapNamespaces": ["dispatch"],
    "rbac": {"aggregateToEdit": True, "separateRights": True},
    "logging": {"level": "debug", "format": "text"},
    "networkPolicy": {"enabled": True},
    "metrics": {
        "serviceMonitor": {"enabled": True},
        "podMonitor": {"enabled": True},
        "dashboard": {"enabled": True},
        "prometheusRule": {"enabled": True},
    },
    "server": {
        **SERVER,
        "config": {**SERVER["config"], "sessions": {"algorithm": "HS256"}, "survey": {"every": "24h"}},
        "redis": {"existingSecret": "server-redis", "tls": {"existingSecret": "redis-tls"}},
        "sessions": {"existingSecret": "server-sessions"},
        "survey": {"existingSecret": "server-survey"},
        "ingress": {"enabled": True, "className": "nginx", "hosts": ["rollouts.example.com"]},
        "httpRoute": {"enabled": True, "parentRefs": [{"name": "public", "namespace": "gateways"}]},
        "autoscaling": {"enabled": True},
    },
}
"""Everything that can be installed."""


def helm(*arguments: str | Path, values: Mapping[str, Any] | None = None, program: str = "helm") -> tuple[int, str]:
    """Its exit code and what it says; values come in as a file would, from standard input."""
    command = [binaries.path(program), *arguments, "--kube-version=1.34.0", "--values=-"]
    ran = run(command, text=json.dumps(dict(values or {})))
    return ran.returncode, ran.stdout + ran.stderr


def render(
    values: Mapping[str, Any] | None = None, release: str = "mlrollout", program: str = "helm"
) -> Sequence[Manifest]:
    """Every manifest of the chart by these values."""
    code, said = helm("template", release, CHART, f"--namespace={NAMESPACE}", values=values, program=program)
    assert code == 0, said
    return [document for document in yaml.safe_load_all(said) if document]


def one(manifests: Sequence[Manifest], kind: str, name: str | None = None) -> Manifest:
    """The only one of its kind, or with this name."""
    (found,) = [item for item in manifests if item["kind"] == kind and name in {None, item["metadata"]["name"]}]
    return found


def at(found: object, path: str) -> Any:
    """What stands under a path such as `spec.containers.0.env`; `None` where there is nothing."""
    for step in path.split("."):
        if isinstance(found, list):
            found = found[int(step)] if found and int(step) < len(found) else None
        else:
            found = found.get(step) if isinstance(found, dict) else None
    return found


def others_crds() -> Iterator[Manifest]:
    """The CRDs of those kinds of others that the chart makes objects of."""
    places = (
        ("sigs.k8s.io/gateway-api", "config/crd/standard"),
        ("github.com/prometheus-operator/prometheus-operator", "example/prometheus-operator-crd"),
    )
    for module, path in places:
        (version,) = modules.versions(module)
        for file in sorted(Path(modules.folder(module, version), path).glob("*.yaml")):
            if file.stem.endswith(("httproutes", "servicemonitors", "podmonitors", "prometheusrules")):
                yield yaml.safe_load(file.read_text())
