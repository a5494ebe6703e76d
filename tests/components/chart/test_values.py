"""Each value does what its description says, has a place in the schema, and stands in the README."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from docs import chart
from tests.support.helm import CHART, HELMS, SERVER, Manifest, at, helm, one, render

VALUES = yaml.safe_load((CHART / "values.yaml").read_text())
SCHEMA = json.loads((CHART / "values.schema.json").read_text())
POD = "spec.template.spec"
DIGEST = f"sha256:{'a' * 64}"
CONTAINER = f"{POD}.containers.0"


def nested(path: str, value: object) -> Manifest:
    first, _, rest = path.partition(".")
    return {first: nested(rest, value) if rest else value}


OF_PODS: list[tuple[Any, ...]] = [
    ("strategy", {"type": "Recreate"}, "spec.strategy"),
    ("deploymentAnnotations", {"a": "b"}, "metadata.annotations"),
    ("podAnnotations", {"c": "d"}, "spec.template.metadata.annotations.c", "d"),
    ("podLabels", {"e": "f"}, "spec.template.metadata.labels.e", "f"),
    ("podSecurityContext", {"runAsUser": 1000}, f"{POD}.securityContext.runAsUser", 1000),
    ("containerSecurityContext", {"privileged": False}, f"{CONTAINER}.securityContext.privileged", False),
    ("resources", {"limits": {"memory": "1Gi"}}, f"{CONTAINER}.resources.limits.memory", "1Gi"),
    ("livenessProbe", {"failureThreshold": 9}, f"{CONTAINER}.livenessProbe.failureThreshold", 9),
    ("readinessProbe", {"failureThreshold": 9}, f"{CONTAINER}.readinessProbe.failureThreshold", 9),
    ("terminationGracePeriodSeconds", 60, f"{POD}.terminationGracePeriodSeconds"),
    ("priorityClassName", "system-cluster-critical", f"{POD}.priorityClassName"),
    ("nodeSelector", {"pool": "a"}, f"{POD}.nodeSelector"),
    ("tolerations", [{"key": "a", "operator": "Exists"}], f"{POD}.tolerations"),
    ("affinity", {"podAffinity": {}}, f"{POD}.affinity"),
    ("extraEnv", [{"name": "HTTPS_PROXY", "value": "http://proxy"}], f"{CONTAINER}.env.-1"),
    ("volumes", [{"name": "more", "emptyDir": {}}], f"{POD}.volumes.-1"),
    ("volumeMounts", [{"name": "more", "mountPath": "/more"}], f"{CONTAINER}.volumeMounts.-1"),
    ("extraArgs", ["--more"], f"{CONTAINER}.args.-1"),
    ("logging.level", "warning", f"{CONTAINER}.args.-1", "--log-level=warning"),
    ("logging.format", "text", f"{CONTAINER}.args.-1", "--text"),
    ("serviceAccount.name", "other", f"{POD}.serviceAccountName"),
]


@pytest.mark.parametrize("where", ["", "server."], ids=["operator", "server"])
@pytest.mark.parametrize("row", OF_PODS, ids=lambda row: row[0])
def test_values_of_pods_reach_the_pods_of_the_component_that_they_are_for(row: Any, where: str) -> None:
    path, value, place = row[:3]
    expected = row[3] if len(row) > 3 else value[0] if isinstance(value, list) and place.endswith("-1") else value
    names = ("mlrollout", "mlrollout-server")
    values = nested(f"{where}{path}", value)
    values["server"] = SERVER | values.get("server", {})
    manifests = render(values)

    found = {name: at(one(manifests, "Deployment", name), place) for name in names}

    ours, other = reversed(names) if where else names
    assert found[ours] == expected
    if path not in {"podSecurityContext", "containerSecurityContext"}:  # which the server shares where it has none
        assert found[other] != expected


@pytest.mark.parametrize(
    ("values", "kind", "path", "expected"),
    [
        ({"replicas": 5}, "Deployment", "spec.replicas", 5),
        ({"revisionHistoryLimit": 9}, "Deployment", "spec.revisionHistoryLimit", 9),
        ({"image": {"repository": "r/m", "tag": "1"}}, "Deployment", f"{CONTAINER}.image", "r/m:1"),
        ({"image": {"digest": DIGEST}}, "Deployment", f"{CONTAINER}.image", f"mlrollout@{DIGEST}"),
        ({"image": {"pullPolicy": "Always"}}, "Deployment", f"{CONTAINER}.imagePullPolicy", "Always"),
        (
            {"imagePullSecrets": [{"name": "a"}], "global": {"imagePullSecrets": [{"name": "b"}]}},
            "Deployment",
            f"{POD}.imagePullSecrets",
            [{"name": "a"}, {"name": "b"}],
        ),
        ({"commonLabels": {"a": "b"}}, "Deployment", "spec.template.metadata.labels.a", "b"),
        ({"commonAnnotations": {"a": "b"}}, "Service", "metadata.annotations.a", "b"),
        ({"serviceAccount": {"annotations": {"a": "b"}}}, "ServiceAccount", "metadata.annotations.a", "b"),
        ({"serviceAccount": {"labels": {"a": "b"}}}, "ServiceAccount", "metadata.labels.a", "b"),
        ({"serviceAccount": {"create": False}}, "Deployment", f"{POD}.serviceAccountName", "default"),
        ({"serviceAccount": {"create": False}}, "ClusterRoleBinding", "subjects.0.name", "default"),
        ({"podSecurityContext": {"runAsUser": None}}, "Deployment", f"{POD}.securityContext.runAsUser", None),
        ({"podDisruptionBudget": {"minAvailable": "50%"}}, "PodDisruptionBudget", "spec.minAvailable", "50%"),
        ({"podDisruptionBudget": {"maxUnavailable": 2}}, "PodDisruptionBudget", "spec.maxUnavailable", 2),
        ({}, "PodDisruptionBudget", "spec.maxUnavailable", 1),
        ({"metrics": {"service": {"annotations": {"a": "b"}}}}, "Service", "metadata.annotations.a", "b"),
        ({"metrics": {"service": {"labels": {"a": "b"}}}}, "Service", "metadata.labels.a", "b"),
    ],
)  # fmt: skip
def test_a_value_is_found_where_it_belongs(values: Manifest, kind: str, path: str, expected: object) -> None:
    assert at(one(render(values), kind), path) == expected


HARDENED = {of: VALUES[of] for of in ("podSecurityContext", "containerSecurityContext")}


@pytest.mark.parametrize(
    ("of", "place", "said", "differs"),
    [
        ("podSecurityContext", POD, {"runAsUser": 1000}, {"runAsUser": 1000}),
        ("podSecurityContext", POD, {"runAsUser": None}, {"runAsUser": None}),
        ("podSecurityContext", POD, {"runAsUser": 1000650000}, {"runAsUser": 1000650000}),
        ("podSecurityContext", POD, {"runAsNonRoot": False, "runAsUser": 0}, {"runAsNonRoot": False, "runAsUser": 0}),
        (
            "podSecurityContext",
            POD,
            {"seccompProfile": {"localhostProfile": "a"}},
            {"seccompProfile": {"type": "RuntimeDefault", "localhostProfile": "a"}},
        ),
        ("containerSecurityContext", CONTAINER, {"privileged": False}, {"privileged": False}),
        ("containerSecurityContext", CONTAINER, {"readOnlyRootFilesystem": False}, {"readOnlyRootFilesystem": False}),
        (
            "containerSecurityContext",
            CONTAINER,
            {"capabilities": {"add": ["NET_BIND_SERVICE"]}},
            {"capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}},
        ),
        ("containerSecurityContext", CONTAINER, {"capabilities": None}, {"capabilities": None}),
    ],
    ids=str,
)
@pytest.mark.parametrize("where", ["", "server."], ids=["operator", "server"])
@pytest.mark.parametrize("program", HELMS)
def test_what_is_said_of_a_security_context_is_added_to_the_hardening(
    of: str, place: str, said: Manifest, differs: Manifest, where: str, program: str
) -> None:
    values = nested(f"{where}{of}", said)
    values["server"] = SERVER | values.get("server", {})
    pods = render(values, program=program)
    found = at(one(pods, "Deployment", "mlrollout-server" if where else "mlrollout"), f"{place}.securityContext")
    expected = HARDENED[of] | differs
    assert found == {field: value for field, value in expected.items() if value is not None}


def test_the_server_is_hardened_as_the_operator_is_told_to_be() -> None:
    said = {"podSecurityContext": {"runAsUser": 1000}, "server": SERVER | {"podSecurityContext": {"runAsGroup": 2000}}}
    found = at(one(render(said), "Deployment", "mlrollout-server"), f"{POD}.securityContext")
    assert found == HARDENED["podSecurityContext"] | {"runAsUser": 1000, "runAsGroup": 2000}


def test_constraints_without_a_selector_are_about_these_pods() -> None:
    others = {"matchLabels": {"app": "other"}}
    constraint = {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}
    deployment = one(
        render({"topologySpreadConstraints": [constraint, constraint | {"labelSelector": others}]}), "Deployment"
    )

    first, second = at(deployment, f"{POD}.topologySpreadConstraints")
    assert first["labelSelector"] == deployment["spec"]["selector"]
    assert second["labelSelector"] == others


def test_nothing_is_installed_that_is_not_asked_for() -> None:
    assert sorted({item["kind"] for item in render()}) == [
        "ClusterRole",
        "ClusterRoleBinding",
        "CustomResourceDefinition",
        "Deployment",
        "PodDisruptionBudget",
        "Role",
        "RoleBinding",
        "Service",
        "ServiceAccount",
    ]
    bare = {"podDisruptionBudget": {"enabled": False}, "serviceAccount": {"create": False}}
    assert not {"PodDisruptionBudget", "ServiceAccount"} & {item["kind"] for item in render(bare)}


def test_a_network_policy_has_a_hole_for_each_that_is_talked_to_and_no_other() -> None:
    policy = one(render({"networkPolicy": {"enabled": True}}), "NetworkPolicy")["spec"]
    ports = [{(port["protocol"], port["port"]) for port in rule["ports"]} for rule in policy["egress"]]

    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert policy["ingress"] == [{"ports": [{"port": "http", "protocol": "TCP"}]}]
    assert ports == [
        {("TCP", 53), ("UDP", 53)},
        {("TCP", 443), ("TCP", 6443)},
        {("TCP", 6379), ("TCP", 26379)},
        {("TCP", 443), ("TCP", 9090)},
        {("TCP", 443)},
    ]


def test_the_server_has_no_holes_for_what_the_operator_alone_talks_to() -> None:
    egress = {"receivers": {"ports": [465]}, "revisions": {"ports": [5000]}}
    rollouts = [{"name": "ml-dispatch", "key": "ml_dispatch:rollout_percentage"}]

    def ports(server: Manifest) -> set[int]:
        manifests = render({"networkPolicy": {"enabled": True, "egress": egress}, "server": server})
        policy = one(manifests, "NetworkPolicy", "mlrollout-server")["spec"]
        return {port["port"] for rule in policy["egress"] for port in rule["ports"]}

    assert ports(SERVER) == {53, 443, 6443, 6379, 26379, 9090}
    assert 6443 not in ports(SERVER | {"config": {"rollouts": rollouts}}), "without objects it asks no API server"


def test_holes_of_a_network_policy_are_made_narrower_and_closed() -> None:
    peers = [{"ipBlock": {"cidr": "10.0.0.0/8"}}]
    closed: Manifest = {name: {"ports": []} for name in ("dns", "kubernetes", "prometheus", "receivers")}
    registry = {"ports": [5000]}
    extra = [{"to": peers}]
    values = {
        "enabled": True,
        "ingress": {"operator": peers},
        "egress": {**closed, "redis": {"ports": [6390], "to": peers}, "revisions": registry, "extra": extra},
    }
    policy = one(render({"networkPolicy": values}), "NetworkPolicy")["spec"]

    assert policy["ingress"][0]["from"] == peers
    assert policy["egress"] == [
        {"ports": [{"port": 6390, "protocol": "TCP"}], "to": peers},
        {"ports": [{"port": 5000, "protocol": "TCP"}]},
        *extra,
    ]


@pytest.mark.parametrize(
    ("address", "added"),
    [
        ("http://prometheus.monitoring:8481/select/0/prometheus", 8481),
        ("http://prometheus.monitoring", 80),
        ("https://prometheus.example/a:1", None),
        ("http://[fd00::1]:9091", 9091),
        ("http://[fd00::1]", 80),
        ("http://prometheus.monitoring:9090", None),
    ],
)
def test_a_network_policy_lets_the_operator_and_the_server_to_their_prometheus(address: str, added: int | None) -> None:
    server = {**SERVER, "config": {**SERVER["config"], "prometheus": "{{ .Values.prometheus.address }}"}}
    both = {"prometheus": {"address": address}, "server": server, "networkPolicy": {"enabled": True}}
    server_alone = both | {"prometheus": {}, "server": server | {"config": SERVER["config"] | {"prometheus": address}}}

    expected = [443, 9090, *([added] if added else [])]
    assert prometheus_ports(both) == {"mlrollout": expected, "mlrollout-server": expected}
    assert prometheus_ports(server_alone) == {"mlrollout": [443, 9090], "mlrollout-server": expected}


def prometheus_ports(values: Manifest) -> Manifest:
    """The ports of Prometheus that each component's policy lets through."""
    policies = [item for item in render(values) if item["kind"] == "NetworkPolicy"]
    return {one["metadata"]["name"]: [port["port"] for port in one["spec"]["egress"][3]["ports"]] for one in policies}


