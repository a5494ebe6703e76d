"""What is made of what a doctor sees."""

from typing import Any

import pytest
from mlrollout.api import moment
from mlrollout.api.crd import schema
from mlrollout.glance.doctor.clocks import clocks
from mlrollout.glance.doctor.crd import crd
from mlrollout.glance.doctor.diagnosis import Diagnosis, DiagnosisLevel, ok, summary, unseen
from mlrollout.glance.doctor.lease import last_word, lease, operator, operators
from mlrollout.glance.doctor.rights import AccessRight, of_operator, rights, yours
from mlrollout.glance.doctor.services import prometheus, redis
from mlrollout.glance.rollout import glance

from tests.support import dispatch

OK, WARNING, FAILED, UNSEEN = DiagnosisLevel
NOW = dispatch.NOW
KNOWN: dict[str, Any] = {
    "properties": {"spec": {"properties": {"revision": {}, "stages": {"items": {"properties": {"name": {}}}}}}}
}


def less(*path: str) -> dict[str, Any]:
    """The schema without a field."""
    made = schema()
    node = made["properties"]
    for part in path[:-1]:
        node = node[part].get("items", node[part])["properties"]
    del node[path[-1]]
    return made


@pytest.mark.parametrize(
    ("versions", "published", "level", "told"),
    [
        ((), None, FAILED, "the cluster does not know MLRollout"),
        (("v1",), None, FAILED, "the cluster knows MLRollout as v1 alone, and this program as v1alpha1"),
        (("v1alpha1",), None, UNSEEN, "the cluster knows mlrollout.dev/v1alpha1, but its fields could not be read"),
        (("v1alpha1",), schema(), OK, "mlrollout.dev/v1alpha1, with the fields that this program knows"),
        (("v1alpha1",), less("spec", "notifications"), WARNING, "it lacks spec.notifications"),
        (("v1alpha1",), less("spec", "guardrails", "rate", "max"), WARNING, "it lacks spec.guardrails.rate.max"),
        (("v1alpha1",), less("spec"), WARNING, "it lacks spec"),
        (("v1alpha1",), {"properties": 7}, WARNING, "it lacks spec, status"),
    ],
)
def test_the_crd(versions: tuple[str, ...], published: Any, level: DiagnosisLevel, told: str) -> None:
    found = crd(versions, published, schema())
    assert found.level is level
    assert found.message.endswith(told)
    assert bool(found.todo) == (level in {FAILED, WARNING})


def test_a_newer_crd_is_one_that_this_program_does_not_know() -> None:
    found = crd(("v1alpha1",), schema(), less("spec", "stages"))
    assert found.message.endswith("of another version: this program does not know spec.stages")
    found = crd(("v1alpha1",), KNOWN, schema())
    assert "it lacks spec.afterCompletion, spec.guardrails, spec.notifications and " in found.message


def held(holder: str = "pod_1", renewed: float = NOW, ago: float = 0.0, **more: Any) -> dict[str, Any]:
    """A Lease that was saved so many seconds ago."""
    return {
        "metadata": {
            "namespace": "mlrollout-system",
            "name": "mlrollout",
            "managedFields": [{"time": moment.render(NOW - ago)}],
            **more,
        },
        "spec": {
            "holderIdentity": holder,
            "leaseDurationSeconds": 8,
            "renewTime": moment.render(renewed),
            "acquireTime": moment.render(NOW - 7200),
        },
    }


@pytest.mark.parametrize(
    ("leases", "level", "told"),
    [
        ([], FAILED, "none has ever run for the namespace dispatch: there is no Lease of one"),
        ([held()], OK, "pod_1 leads since 2h by the Lease mlrollout-system/mlrollout, and renewed it 0s ago"),
        ([held(ago=9.0)], OK, "renewed it 9s ago"),
        ([held(ago=11.0)], FAILED, "pod_1, which led, has not renewed it; the last word came 11s ago"),
        ([held(holder="")], FAILED, "its last leader has given it up; the last word came 0s ago"),
        ([held(renewed=NOW - 600)], OK, "renewed it 0s ago"),
        ([held(), held(ago=3600.0, name="mlrollout-dispatch")], OK, "by the Lease mlrollout-system/mlrollout,"),
        ([held(), held(name="mlrollout-dispatch")], WARNING, "2 installations look after the same objects"),
        ([{"metadata": {"name": "mlrollout"}, "spec": None}], FAILED, "the last word came at an unknown time"),
    ],
)
def test_an_operator_runs_if_its_lease_is_renewed_by_the_clock_of_the_api_server(
    leases: list[dict[str, Any]], level: DiagnosisLevel, told: str
) -> None:
    found = operator([lease(one) for one in leases], NOW, "dispatch")
    assert found.level is level
    assert told in found.message
    assert bool(found.todo) == (level is not OK)


