"""Values that make no sense are refused before anything is installed, by their name and with what to do."""

import pytest

from tests.support.helm import CHART, HELMS, SERVER, Manifest, helm

OF_TYPES = [
    ({"replica": 2}, "'replica' not allowed"),
    ({"server": {"replica": 2}}, "'replica' not allowed"),
    ({"replicas": "two"}, "'/replicas': got string, want integer"),
    ({"replicas": -1}, "/replicas"),
    ({"redis": {"url": "redis://password@host"}}, "'url' not allowed"),
    ({"secretNamespaces": "dispatch"}, "'/secretNamespaces': got string, want array"),
    ({"secretNamespaces": ["a", "a"]}, "/secretNamespaces"),
    ({"crds": {"keep": "yes"}}, "'/crds/keep': got string, want boolean"),
    ({"image": {"pullPolicy": "Sometimes"}}, "value must be one of 'Always', 'IfNotPresent', 'Never'"),
    ({"logging": {"level": "loud"}}, "value must be one of 'debug', 'info', 'warning', 'error'"),
    ({"commonLabels": {"a": 1}}, "'/commonLabels/a': got number, want string"),
    ({"podAnnotations": {"prometheus.io/scrape": True}}, "got boolean, want string"),
    ({"resources": {"request": {}}}, "'request' not allowed"),
    ({"tolerations": {"key": "a"}}, "'/tolerations': got object, want array"),
    ({"livenessProbe": {"httpGet": {}}}, "'httpGet' not allowed"),
    ({"networkPolicy": {"egress": {"redis": {"ports": ["redis"]}}}}, "/networkPolicy/egress/redis/ports/0"),
    ({"metrics": {"serviceMonitor": {"interval": "soon"}}}, "/metrics/serviceMonitor/interval"),
    ({"podDisruptionBudget": {"maxUnavailable": "half"}}, "/podDisruptionBudget/maxUnavailable"),
    ({"server": {"service": {"port": 0}}}, "/server/service/port"),
    ({"server": {"ingress": {"paths": ["api"]}}}, "/server/ingress/paths/0"),
]
OF_SENSE = [
    ({"image": {"repository": "registry:5000/mlrollout:1"}}, "put it into image.tag or image.digest"),
    ({"image": {"digest": "sha256:abc"}}, "image.digest is no digest (sha256:abc)"),
    ({"prometheus": {"address": "http://user:password@prometheus"}}, "prometheus.address holds a user name"),
    ({"prometheus": {"address": "prometheus:9090"}}, "prometheus.address is no address (prometheus:9090)"),
    ({"prometheus": {"auth": {"existingSecret": "a", "tokenKey": "b"}}}, "prometheus.auth takes prometheus.address"),
    ({"prometheus": {"address": "http://a", "auth": {"existingSecret": "a"}}}, "which say what is in it"),
    ({"prometheus": {"auth": {"tokenKey": "a", "usernameKey": "b"}}}, "a request can show one of them"),
    ({"prometheus": {"auth": {"usernameKey": "b"}}}, "usernameKey and passwordKey go together"),
    ({"prometheus": {"auth": {"keyKey": "b"}}}, "certificateKey and keyKey go together"),
    (
        {"server": {"enabled": True, "prometheusAuth": True, "config": {"prometheus": "http://a"}}},
        "server.prometheusAuth takes prometheus.auth",
    ),
    ({"allowedPrometheusAddresses": ["http://a,http://b"]}, '"http://a,http://b" is no pattern of addresses'),
    ({"allowedRevisionSources": ["mlflow:5000"]}, 'allowedRevisionSources: "mlflow:5000" is no pattern of addresses'),
    ({"notifications": {"allowedAddresses": ["slack://token"]}}, '"slack://token" is no pattern of receivers'),
    ({"notifications": {"allowedAddresses": ["https"]}}, "https alone would be any webhook"),
    ({"notifications": {"allowedNetworks": ["cluster.local"]}}, '"cluster.local" is no range of IP addresses'),
    ({"secretNamespaces": ["Not A Namespace"]}, '"Not A Namespace" is no namespace\'s name'),
    ({"secretNamespaces": ["team-*"]}, "each is written out"),
    ({"configMapNamespaces": ["team-*"]}, 'configMapNamespaces: "team-*" is no namespace\'s name'),
    ({"watchNamespace": "a,b"}, "it is one, or empty for all"),
    ({"watchNamespace": "a", "secretNamespaces": ["b"]}, '"b" is not watched'),
    ({"watchNamespace": "a", "configMapNamespaces": ["b"]}, 'configMapNamespaces: "b" is not watched'),
    ({"rbac": {"clusterRoles": False}}, "rbac.clusterRoles=false takes watchNamespace"),
    (
        {"commonLabels": {"app.kubernetes.io/name": "a"}},
        "commonLabels: app.kubernetes.io/name is what pods are found by",
    ),
    ({"podLabels": {"app.kubernetes.io/instance": "a"}}, "podLabels: app.kubernetes.io/instance"),
    ({"podDisruptionBudget": {"maxUnavailable": 1, "minAvailable": 1}}, "Kubernetes takes one of them"),
    ({"redis": {"tls": {"existingSecret": "a", "caKey": ""}}}, "redis.tls.existingSecret is of no use"),
    ({"redis": {"tls": {"existingSecret": "a", "certificateKey": "a"}}}, "certificateKey and keyKey go together"),
]
OF_THE_SERVER = [
    ({"config": {}}, "server.config.rollouts is empty"),
    ({"config": SERVER["config"] | {"dashboard": {}}}, "server.dashboard.existingSecret is empty"),
    (
        {"config": SERVER["config"] | {"dashboard": {}}, "replicas": 1, "autoscaling": {"enabled": True}},
        "or have one pod alone: server.replicas 1, and no server.autoscaling",
    ),
    ({"config": SERVER["config"] | {"listen": "0.0.0.0:1"}}, "server.config.listen is filled in by the chart"),
    ({"config": SERVER["config"] | {"redis_tls": {}}}, "server.config.redis_tls is filled in by the chart"),
    ({"redis": {}}, "name a Secret with the URL of the server's own user of Redis"),
    ({"tokens": {}}, "nobody could call it"),
    ({"sessions": {"existingSecret": "a"}}, "takes server.config.sessions"),
    ({"config": SERVER["config"] | {"sessions": {"algorithm": "HS256"}}}, "takes server.sessions.existingSecret"),
    ({"ingress": {"enabled": True}}, "server.ingress.hosts is empty"),
    ({"httpRoute": {"enabled": True}}, "server.httpRoute.parentRefs is empty: name the Gateway"),
    ({"autoscaling": {"enabled": True, "minReplicas": 20}}, "minReplicas (20) is above maxReplicas (10)"),
    ({"autoscaling": {"enabled": True, "targetCPUUtilizationPercentage": 0}}, "server.autoscaling has no measure"),
    ({"podDisruptionBudget": {"maxUnavailable": 1, "minAvailable": 1}}, "server.podDisruptionBudget has both"),
    ({"podLabels": {"app.kubernetes.io/name": "a"}}, "server.podLabels: app.kubernetes.io/name"),
]
NAMESPACED = {"watchNamespace": "dispatch", "rbac": {"clusterRoles": False}, "server": SERVER}


def refusal(values: Manifest, program: str = "helm") -> str:
    code, said = helm("template", "mlrollout", CHART, values=values, program=program)
    assert code != 0
    return said


@pytest.mark.parametrize("program", HELMS)
@pytest.mark.parametrize(("values", "told"), OF_TYPES, ids=str)
def test_what_is_of_a_wrong_type_or_has_no_such_name(values: Manifest, told: str, program: str) -> None:
    assert told in refusal(values, program)


@pytest.mark.parametrize(("values", "told"), OF_SENSE, ids=str)
def test_what_makes_no_sense(values: Manifest, told: str) -> None:
    assert told in refusal(values)


@pytest.mark.parametrize(("changed", "told"), OF_THE_SERVER, ids=str)
def test_a_server_that_could_not_run(changed: Manifest, told: str) -> None:
    assert told in refusal({"server": SERVER | changed})


def test_a_server_that_reviews_tokens_without_a_right_of_no_namespace() -> None:
    assert "server.rbac.create takes rbac.clusterRoles" in refusal(NAMESPACED)


def test_all_that_is_wrong_is_told_at_once() -> None:
    said = refusal({"watchNamespace": "a,b", "image": {"digest": "latest"}})
    assert "watchNamespace" in said
    assert "image.digest" in said
