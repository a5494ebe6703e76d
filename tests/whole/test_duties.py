"""A duty to Redis does not wait for the API server, for a leader or for a word that this version knows."""

import json
from collections.abc import Iterator

import pytest
import redis

from devstack.redis_server import RedisServer
from tests.support.sentinel import PASSWORD, Sentinel, sentinel_url
from tests.whole.house import LONG, House

REFUSING = """
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: no-status}
spec:
  matchConstraints:
    resourceRules:
    - {apiGroups: [mlrollout.dev], apiVersions: ["*"], operations: [UPDATE], resources: [mlrollouts/status]}
  validations: [{expression: "false", message: "no status is taken"}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: no-status}
spec: {policyName: no-status, validationActions: [Deny]}
"""


@pytest.mark.parametrize("on_delete", ["Zero", "Retain"])
def test_a_deletion_while_the_leader_stands_still_leaves_nothing_unguarded(own_house: House, on_delete: str) -> None:
    house, leader = own_house, own_house.stack.operators[0]
    second = house.stack.start_operator("second")
    house.until(lambda: "Another operator leads; this one stands by" in second.log.read_text(), "the word of it")
    house.apply(stages=LONG, onDelete=on_delete)
    house.until_percentage(10)
    house.until(lambda: house.condition("TrafficApplied").get("status") == "True", "a confirmation")

    leader.child.pause()
    house.kubectl("delete", "mlr", "ml-dispatch", "--wait=false")
    if on_delete == "Retain":
        house.for_a_while(lambda: house.percentage == "10")
        house.errors(0.2)
    house.until_percentage(0)

    leader.child.resume()
    house.until(lambda: "ml-dispatch" not in house.kubectl("get", "mlr", "-o", "name"), "its end", within=60)
    assert (house.percentage, house.record["owner"]) == ("0", "")


def test_a_spec_of_a_newer_version_is_guarded_and_given_up(own_house: House) -> None:
    house = own_house
    operator = house.stack.operators[0]
    house.apply(stages=LONG)
    house.until_percentage(10)
    operator.kill()
    _loosen(house)
    newer = {**house.guardrail, "name": "score", "action": "Quarantine"}
    house.apply(stages=[*LONG, {"name": "shadow", "mirror": True}], guardrails=[newer, house.guardrail])
    operator.start()
    house.until_reason("InvalidSpec")
    assert "guardrails[score].action" in house.condition("Ready")["message"]
    assert "stages[shadow]" in house.condition("Ready")["message"]
    house.until(lambda: house.events("InvalidSpec"), "the Event")
    assert house.percentage == "10"
    house.errors(0.2)
    house.until_percentage(0)
    house.until(lambda: house.events("RolledBack"), "the Event")
    house.kubectl("delete", "mlr", "ml-dispatch")
    assert house.record["owner"] == ""


def _loosen(house: House) -> None:
    """The CRD as a newer version might have it, which takes any spec."""
    crd = house.stack.cluster.get("crd", "mlrollouts.mlrollout.dev")
    for version in crd["spec"]["versions"]:
        properties = version["schema"]["openAPIV3Schema"]["properties"]
        properties["spec"] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    crd["metadata"] = {"name": crd["metadata"]["name"]}
    house.stack.cluster.kubectl("replace", "-f", "-", input=json.dumps(crd))


def test_a_lease_is_renewed_though_the_api_server_takes_no_status(own_house: House) -> None:
    house = own_house
    slow = {**house.guardrail, "interval": "15s", "maxAge": "60s"}
    house.apply(stages=LONG, traffic={"key": house.key, "lease": "5s"}, guardrails=[slow])
    house.until_percentage(10)
    house.stack.cluster.kubectl("apply", "-f", "-", input=REFUSING)
    house.until(lambda: _refused(house), "the policy to be in force")
    house.annotate("pause", "there is something to write from now on")
    house.until(_Renewed(house, 5), "the renewals")
    assert "Paused" not in house.reasons()
    house.errors(0.2)
    house.until_percentage(0)
    house.stack.cluster.kubectl("delete", "validatingadmissionpolicybinding", "no-status")
    house.until(lambda: "RolledBack" in house.reasons(), "the history", within=60)


def _refused(house: House) -> bool:
    patch = '[{"op":"test","path":"/status/percentage","value":10}]'
    try:
        house.kubectl("patch", "mlr", "ml-dispatch", "--subresource=status", "--type=json", "-p", patch)
    except Exception as error:  # noqa: BLE001 - whatever the tool made of it
        return "no status is taken" in str(error)
    return False


class _Renewed:
    """Whether the lease has been renewed so often since the first call; without the key, an error."""

    def __init__(self, house: House, times: int) -> None:
        self._house, self._left, self._before = house, times, 0

    def __call__(self) -> bool:
        assert self._house.percentage == "10"
        rest = self._house.redis.pttl(self._house.key)
        assert isinstance(rest, int)
        self._left -= rest > self._before
        self._before = rest
        return self._left <= 0


# --- a Redis of the object's own -----------------------------------------------------------------


@pytest.fixture
def guarded() -> Iterator[RedisServer]:
    with RedisServer(password=f"old-{PASSWORD}") as running:
        yield running


def test_a_password_that_is_corrected_in_the_secret_lets_a_breach_through(house: House, guarded: RedisServer) -> None:
    house.apply(stages=LONG, traffic=house.own_redis(guarded.url))
    house.until(lambda: guarded.cli("get", house.key) == "10", "10 % in its own Redis")
    guarded.cli("config", "set", "requirepass", PASSWORD)
    guarded.password = PASSWORD
    guarded.cli("client", "kill", "type", "normal", "skipme", "yes")
    house.until_reason("TrafficUnconfirmed", "TrafficApplied")
    house.errors(0.2)
    house.for_a_while(lambda: guarded.cli("get", house.key) == "10", seconds=2)
    house.own_redis(guarded.url)
    house.until(lambda: guarded.cli("get", house.key) == "0", "0 % in its own Redis")


def test_a_failover_to_a_replica_that_never_heard_of_the_rollback_goes_to_zero(house: House) -> None:
    with (
        RedisServer(password=PASSWORD) as primary,
        RedisServer(password=PASSWORD, replica_of=primary, name="replica") as replica,
        Sentinel(primary) as sentinel,
    ):
        house.apply(stages=LONG, traffic=house.own_redis(sentinel_url(sentinel.port)))
        house.until(lambda: replica.cli("get", house.key) == "10", "10 % in the replica")
        _part(replica, sentinel)
        house.annotate("rollback", "it is bad")
        house.until(lambda: primary.cli("get", house.key) == "0", "0 % in the primary")
        house.until(lambda: "RolledBack" in house.reasons(), "the history")
        assert replica.cli("get", house.key) == "10"
        house.until(lambda: sentinel.promoted(replica), "the failover")
        house.until(lambda: replica.cli("get", house.key) == "0", "0 % again")
        house.kubectl("delete", "mlr", "ml-dispatch")


def _part(replica: RedisServer, sentinel: Sentinel) -> None:
    """Have a replica hear no more of its primary, and the Sentinel take it for good enough all the same."""
    with redis.Redis(port=sentinel.port) as client:
        client.sentinel_set("dispatch", "down-after-milliseconds", "10000")
    replica.cli("config", "set", "masterauth", "another")
    replica.cli("client", "kill", "type", "master")
