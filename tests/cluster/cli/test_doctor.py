"""The doctor on a real API server: what is there, what is missing, and what nobody may see."""

import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import pytest

from devstack.control_plane import ControlPlane
from devstack.redis_server import RedisServer
from tests.cluster.cli.conftest import READER
from tests.support.command_line import CommandLine
from tests.support.places import OPERATOR_RULES, Place
from tests.support.sample import MINIMAL

HEALTHY, FAILED = 0, 1
POD = "mlrollout-7c9d"

Examined = Mapping[str, tuple[str, str]]
Examine = Callable[..., tuple[int, Examined]]


@pytest.fixture
def place(control_plane: ControlPlane) -> Place:
    return Place(control_plane)


@pytest.fixture
def examine(mlrollout: CommandLine, place: Place) -> Examine:
    """What the doctor says, by what it is about: level and message."""

    def ask(*arguments: str, namespace: str = place.namespace) -> tuple[int, Examined]:
        ran = mlrollout("doctor", "-n", namespace, "--operator-namespace", place.namespace, "-o", "json", *arguments)
        return ran.code, {one["about"]: (one["level"], one["message"]) for one in json.loads(ran.out)["findings"]}

    return ask


def leads(place: Place, name: str, behind: float = 0.0) -> None:
    """Let an operator be, in a pod, that renewed its Lease by a clock of its own."""
    at = datetime.fromtimestamp(time.time() - behind, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    here = {"namespace": place.namespace}
    spec = {"holderIdentity": f"{POD}_98e3865d", "leaseDurationSeconds": 600, "renewTime": at, "acquireTime": at}
    container = {"name": "operator", "image": "x"}
    place.apply(
        {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": name, **here}, "spec": spec},
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": POD, **here},
            "spec": {"serviceAccountName": "operator", "containers": [container]},
        },
    )


def test_an_operator_with_all_rights_and_one_without(mlrollout: CommandLine, examine: Examine, place: Place) -> None:
    code, found = examine()
    assert code == FAILED
    assert found["operator"][0] == "failed"
    assert found["operator's rights"] == ("unseen", "it is not known who the operator is")

    lease = f"mlrollout-{place.namespace}"
    rules = [rule | {"resourceNames": [lease]} if "update" in rule["verbs"] else rule for rule in OPERATOR_RULES]
    place.account("operator", rules)
    leads(place, lease)
    code, found = examine()
    assert code == HEALTHY
    assert {about: level for about, (level, _) in found.items() if level != "ok"} == {
        "Redis": "unseen",
        "Prometheus": "unseen",
    }
    assert found["operator"][1].startswith(f"{POD}_98e3865d leads since ")
    assert f" by the Lease {place.namespace}/{lease}, and renewed it " in found["operator"][1]
    assert "the operator's" in found["clocks"][1]
    for where in (("--operator-namespace", place.namespace), ()):
        told = mlrollout("doctor", "-A", *where, "-o", "json").out
        assert f" by the Lease {place.namespace}/{lease}, and renewed it " in told
        assert f"the operator ({place.namespace}/operator) may do all that is needed in the namespace" in told

    place.kubectl("delete", "lease", lease)
    leads(place, "mlrollout", behind=3600.0)
    code, found = examine()
    assert code == FAILED, "it looks after all namespaces, and has rights in one"
    assert found["operator"][0] == "ok", "by the API server's clock it has renewed just now"
    assert found["clocks"][0] == "warning"
    assert found["clocks"][1].startswith("of the API server's, the operator's is ")
    level, told = found["operator's rights"]
    assert level == "failed"
    assert told.startswith(
        f"in every namespace, the operator ({place.namespace}/operator) may not get mlrollouts, list"
    )


def test_what_is_not_seen_is_said(mlrollout: CommandLine, examine: Examine, place: Place, states: Place) -> None:
    mlrollout.setenv("KUBECONFIG", states.account("reader", [dict(rule) for rule in READER]))
    code, found = examine(namespace=states.namespace)
    assert code == FAILED, "Redis is down, say some of the objects"
    assert found["CRD"][0] == "ok", "everybody may read the schemas"
    who = f"system:serviceaccount:{states.namespace}:reader"
    lacks = "patch mlrollouts (rollback and all other verbs), list events (events)"
    assert found["your rights"] == ("warning", f"in the namespace {states.namespace}, {who} may not {lacks}")
    assert found["operator"][0] == "unseen"
    assert ": you lack the right; the status of an object was last written " in found["operator"][1]
    assert found["Redis"][0] == "failed"
    assert found["Prometheus"][0] == "warning"
    assert found["clocks"][0] == "ok"

    mlrollout.setenv("KUBECONFIG", place.account("nobody", []))
    code, found = examine()
    assert code == FAILED
    assert found["your rights"][0] == "failed"
    assert {found[one][0] for one in ("operator", "operator's rights", "Redis", "Prometheus")} == {"unseen"}
    shown = mlrollout("doctor", "-n", place.namespace)
    assert shown.code == FAILED
    assert "say --operator-namespace NAME" in " ".join(shown.out.split())


def test_redis_is_asked_where_somebody_says_where_it_is(examine: Examine, place: Place, states: Place) -> None:
    with RedisServer() as redis:
        at = ("--redis", redis.url)
        assert examine(*at)[1]["that Redis"] == ("ok", "it answers")
        assert examine(*at, namespace=states.namespace)[1]["that Redis"] == ("ok", "it answers"), "each has its own"
        place.apply(MINIMAL | {"metadata": {"name": "one", "namespace": place.namespace}})
        assert examine(*at)[1]["that Redis"] == ("ok", "it answers, and holds what the status of 1 object says")
        patch = '{"status": {"progress": {"applied": 10}}}'
        place.kubectl("patch", "mlr", "one", "--subresource=status", "--type=merge", "-p", patch)
        told = f"it answers, but holds 0 % under {MINIMAL['spec']['traffic']['key']}, where the status says 10 %"
        assert examine(*at)[1]["that Redis"] == ("warning", told)
    code, found = examine("--redis", "redis://:hunter2@127.0.0.1:1", "--prometheus", "http://127.0.0.1:1")
    assert code == FAILED
    assert [found[one][0] for one in ("that Redis", "that Prometheus")] == ["failed", "failed"]
    assert "hunter2" not in str(found)
