"""The operator's part of the chart, as Helm itself lints and renders it."""

import re
from collections.abc import Sequence

import pytest
import yaml
from mlrollout.adapters.http.access import FILES

from tests.support.helm import CHART, FULL, HELMS, NAMESPACE, Manifest, helm, one, render
from tests.support.places import OPERATOR_RULES


def container(manifests: Sequence[Manifest]) -> Manifest:
    (found,) = one(manifests, "Deployment", "mlrollout")["spec"]["template"]["spec"]["containers"]
    return dict(found)


def environment(manifests: Sequence[Manifest]) -> Manifest:
    return {each["name"]: each.get("value", each.get("valueFrom")) for each in container(manifests)["env"]}


@pytest.mark.parametrize("program", HELMS)
@pytest.mark.parametrize("values", [{}, FULL], ids=["default", "full"])
def test_helm_finds_nothing_to_complain_of(values: Manifest, program: str) -> None:
    code, said = helm("lint", CHART, "--strict", values=values, program=program)

    assert code == 0, said
    assert "[WARNING]" not in said


@pytest.mark.parametrize("values", [{}, FULL], ids=["default", "full"])
def test_helm_3_and_helm_4_render_the_same(values: Manifest) -> None:
    assert render(values, program="helm") == render(values, program="helm4")


def rules(manifests: Sequence[Manifest], component: str = "operator") -> Manifest:
    return {
        f"{item['kind']} {item['metadata'].get('namespace', '')}/{item['metadata']['name']}": item["rules"]
        for item in manifests
        if "rules" in item
        and item["kind"].endswith("Role")
        and item["metadata"]["labels"]["app.kubernetes.io/component"] == component
        and not item["metadata"]["name"].endswith(("-view", "-edit"))
    }


ON_OBJECTS = OPERATOR_RULES[:3]
OF_THE_CLUSTER = OPERATOR_RULES[3]
ON_LEASES = OPERATOR_RULES[4:]


def test_what_the_operator_may_do_is_this_and_no_more() -> None:
    assert rules(render()) == {
        "ClusterRole /mlrollout": [*ON_OBJECTS, OF_THE_CLUSTER],
        f"Role {NAMESPACE}/mlrollout-lease": ON_LEASES,
    }


def test_in_one_namespace_its_rights_are_there_and_its_lease_is_called_after_it() -> None:
    lease = [ON_LEASES[0], ON_LEASES[1] | {"resourceNames": ["mlrollout-dispatch"]}]
    found = render({"watchNamespace": "dispatch"})

    assert rules(found) == {
        f"ClusterRole /mlrollout-{NAMESPACE}": [OF_THE_CLUSTER],
        "Role dispatch/mlrollout": ON_OBJECTS,
        f"Role {NAMESPACE}/mlrollout-lease": lease,
    }
    assert environment(found)["MLROLLOUT_WATCH_NAMESPACE"] == "dispatch"


def test_in_one_namespace_nothing_need_be_installed_that_is_of_none_but_the_crd() -> None:
    found = render({"watchNamespace": "dispatch", "rbac": {"clusterRoles": False}})

    assert [item["kind"] for item in found if "namespace" not in item["metadata"]] == ["CustomResourceDefinition"]


def test_secrets_are_read_only_where_the_administrator_says() -> None:
    manifests = render(FULL)
    roles = [item for item in manifests if item["metadata"]["name"] == "mlrollout-secrets" and "rules" in item]
    bindings = [item for item in manifests if item.get("roleRef", {}).get("name") == "mlrollout-secrets"]

    assert [role["metadata"]["namespace"] for role in roles] == ["dispatch", "pricing"]
    assert [binding["metadata"]["namespace"] for binding in bindings] == ["dispatch", "pricing"]
    assert [role["kind"] for role in roles] == ["Role", "Role"]
    assert all(role["rules"] == [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}] for role in roles)


@pytest.mark.parametrize("values", [FULL, {"watchNamespace": "dispatch"}], ids=["all", "one"])
def test_every_binding_is_to_an_account_of_ours_and_to_a_role_that_is_there(values: Manifest) -> None:
    manifests = render(values)
    there = {(item["kind"], item["metadata"].get("namespace"), item["metadata"]["name"]) for item in manifests}
    bindings = [item for item in manifests if item["kind"] in {"RoleBinding", "ClusterRoleBinding"}]

    assert bindings
    for binding in bindings:
        role, (subject,) = binding["roleRef"], binding["subjects"]
        assert (role["kind"], binding["metadata"].get("namespace"), role["name"]) in there
        assert (subject["kind"], subject["namespace"], subject["name"]) in there


