"""The server's part of the chart: what it installs is a configuration that the server starts with."""

import re
from pathlib import Path

import pytest
import yaml
from mlrollout.server import config
from mlrollout.server.process import END_WITHIN

from tests.components.chart.test_chart import rules
from tests.support.helm import CHART, FULL, SERVER, Manifest, at, one, render

NAME = "mlrollout-server"
POD = "spec.template.spec"
INGRESS = {"enabled": True, "hosts": ["a"]}
ROUTE = {"enabled": True, "parentRefs": [{"name": "g"}]}


@pytest.mark.parametrize("values", [{"server": SERVER}, FULL], ids=["least", "full"])
def test_the_server_takes_the_configuration_and_finds_its_files(values: Manifest, tmp_path: Path) -> None:
    manifests = render(values)
    file = tmp_path / "server.yaml"
    file.write_text(one(manifests, "ConfigMap", NAME)["data"]["server.yaml"])
    loaded = config.load(file)
    deployment = one(manifests, "Deployment", NAME)
    (container,) = at(deployment, f"{POD}.containers")

    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    mounted = {
        f"{mounts[volume['name']]}/{item['path']}"
        for volume in at(deployment, f"{POD}.volumes")
        if "secret" in volume
        for item in volume["secret"]["items"]
    }
    named = {
        loaded.tokens,
        loaded.sessions and loaded.sessions.key,
        loaded.survey.key,
        loaded.redis_tls.ca,
        loaded.redis_tls.certificate,
        loaded.redis_tls.key,
    } - {None}
    assert {str(path) for path in named} | {at(container, "env.0.value")} == mounted
    assert loaded.listen == f":{at(container, 'ports.0.containerPort')}", "of IPv4 and of IPv6"
    assert container["args"][0] == f"--config={mounts['config']}/server.yaml"


def test_the_server_may_do_what_its_page_says() -> None:
    page = (CHART.parents[1] / "docs" / "server.md").read_text()
    (shown,) = re.findall(r"```yaml\n(apiVersion: rbac.*?)```", page, re.DOTALL)
    role, *_ = yaml.safe_load_all(shown)

    assert rules(render({"server": SERVER}), "server") == {"ClusterRole /mlrollout-server": role["rules"]}


def test_in_one_namespace_the_server_moves_the_rollouts_of_that_namespace_alone() -> None:
    *reviews, objects = rules(render({"server": SERVER}), "server")["ClusterRole /mlrollout-server"]

    assert rules(render({"server": SERVER, "watchNamespace": "dispatch"}), "server") == {
        "ClusterRole /mlrollout-mlrollout-system-server": reviews,
        "Role dispatch/mlrollout-server": [objects],
    }


def test_a_server_without_objects_has_no_rights_and_no_token() -> None:
    rollouts = [{"name": "ml-dispatch", "key": "ml_dispatch:rollout_percentage"}]
    manifests = render({"server": SERVER | {"config": {"rollouts": rollouts}}})

    assert rules(manifests, "server") == {}
    assert at(one(manifests, "Deployment", NAME), f"{POD}.automountServiceAccountToken") is False
    assert at(one(render({"server": SERVER}), "Deployment", NAME), f"{POD}.automountServiceAccountToken") is True


SHOWN = {"apiGroups": ["mlrollout.dev"], "resources": ["mlrollouts"], "verbs": ["list", "watch"]}
SHOWN = {"apiGroups": ["mlrollout.dev"], "resources": ["mlrollouts"], "verbs": ["list", "watch"]}
DASHBOARD: Manifest = SERVER | {"dashboard": {"existingSecret": "sessions-of-people"}}


def test_with_the_dashboard_the_server_may_watch_as_its_page_says(tmp_path: Path) -> None:
    page = (CHART.parents[1] / "docs" / "dashboard.md").read_text()
    (shown,) = re.findall(r"```yaml\n(apiVersion: rbac.*?)```", page, re.DOTALL)
    role, *_ = yaml.safe_load_all(shown)
    manifests = render({"server": DASHBOARD})

    assert rules(manifests, "server")["ClusterRole /mlrollout-server"][-1:] == role["rules"]
    file = tmp_path / "server.yaml"
    file.write_text(one(manifests, "ConfigMap", NAME)["data"]["server.yaml"])
    settings = config.load(file).dashboard
    assert settings is not None
    assert (str(settings.key), settings.namespace) == ("/etc/mlrollout/dashboard/dashboard", "")
    volumes = {one_["name"]: one_ for one_ in at(one(manifests, "Deployment", NAME), f"{POD}.volumes")}
    assert at(volumes["dashboard"], "secret.secretName") == "sessions-of-people"


def test_in_one_namespace_the_dashboard_shows_that_one(tmp_path: Path) -> None:
    manifests = render({"server": DASHBOARD, "watchNamespace": "dispatch"})
    file = tmp_path / "server.yaml"
    file.write_text(one(manifests, "ConfigMap", NAME)["data"]["server.yaml"])
    settings = config.load(file).dashboard
    assert settings is not None
    assert settings.namespace == "dispatch"
    assert SHOWN in rules(manifests, "server")["Role dispatch/mlrollout-server"]


@pytest.mark.parametrize("namespace", ["dispatch", "{{ .Values.global.team }}"])
def test_a_dashboard_of_one_namespace_has_its_rights_there_alone(namespace: str) -> None:
    *reviews, moves = rules(render({"server": SERVER}), "server")["ClusterRole /mlrollout-server"]
    of_one = {**DASHBOARD, "config": SERVER["config"] | {"dashboard": {"namespace": namespace}}}

    assert rules(render({"server": of_one, "global": {"team": "dispatch"}}), "server") == {
        "ClusterRole /mlrollout-server": reviews,
        "Role dispatch/mlrollout-server": [moves, SHOWN],
    }


