"""The rights that the doctor asks about are those that the operator has."""

from mlrollout.cli.doctor.leases import named
from mlrollout.glance.doctor.rights import of_operator

from tests.support.places import OPERATOR_RULES


def test_the_doctor_asks_for_all_that_the_operator_needs() -> None:
    needed = {
        (group, resource, verb, name)
        for rule in OPERATOR_RULES
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
        for name in rule.get("resourceNames", [""])
    }
    # Without the uid of its cluster the operator does its work all the same.
    needed.remove(("", "namespaces", "get", "kube-system"))
    asked = {(one.group, one.resource, one.verb, one.name) for one in of_operator("", "x", "mlrollout", ())}
    assert asked == needed


def test_whatever_an_object_may_name_is_asked_about() -> None:
    secret = {"secretRef": {"name": "redis"}}
    spec = {
        "traffic": {"redis": secret},
        "prometheus": {"secretRef": {"name": "prometheus"}},
        "notifications": [{"secretRef": {"name": "oncall"}}, secret],
        "revisionFrom": {
            "mlflow": {"secretRef": {"name": "mlflow"}},
            "http": {"secretRef": {"name": "documents"}},
            "configMap": {"name": "models"},
        },
    }
    found = named([{"metadata": {"namespace": "team"}, "spec": spec}, {"metadata": {}, "spec": {}}])
    secrets = [("secrets", "team", name) for name in ("redis", "prometheus", "mlflow", "documents", "oncall")]
    assert found == [*secrets, ("configmaps", "team", "models")]