def test_a_hole_that_is_closed_stays_so() -> None:
    values = {"enabled": True, "egress": {"prometheus": {"ports": []}}}
    policy = one(render({"prometheus": {"address": "http://a:1234"}, "networkPolicy": values}), "NetworkPolicy")
    assert 1234 not in {port["port"] for rule in policy["spec"]["egress"] for port in rule["ports"]}


@pytest.mark.parametrize(
    ("monitor", "of", "endpoints"),
    [("ServiceMonitor", "serviceMonitor", "endpoints"), ("PodMonitor", "podMonitor", "podMetricsEndpoints")],
)
def test_a_monitor_is_made_as_the_values_say(monitor: str, of: str, endpoints: str) -> None:
    relabeling, metric_relabeling = {"action": "labeldrop", "regex": "pod"}, {"action": "drop", "regex": "a"}
    values = {
        "enabled": True,
        "namespace": "monitoring",
        "labels": {"release": "kube-prometheus-stack"},
        "annotations": {"a": "b"},
        "interval": "15s",
        "scrapeTimeout": "5s",
        "jobLabel": "app.kubernetes.io/name",
        "relabelings": [relabeling],
        "metricRelabelings": [metric_relabeling],
    }
    found = one(render({"metrics": {of: values}}), monitor)
    (endpoint,) = found["spec"][endpoints]

    assert found["metadata"]["namespace"] == "monitoring"
    assert found["metadata"]["labels"]["release"] == "kube-prometheus-stack"
    assert found["metadata"]["annotations"] == {"a": "b"}
    assert found["spec"]["jobLabel"] == "app.kubernetes.io/name"
    assert found["spec"]["namespaceSelector"] == {"matchNames": ["mlrollout-system"]}
    assert (endpoint["interval"], endpoint["scrapeTimeout"]) == ("15s", "5s")
    assert endpoint["relabelings"] == [relabeling]
    assert endpoint["metricRelabelings"][-1] == metric_relabeling


