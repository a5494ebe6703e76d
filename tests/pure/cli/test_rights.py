"""The rights that the doctor asks about are those that the operator has."""

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