def test_users_may_read_by_the_clusters_own_roles_and_write_only_where_the_administrator_says() -> None:
    def aggregated(values: Manifest, name: str) -> set[str]:
        labels = one(render(values), "ClusterRole", name)["metadata"]["labels"]
        return {label.rpartition("-")[2] for label, on in labels.items() if "aggregate-to" in label and on == "true"}

    assert aggregated({}, "mlrollout-view") == {"view", "edit", "admin"}
    assert aggregated({}, "mlrollout-edit") == set()
    assert aggregated({"rbac": {"aggregateToEdit": True}}, "mlrollout-edit") == {"edit", "admin"}
    assert aggregated({"rbac": {"aggregateToView": False}}, "mlrollout-view") == set()
    (rule,) = one(render(), "ClusterRole", "mlrollout-edit")["rules"]
    assert rule["resources"] == ["mlrollouts"], "whoever writes the status raises traffic"


def test_without_rbac_there_is_none() -> None:
    assert not [
        item
        for item in render(FULL | {"rbac": {"create": False}})
        if "Role" in item["kind"] and "server" not in item["metadata"]["name"]
    ]


@pytest.mark.parametrize(
    ("values", "release", "name"),
    [
        ({}, "mlrollout", "mlrollout"),
        ({}, "canary", "canary-mlrollout"),
        ({"nameOverride": "rollouts"}, "canary", "canary-rollouts"),
        ({"fullnameOverride": "guard"}, "canary", "guard"),
    ],
)
def test_everything_is_named_after_the_release(values: Manifest, release: str, name: str) -> None:
    manifests = render(values, release=release)
    pod = one(manifests, "Deployment")["spec"]["template"]

    assert one(manifests, "ServiceAccount")["metadata"]["name"] == name
    assert pod["spec"]["serviceAccountName"] == name
    assert one(manifests, "ClusterRoleBinding")["subjects"][0]["name"] == name


def test_no_name_of_a_release_makes_one_that_is_too_long() -> None:
    manifests = render({"server": FULL["server"]}, release="r" * 53)

    for item in manifests:
        if item["kind"] in {"Service", "Deployment", "ServiceAccount"}:
            assert len(item["metadata"]["name"]) <= 63


def test_the_pod_has_nothing_that_it_does_not_need() -> None:
    manifests = render(FULL)
    pod = one(manifests, "Deployment", "mlrollout")["spec"]["template"]["spec"]

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
    assert one(manifests, "ServiceAccount", "mlrollout")["automountServiceAccountToken"] is False