def test_where_one_namespace_alone_was_looked_in_that_is_said() -> None:
    found = operator([], NOW, "dispatch", "typo")
    assert found.message == "there is no Lease of one for the namespace dispatch in the namespace typo"
    assert found.todo.startswith("leave --operator-namespace out")
    (found,) = operators([], NOW, ["dispatch"], "typo")
    assert found.message == "there is no Lease of one for any namespace in the namespace typo"


A, B, GONE = (
    held(name="mlrollout-a"),
    held("other_1", name="mlrollout-b", namespace="team-b"),
    held(ago=60.0, name="mlrollout-c"),
)


@pytest.mark.parametrize(
    ("leases", "spaces", "told"),
    [
        ([], [], [(FAILED, "none has ever run for any namespace: there is no Lease of one")]),
        ([held()], ["a"], [(OK, "by the Lease mlrollout-system/mlrollout,")]),
        ([held(), A], ["a"], [(WARNING, "2 installations look after the same objects")]),
        ([A], ["a"], [(OK, "pod_1 leads since 2h by the Lease mlrollout-system/mlrollout-a,")]),
        ([A, B], [], [(OK, "system/mlrollout-a,"), (OK, "other_1 leads since 2h by the Lease team-b/mlrollout-b,")]),
        ([A, GONE], ["a"], [(OK, "system/mlrollout-a,")]),
        ([A, GONE], ["c"], [(OK, "mlrollout-a,"), (FAILED, "none runs: by the Lease mlrollout-system/mlrollout-c,")]),
        ([A], ["d"], [(OK, "mlrollout-a,"), (FAILED, "none has ever run for the namespace d:")]),
        ([A, held(ago=60.0)], ["a"], [(OK, "mlrollout-a,")]),
        ([A, held(ago=60.0)], ["d"], [(OK, "mlrollout-a,"), (FAILED, "by the Lease mlrollout-system/mlrollout,")]),
        ([GONE, held(ago=90.0)], ["a"], [(FAILED, "none runs: by the Lease mlrollout-system/mlrollout-c,")]),
        ([A, A | {"metadata": B["metadata"] | {"name": "mlrollout-a"}}], [], [(WARNING, "2 installations look after")]),
    ],
)
def test_of_all_namespaces_each_that_has_an_operator_or_an_object_is_told(
    leases: list[dict[str, Any]], spaces: list[str], told: list[tuple[DiagnosisLevel, str]]
) -> None:
    found = operators([lease(one) for one in leases], NOW, spaces)
    assert [one.level for one in found] == [level for level, _ in told]
    assert all(said in one.message for one, (_, said) in zip(found, told, strict=True))


def test_where_no_lease_may_be_seen_the_objects_tell_when_they_were_written() -> None:
    managed = [
        {"subresource": "status", "time": moment.render(NOW - 70)},
        {"subresource": "status", "time": moment.render(NOW - 10)},
        {"time": moment.render(NOW)},
    ]
    found = {"metadata": {"managedFields": managed}}
    assert last_word([found, {}], NOW) == "; the status of an object was last written 10s ago"
    assert last_word([{}], NOW) == ""


def test_without_managed_fields_the_clock_of_the_holder_has_to_do() -> None:
    bare = lease(held(renewed=NOW - 3, managedFields=None))
    assert (bare.last, bare.ahead, bare.lives(NOW)) == (NOW - 3, None, True)
    assert lease(held(renewed=NOW + 60)).ahead == 60.0