MONITORING = {"serviceMonitor", "podMonitor", "prometheusRule", "dashboard"}


def monitoring(release_namespace: str, namespace: str) -> set[tuple[str, str, str]]:
    """Kind, namespace and name of what is made for monitoring, where the values have all of it in a namespace."""
    values = {"metrics": {of: {"enabled": True, "namespace": namespace} for of in MONITORING}}
    code, said = helm("template", "mlrollout", CHART, f"--namespace={release_namespace}", values=values)
    assert code == 0, said
    kinds = {"ServiceMonitor", "PodMonitor", "PrometheusRule", "ConfigMap"}
    made = (item for item in yaml.safe_load_all(said) if item and item["kind"] in kinds)
    return {(item["kind"], item["metadata"]["namespace"], item["metadata"]["name"]) for item in made}


def test_what_releases_of_one_name_put_into_a_namespace_of_others_is_not_the_same() -> None:
    one_team, other = monitoring("team-a", "monitoring"), monitoring("team-b", "monitoring")
    assert len(one_team) == len(other) == len(MONITORING)
    assert not one_team & other


def test_what_stays_in_the_namespace_of_the_release_is_called_after_it_alone() -> None:
    assert monitoring("monitoring", "monitoring") == monitoring("monitoring", "")
    assert {name for _, _, name in monitoring("monitoring", "")} == {"mlrollout", "mlrollout-dashboard"}