def test_the_pod_is_probed_where_it_listens() -> None:
    found = container(render())
    _, _, port = environment(render())["MLROLLOUT_LISTEN"].rpartition(":")

    assert found["ports"] == [{"name": "http", "containerPort": int(port)}]
    assert found["livenessProbe"]["httpGet"] == {"path": "/livez", "port": "http"}
    assert found["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "http"}


def test_what_selects_pods_finds_those_of_its_own_component_alone() -> None:
    manifests = render(FULL)
    pods = {
        name: one(manifests, "Deployment", name)["spec"]["template"]["metadata"]["labels"]
        for name in ("mlrollout", "mlrollout-server")
    }
    selectors = {
        (item["kind"], item["metadata"]["name"]): selector
        for item in manifests
        if (selector := _selector(item)) is not None and item["kind"] not in {"ServiceMonitor", "PodMonitor"}
    }

    assert len(selectors) == 8
    for (_, name), selector in selectors.items():
        found = {pod for pod, labels in pods.items() if selector.items() <= labels.items()}
        assert found == {"mlrollout-server" if "server" in name else "mlrollout"}
    for kind in ("ServiceMonitor", "PodMonitor"):
        selector = _selector(one(manifests, kind)) or {}
        assert all(selector.items() <= labels.items() for labels in pods.values())


def _selector(item: Manifest) -> Manifest | None:
    spec = item.get("spec", {})
    found = spec.get("selector") or spec.get("podSelector") if item["kind"] != "CustomResourceDefinition" else None
    return None if found is None else found.get("matchLabels", found)


def test_the_selector_is_that_of_every_older_version() -> None:
    """It can't be changed: an upgrade would fail."""
    assert one(render(), "Deployment")["spec"]["selector"] == {
        "matchLabels": {"app.kubernetes.io/name": "mlrollout", "app.kubernetes.io/instance": "mlrollout"}
    }


def test_without_values_the_operator_is_told_the_least() -> None:
    assert environment(render()) == {
        "MLROLLOUT_LISTEN": ":8080",
        "MLROLLOUT_NAMESPACE": {"fieldRef": {"fieldPath": "metadata.namespace"}},
    }
    assert "args" not in container(render())
    assert "volumes" not in one(render(), "Deployment")["spec"]["template"]["spec"]


def test_the_operator_is_told_what_the_values_say() -> None:
    manifests = render(FULL)
    url, tls, auth, file = one(manifests, "Deployment", "mlrollout")["spec"]["template"]["spec"]["volumes"]
    at_url, at_tls, at_auth, at_file = (mount["mountPath"] for mount in container(manifests)["volumeMounts"])

    assert (
        environment(manifests).items()
        >= {
            "MLROLLOUT_REDIS_URL_FILE": f"{at_url}/url",
            "MLROLLOUT_REDIS_CA": f"{at_tls}/ca",
            "MLROLLOUT_REDIS_CERTIFICATE": f"{at_tls}/certificate",
            "MLROLLOUT_REDIS_KEY": f"{at_tls}/key",
            "MLROLLOUT_PROMETHEUS_URL": "http://prometheus.monitoring:9090",
            "MLROLLOUT_PROMETHEUS_AUTH": at_auth,
            "MLROLLOUT_ALLOWED_PROMETHEUS": "http://prometheus.*:9090,https://metrics.example",
            "MLROLLOUT_ALLOWED_REVISION_SOURCES": "http://mlflow.*:5000,https://models.example/*/candidate.json",
            "MLROLLOUT_NOTIFICATIONS_FILE": f"{at_file}/notifications.yaml",
            "MLROLLOUT_ALLOWED_RECEIVERS": "https://hooks.*.example,slack",
            "MLROLLOUT_ALLOWED_RECEIVER_NETWORKS": "10.20.0.0/16,fd00::/64",
        }.items()
    )
    assert url["secret"]["secretName"] == "operator-redis"
    assert url["secret"]["items"] == [{"key": "redis-url", "path": "url"}]
    assert tls["secret"]["secretName"] == "redis-tls"
    assert {item["path"]: item["key"] for item in tls["secret"]["items"]} == {
        "ca": "ca.crt",
        "certificate": "tls.crt",
        "key": "tls.key",
    }
    assert auth["secret"]["secretName"] == "prometheus-auth"
    assert {item["path"]: item["key"] for item in auth["secret"]["items"]} == {"token": "bearer", "ca": "ca.crt"}
    assert {item["path"] for item in auth["secret"]["items"]} <= set(FILES)
    assert file["secret"]["secretName"] == "operator-notifications"
    assert file["secret"]["items"] == [{"key": "file", "path": "notifications.yaml"}]
    assert file["secret"]["optional"], "the operator guards without it, too"
    assert container(manifests)["args"] == ["--text", "--log-level=debug"]


def test_the_crd_is_the_one_that_we_ship() -> None:
    shipped = yaml.safe_load((CHART.parents[1] / "crds" / "mlrollout.dev_mlrollouts.yaml").read_text())

    assert one(render({"crds": {"keep": False}}), "CustomResourceDefinition") == shipped
    assert one(render(), "CustomResourceDefinition")["spec"] == shipped["spec"]


def test_the_crd_outlives_the_release_unless_told_otherwise() -> None:
    kept = one(render(), "CustomResourceDefinition")["metadata"]["annotations"]

    assert kept == {"helm.sh/resource-policy": "keep"}
    assert "CustomResourceDefinition" not in {item["kind"] for item in render({"crds": {"install": False}})}


UNINSTALL = {
    page: (CHART.parents[1] / page).read_text() for page in ("docs/uninstall.md", "charts/mlrollout/README.md")
}


def recipes(page: str) -> Manifest:
    """The recipes of a page that take a release away, by the namespace of the release."""
    found = re.findall(r"```sh\n((?:.*\n)*?)```", UNINSTALL[page])
    taken = [(re.search("^helm uninstall mlrollout -n (.*)$", recipe, re.MULTILINE), recipe) for recipe in found]
    return {told[1]: recipe for told, recipe in taken if told}


@pytest.mark.parametrize("page", UNINSTALL)
def test_one_of_several_releases_is_taken_away_without_anything_of_the_others(page: str) -> None:
    recipe = recipes(page)["team-a"]

    assert "kubectl delete mlrollouts --all -n team-a " in recipe
    assert " -A" not in recipe
    assert " crd " not in recipe
    assert "leave the crd" in UNINSTALL[page].lower()


@pytest.mark.parametrize("page", UNINSTALL)
def test_what_takes_objects_of_others_along_is_warned_of_beside_it(page: str) -> None:
    wide = [line for line in recipes(page)[NAMESPACE].splitlines() if " -A" in line or " crd " in line]

    assert len(wide) == 2
    for line in wide:
        assert " EVERY " in line.partition(" #")[2], line


@pytest.mark.parametrize("page", UNINSTALL)
def test_a_release_that_is_taken_away_leaves_no_lease(page: str) -> None:
    for namespace, recipe in recipes(page).items():
        watched = "" if namespace == NAMESPACE else namespace
        _, on_its_own = rules(render({"watchNamespace": watched}))[f"Role {NAMESPACE}/mlrollout-lease"]
        deleted = re.findall(r"^kubectl delete lease (\S+) -n (\S+)", recipe, re.MULTILINE)
        assert deleted == [(*on_its_own["resourceNames"], namespace)]


def test_whoever_takes_a_release_away_can_list_the_installations_first() -> None:
    (selector,) = re.findall(r"get deployments -A -l (\S+)", UNINSTALL["docs/uninstall.md"])
    wanted = dict(pair.split("=") for pair in selector.split(","))
    found = [item for item in render(FULL | {"nameOverride": "other"}) if item["kind"] == "Deployment"]

    listed = [item for item in found if wanted.items() <= item["metadata"]["labels"].items()]
    assert [item["metadata"]["name"] for item in listed] == ["mlrollout-other"]


def test_the_crd_has_the_labels_and_annotations_that_are_asked_for() -> None:
    values = {"crds": {"annotations": {"cost": "$1"}}, "commonLabels": {"team": "a"}, "commonAnnotations": {"b": "c"}}
    metadata = one(render(values), "CustomResourceDefinition")["metadata"]

    assert metadata["annotations"] == {"cost": "$1", "b": "c", "helm.sh/resource-policy": "keep"}
    assert metadata["labels"] == {"team": "a"}


DOCS = CHART.parents[1] / "docs"


def test_a_password_of_redis_is_changed_without_locking_out_what_reads_it_at_its_start_alone() -> None:
    told = (DOCS / "redis-acl.md").read_text()
    steps = (
        "ACL SETUSER mlrollout >NEW",
        "kubectl create secret generic mlrollout-redis ",
        "kubectl rollout restart deployment/mlrollout ",
        "kubectl rollout status deployment/mlrollout ",
        "ACL SETUSER mlrollout <OLD",
    )
    assert [told.count(step) for step in steps] == [1] * len(steps)
    assert sorted(steps, key=told.index) == list(steps)
    restarted = set(re.findall(r"deployment/([a-z-]+)", told))
    assert restarted == {item["metadata"]["name"] for item in render(FULL) if item["kind"] == "Deployment"}
    for page in ("redis.md", "on-call.md"):
        assert "redis-acl.md#another-password" in (DOCS / page).read_text()


def test_an_authority_of_one_s_own_is_named_for_every_kind_of_receiver_and_beside_the_usual_ones() -> None:
    told = (DOCS / "notifications.md").read_text()
    (values,) = re.findall(r"```yaml\n# values of the chart\n(.*?)```", told, re.DOTALL)
    (usual, file) = re.findall(r"^cat (\S+) our-authority\.pem > (\S+) ", told, re.MULTILINE)[0]
    manifests = render(yaml.safe_load(values))

    assert usual == "/etc/ssl/certs/ca-certificates.crt"
    (mount,) = container(manifests)["volumeMounts"]
    for variable in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
        assert environment(manifests)[variable] == f"{mount['mountPath']}/{file}"