def test_rights_that_are_missing_are_named_with_what_they_are_for() -> None:
    assert rights("your rights", "ann", [], "dispatch", "x") == ok(
        "your rights", "ann may do all that is needed in the namespace dispatch"
    )
    get, *_, patch, _ = yours("")
    found = rights("your rights", "ann", [patch], "", "ask")
    assert (found.level, found.todo) == (WARNING, "ask")
    assert found.message == "in every namespace, ann may not patch mlrollouts (rollback and all other verbs)"
    assert rights("your rights", "ann", [get, patch], "", "ask").level is FAILED


def test_the_operator_needs_what_objects_name() -> None:
    needed = of_operator(
        "dispatch",
        "mlrollout-system",
        "mlrollout-dispatch",
        [("secrets", "dispatch", "redis"), ("configmaps", "dispatch", "models")],
    )
    assert AccessRight("get", "secrets", "", namespace="dispatch", name="redis") in needed
    assert AccessRight("get", "configmaps", "", namespace="dispatch", name="models") in needed
    assert str(needed[-3]) == "update leases mlrollout-dispatch"


def test_what_objects_tell_of_redis() -> None:
    states = dispatch.rollouts()
    assert redis([], NOW).level is UNSEEN
    assert redis([states["not seen yet"]], NOW).level is UNSEEN
    assert (
        redis([states["advancing"], states["complete"]], NOW).message
        == "by the status of 2 objects, it holds what it should"
    )
    lost = redis([states["advancing"], states["Redis down"]], NOW)
    assert lost.level is FAILED
    assert lost.message.startswith("of 2 objects, 1 can't be sure of it; dispatch/ml-dispatch: ")


def test_what_objects_tell_of_prometheus() -> None:
    well = glance(dispatch.rollouts()["advancing"], NOW)
    found = prometheus([well])
    assert found == ok(
        "Prometheus", "by the status of 1 object, it answers all of 4 guardrails, the newest told 4s ago"
    )
    assert prometheus([]).level is UNSEEN
    lacking = prometheus([glance(dispatch.rollouts()["no data"], NOW)])
    assert (lacking.level, "of them found no samples" in lacking.message) == (OK, True)
    down = prometheus([well, glance(dispatch.rollouts()["Prometheus down"], NOW)])
    assert down.level is WARNING
    assert "guardrails have no answer; dispatch/ml-dispatch, error-rate: " in down.message


def test_objects_of_one_name_in_two_namespaces_are_two() -> None:
    here = dispatch.rollouts()["advancing"]
    there = here | {"metadata": here["metadata"] | {"namespace": "elsewhere"}}
    assert prometheus([glance(one, NOW) for one in (here, there)]).message.startswith("by the status of 2 objects, ")


@pytest.mark.parametrize(("bad", "level"), [((0,), WARNING), ((0, 1, 2, 3), FAILED)])
def test_guardrails_without_an_answer(bad: tuple[int, ...], level: DiagnosisLevel) -> None:
    said = dispatch.rollouts()["advancing"]
    told = [dict(one) for one in said["status"]["guardrails"]]
    for place in bad:
        told[place] |= {"finding": "Error", "message": "it can't be reached"}
    found = prometheus([glance(said | {"status": said["status"] | {"guardrails": told}}, NOW)])
    assert found.level is level
    assert f"{len(bad)} of 4 guardrails have no answer; dispatch/ml-dispatch, " in found.message


@pytest.mark.parametrize(
    ("ahead", "level", "told"),
    [
        ({"a": 0.9, "b": -4.9}, OK, "a and b are within 5 s of the API server's"),
        ({"a": 0.9, "b": None}, OK, "a is within 5 s of the API server's; b could not be seen"),
        ({"a": 0.0, "b": -65.0}, WARNING, "of the API server's, b is 1m5s behind"),
        ({"a": 61.0, "b": -65.0}, WARNING, "of the API server's, a is 1m1s ahead, b is 1m5s behind"),
        ({"a": None}, UNSEEN, "the API server does not tell its time"),
    ],
)
def test_clocks(ahead: dict[str, float | None], level: DiagnosisLevel, told: str) -> None:
    found = clocks(ahead)
    assert (found.level, found.message) == (level, told)


def test_the_last_line_counts() -> None:
    assert summary([ok("a", "")]) == "All is well."
    found = [ok("a", ""), Diagnosis("b", FAILED, ""), unseen("c", ""), unseen("d", ""), Diagnosis("e", WARNING, "")]
    assert summary(found) == "1 failed, 1 with a warning, 2 could not be seen."