def test_extra_objects_are_manifests_or_templates() -> None:
    objects = [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "{{ .Release.Name }}-one"}},
        'apiVersion: v1\nkind: Secret\nmetadata:\n  name: {{ include "mlrollout.name" . }}-two\n',
    ]
    manifests = render({"extraObjects": objects}, release="canary")

    assert one(manifests, "ConfigMap")["metadata"]["name"] == "canary-one"
    assert one(manifests, "Secret")["metadata"]["name"] == "canary-mlrollout-two"


# --- schema and README ---


def _paths(values: Manifest, schema: Manifest, at: str = "") -> Iterator[tuple[str, Manifest]]:
    """Every path of the values with what the schema says of it."""
    for name, value in values.items():
        said = schema.get("properties", {}).get(name, {})
        if reference := said.get("$ref"):
            said = SCHEMA["definitions"][reference.rpartition("/")[2]]
        yield f"{at}{name}", said
        if isinstance(value, dict) and "properties" in said:
            yield from _paths(value, said, f"{at}{name}.")


def test_the_schema_knows_every_value() -> None:
    assert [path for path, said in _paths(VALUES, SCHEMA) if not said] == []


def _in_schema(schema: Manifest, at: str = "") -> Iterator[str]:
    for name, said in schema.get("properties", {}).items():
        yield f"{at}{name}"
        yield from _in_schema(said, f"{at}{name}.")


def test_the_schema_knows_no_other_value() -> None:
    known = {path for path, _ in _paths(VALUES, SCHEMA)}
    of_kubernetes = ("global", "imagePullSecrets.", "resources.", "server.resources.")

    assert [path for path in _in_schema(SCHEMA) if path not in known and not path.startswith(of_kubernetes)] == []


def test_every_value_is_described() -> None:
    described = chart.descriptions((CHART / "values.yaml").read_text())
    assert [path for path, _ in chart.leaves(VALUES, described) if path not in described] == []


def test_the_readme_has_the_values_as_they_are() -> None:
    assert chart.output() == chart.FILE.read_text(), "run `make generate`"
