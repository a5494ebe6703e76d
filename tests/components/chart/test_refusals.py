"""Values that make no sense are refused before anything is installed, by their name and with what to do."""

import pytest
from mlrollout.adapters.receivers.networks import networks

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
    ({"terminationGracePeriodSeconds": 1}, "'/terminationGracePeriodSeconds': minimum: got 1, want 2"),
    ({"server": {"terminationGracePeriodSeconds": 4}}, "/server/terminationGracePeriodSeconds"),
    ({"server": {"service": {"port": 0}}}, "/server/service/port"),
    ({"server": {"ingress": {"paths": ["api"]}}}, "/server/ingress/paths/0"),
]
OF_SENSE: list[tuple[Manifest, str]] = [
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
    *(
        ({"notifications": {"allowedNetworks": [text]}}, f'allowedNetworks: "{text}" is no range of IP addresses')
        for text in ("10.20.0.0/33", "10.20.300.0/24", "10.020.0.0/16", "...", "abc", "1:2", "fd00::/129", "::1::/64")
    ),
    (
        {"notifications": {"allowedNetworks": ["10.20.33.44/20"]}},
        '"10.20.33.44/20" is an address inside of a range: write 10.20.32.0/20 for the range',
    ),
    ({"fullnameOverride": "My_Operator"}, "fullnameOverride: \"My_Operator\" can't be a Service's name"),
    ({"fullnameOverride": "1st"}, "beginning with a letter"),
    ({"nameOverride": "Rollouts"}, "nameOverride: \"Rollouts\" can't be in a Service's name"),
    (
        {"nameOverride": "roll outs", "fullnameOverride": "guard"},
        "nameOverride: \"roll outs\" can't be a label's value",
    ),
    ({"secretNamespaces": ["Not A Namespace"]}, '"Not A Namespace" is no namespace\'s name'),
    ({"secretNamespaces": ["team-*"]}, "each is written out"),
    ({"configMapNamespaces": ["team-*"]}, 'configMapNamespaces: "team-*" is no namespace\'s name'),
    ({"watchNamespace": "a,b"}, "it is one, or empty for all"),
    ({"watchNamespace": "a", "secretNamespaces": ["b"]}, '"b" is not watched'),
    ({"watchNamespace": "a", "configMapNamespaces": ["b"]}, 'configMapNamespaces: "b" is not watched'),
    ({"rbac": {"clusterRoles": False}}, "rbac.clusterRoles=false takes watchNamespace"),
    *(
        (
            {"watchNamespace": "a", "rbac": {"separateRights": True, without: False}},
            "rbac.separateRights takes rbac.create and rbac.clusterRoles",
        )
        for without in ("create", "clusterRoles")
    ),
    (
        {"commonLabels": {"app.kubernetes.io/name": "a"}},
        "commonLabels: app.kubernetes.io/name is what pods are found by",
    ),
    ({"podLabels": {"app.kubernetes.io/instance": "a"}}, "podLabels: app.kubernetes.io/instance"),
    ({"podDisruptionBudget": {"maxUnavailable": 1, "minAvailable": 1}}, "Kubernetes takes one of them"),
    *(
        (
            {"podDisruptionBudget": {"maxUnavailable": none}},
            f"podDisruptionBudget.maxUnavailable of {none} keeps nodes from",
        )
        for none in (0, "0%")
    ),
    ({"podDisruptionBudget": {"minAvailable": 2}}, "podDisruptionBudget.minAvailable of 2 is all of 2"),
    ({"podDisruptionBudget": {"minAvailable": "51%"}}, "podDisruptionBudget.minAvailable of 51% is all of 2"),
    ({"replicas": 1, "podDisruptionBudget": {"minAvailable": 1}}, "or set maxUnavailable to 1 in its place"),
    ({"redis": {"tls": {"existingSecret": "a", "caKey": ""}}}, "redis.tls.existingSecret is of no use"),
    ({"redis": {"tls": {"existingSecret": "a", "certificateKey": "a"}}}, "certificateKey and keyKey go together"),
]
OF_THE_SERVER: list[tuple[Manifest, str]] = [
    ({"config": {}}, "server.config.rollouts is empty"),
    ({"config": {"rollouts": "foo"}}, "server.config.rollouts is no list: write an entry with name and key"),
    ({"config": {"rollouts": {"name": "foo"}}}, "server.config.rollouts is no list"),
    ({"config": {"rollouts": ["foo"]}}, "server.config.rollouts: foo is no rollout"),
    *(
        ({"config": SERVER["config"] | {part: "on"}}, f"server.config.{part} is on, and has fields")
        for part in ("sessions", "survey", "dashboard")
    ),
    ({"config": SERVER["config"] | {"dashboard": {}}}, "server.dashboard.existingSecret is empty"),
    (
        {"config": SERVER["config"] | {"dashboard": {}}, "replicas": 1, "autoscaling": {"enabled": True}},
        "or have one pod alone: server.replicas 1, and no server.autoscaling",
    ),
    ({"config": SERVER["config"] | {"listen": "0.0.0.0:1"}}, "server.config.listen is filled in by the chart"),
    ({"config": SERVER["config"] | {"redis_tls": {}}}, "server.config.redis_tls is filled in by the chart"),
    *(
        (
            {"config": SERVER["config"] | {"prometheus": address}},
            "server.config.prometheus holds a user name or a password",
        )
        for address in ("http://user:password@prometheus:9090", "http://{{ print `user:password@` }}prometheus:9090")
    ),
    ({"redis": {}}, "name a Secret with the URL of the server's own user of Redis"),
    ({"tokens": {}}, "nobody could call it"),
    ({"sessions": {"existingSecret": "a"}}, "takes server.config.sessions"),
    ({"config": SERVER["config"] | {"sessions": {"algorithm": "HS256"}}}, "takes server.sessions.existingSecret"),
    ({"ingress": {"enabled": True}}, "server.ingress.hosts is empty"),
    ({"httpRoute": {"enabled": True}}, "server.httpRoute.parentRefs is empty: name the Gateway"),
    ({"autoscaling": {"enabled": True, "minReplicas": 20}}, "minReplicas (20) is above maxReplicas (10)"),
    ({"autoscaling": {"enabled": True, "targetCPUUtilizationPercentage": 0}}, "server.autoscaling has no measure"),
    ({"podDisruptionBudget": {"maxUnavailable": 1, "minAvailable": 1}}, "server.podDisruptionBudget has both"),
    ({"podDisruptionBudget": {"minAvailable": 2}}, "server.podDisruptionBudget.minAvailable of 2 is all of 2"),
    (
        {"podDisruptionBudget": {"minAvailable": 3}, "replicas": 9, "autoscaling": {"enabled": True, "minReplicas": 3}},
        "server.podDisruptionBudget.minAvailable of 3 is all of 3",
    ),
    ({"podLabels": {"app.kubernetes.io/name": "a"}}, "server.podLabels: app.kubernetes.io/name"),
]
FINE: list[Manifest] = [
    {"notifications": {"allowedNetworks": ["10.20.32.0/20", "10.1.2.3", "0.0.0.0/0", "255.255.255.255/32"]}},
    {"notifications": {"allowedNetworks": ["fd00::/8", "::/0", "::1", "2001:db8:1:2:3:4:5:6/128", "1:2:3:4:5:6:7::"]}},
    {"nameOverride": "My_Rollouts", "fullnameOverride": "guard-1"},
    {"nameOverride": "rollouts-of-a-name-that-is-much-longer-than-any-name-of-a-service-may-be"},
    {"podDisruptionBudget": {"minAvailable": "50%"}, "terminationGracePeriodSeconds": 2},
    {"podDisruptionBudget": {"minAvailable": 0}},
    {"podDisruptionBudget": {"minAvailable": 2}, "replicas": 3},
    {"podDisruptionBudget": {"minAvailable": 2}, "replicas": 0},
    {"podDisruptionBudget": {"enabled": False, "maxUnavailable": 0}},
    {"server": SERVER | {"config": SERVER["config"] | {"dashboard": None}, "replicas": 1}},
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


@pytest.mark.parametrize("values", FINE, ids=str)
def test_what_makes_sense_is_not_refused(values: Manifest) -> None:
    code, said = helm("template", "mlrollout", CHART, values=values)
    assert code == 0, said


def test_the_ranges_of_addresses_are_those_that_the_operator_can_read() -> None:
    taken = [text for values in FINE for text in values.get("notifications", {}).get("allowedNetworks", [])]
    refused = [text for values, _ in OF_SENSE for text in values.get("notifications", {}).get("allowedNetworks", [])]
    assert len(networks(tuple(taken)).allowed) == len(taken)
    for text in refused:
        with pytest.raises(ValueError, match=r"does not appear to be|has host bits set"):
            networks((text,))


def test_a_server_that_reviews_tokens_without_a_right_of_no_namespace() -> None:
    assert "server.rbac.create takes rbac.clusterRoles" in refusal(NAMESPACED)


def test_all_that_is_wrong_is_told_at_once() -> None:
    said = refusal({"watchNamespace": "a,b", "image": {"digest": "latest"}})
    assert "watchNamespace" in said
    assert "image.digest" in said