def test_a_dashboard_of_one_namespace_watches_there_alone_where_the_server_moves_rollouts_of_others() -> None:
    *reviews, moves = rules(render({"server": SERVER}), "server")["ClusterRole /mlrollout-server"]
    of_another = {**DASHBOARD, "config": SERVER["config"] | {"dashboard": {"namespace": "pricing"}}}

    assert rules(render({"server": of_another}), "server") == {
        "ClusterRole /mlrollout-server": [*reviews, moves],
        "Role pricing/mlrollout-server": [SHOWN],
    }


def test_another_configuration_makes_other_pods() -> None:
    def pods(changed: Manifest) -> Manifest:
        values = {"server": SERVER | {"config": SERVER["config"] | changed}}
        return dict(at(one(render(values), "Deployment", NAME), "spec.template"))

    assert pods({}) == pods({})
    assert pods({"rate": 5}) != pods({})


def test_the_server_is_reached_by_the_paths_that_applications_need_and_no_others() -> None:
    manifests = render(FULL)
    port = one(manifests, "Service", NAME)["spec"]["ports"][0]
    (rule,) = one(manifests, "Ingress")["spec"]["rules"]
    (route,) = one(manifests, "HTTPRoute")["spec"]["rules"]
    paths = ["/api", "/ofrep", "/openapi.json"]

    assert rule["host"] == "rollouts.example.com"
    assert [path["path"] for path in rule["http"]["paths"]] == paths
    assert {path["backend"]["service"]["port"]["name"] for path in rule["http"]["paths"]} == {port["name"]}
    assert [match["path"]["value"] for match in route["matches"]] == paths
    assert route["backendRefs"] == [{"name": NAME, "port": port["port"]}]


@pytest.mark.parametrize(
    ("values", "kind", "path", "expected"),
    [
        ({"replicas": 4}, "Deployment", "spec.replicas", 4),
        ({"autoscaling": {"enabled": True}}, "Deployment", "spec.replicas", None),
        ({"autoscaling": {"enabled": True, "maxReplicas": 5}}, "HorizontalPodAutoscaler", "spec.maxReplicas", 5),
        (
            {"autoscaling": {"enabled": True, "targetMemoryUtilizationPercentage": 80}},
            "HorizontalPodAutoscaler",
            "spec.metrics.1.resource.target.averageUtilization",
            80,
        ),
        ({"service": {"type": "LoadBalancer"}}, "Service", "spec.type", "LoadBalancer"),
        ({"service": {"port": 8090}}, "Service", "spec.ports.0.port", 8090),
        ({"service": {"annotations": {"a": "b"}}}, "Service", "metadata.annotations.a", "b"),
        ({"ingress": {**INGRESS, "className": "x"}}, "Ingress", "spec.ingressClassName", "x"),
        ({"ingress": {**INGRESS, "tls": [{"secretName": "s"}]}}, "Ingress", "spec.tls.0.secretName", "s"),
        ({"httpRoute": {**ROUTE, "hostnames": ["a"]}}, "HTTPRoute", "spec.hostnames", ["a"]),
        ({"serviceAccount": {"create": False, "name": "other"}}, "Deployment", f"{POD}.serviceAccountName", "other"),
        ({"podDisruptionBudget": {"minAvailable": 1}}, "PodDisruptionBudget", "spec.minAvailable", 1),
    ],
)  # fmt: skip
def test_a_value_is_found_where_it_belongs(values: Manifest, kind: str, path: str, expected: object) -> None:
    manifests = render({"server": SERVER | values})
    assert at(one(manifests, kind, NAME), path) == expected


def test_requests_still_come_while_the_pod_ends() -> None:
    deployment = one(render({"server": SERVER}), "Deployment", NAME)
    waits = at(deployment, f"{POD}.containers.0.lifecycle.preStop.sleep.seconds")
    assert waits + END_WITHIN < at(deployment, f"{POD}.terminationGracePeriodSeconds")


def test_the_servers_prometheus_is_shown_what_the_operators_is_where_the_administrator_says() -> None:
    auth = {"address": "http://a", "auth": {"existingSecret": "prometheus-auth", "tokenKey": "bearer"}}
    config = {**SERVER["config"], "prometheus": "http://a"}

    def shown(**server: object) -> tuple[object, list[Manifest]]:
        pod = at(one(render({"prometheus": auth, "server": {**SERVER, **server}}), "Deployment", NAME), POD)
        folder = {env["name"]: env.get("value") for env in pod["containers"][0]["env"]}.get("MLROLLOUT_PROMETHEUS_AUTH")
        return folder, [volume["secret"] for volume in pod["volumes"] if volume["name"] == "prometheus-auth"]

    assert shown(config=config) == (None, [])
    folder, (secret,) = shown(config=config, prometheusAuth=True)
    assert folder == "/etc/mlrollout/prometheus"
    assert (secret["secretName"], secret["items"]) == ("prometheus-auth", [{"key": "bearer", "path": "token"}])


def test_the_configuration_is_a_template() -> None:
    config = {**SERVER["config"], "prometheus": "http://{{ .Release.Name }}-prometheus:9090"}
    found = one(render({"server": SERVER | {"config": config}}, release="canary"), "ConfigMap")
    assert yaml.safe_load(found["data"]["server.yaml"])["prometheus"] == "http://canary-prometheus:9090"
