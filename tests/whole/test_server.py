"""Moving a rollout over HTTP: the server asks, the operator does it, and the application's users follow."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from devstack.stack import Stack
from tests.cluster.server.house import DOCUMENTED
from tests.components.server.ab.calls import ADMIN, ALL_LINES, Api, ClusterServer
from tests.whole.house import LONG, House


@pytest.fixture(scope="module")
def account(stack: Stack) -> Path:
    """The server's kubeconfig, with exactly the rights that the documentation grants."""
    metadata = {"name": "mlrollout-server", "namespace": "mlrollout-system"}
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "mlrollout-system"}}
    subject = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}
    stack.cluster.apply("\n---\n".join([yaml.safe_dump(namespace), yaml.safe_dump(subject), DOCUMENTED]))
    return stack.cluster.kubeconfig_for("mlrollout-system", "mlrollout-server")


@pytest.fixture
def api(house: House, account: Path) -> Iterator[Api]:
    entry = {
        "name": "ml-dispatch",
        "key": house.key,
        "object": {"namespace": house.name, "name": "ml-dispatch"},
    }
    with ClusterServer(house.stack.redis_url, account, {"rollouts": [entry]}, ALL_LINES) as running:
        yield Api(running)


def test_a_rollout_is_promoted_demoted_and_rolled_back_over_http(house: House, api: Api) -> None:
    house.apply(stages=LONG)
    house.until_percentage(10)

    def asked(percentage: int) -> tuple[int, str | None]:
        # A moment may pass until the operator has said where it stands.
        house.until(lambda: house.status().get("percentage") == int(house.percentage or -1), "the status")
        answer = api.post("ab-test/rollout", {"percentage": percentage, "reason": "night shift"}, token=ADMIN)
        return answer.status, answer.json.get("verb")

    assert asked(10) == (200, None)
    assert asked(100) == (202, "promote")
    house.until_percentage(100)
    house.until(lambda: api.assigned("kim")["ml_enabled"], "treatment for everybody")
    assert asked(10) == (202, "demote")
    house.until_percentage(10)
    assert asked(0) == (202, "rollback")
    house.until_percentage(0)
    house.until(lambda: api.assigned("kim")["reason"] == "RolledBack", "control for everybody")
    house.until_reason("ManualRollback")
    assert asked(100) == (409, None)
    assert [reason for reason in house.reasons() if reason in {"Promoted", "Demoted", "ManualRollback"}] == [
        "Promoted",
        "Demoted",
        "ManualRollback",
    ]
    told = [entry["message"] for entry in house.status()["history"] if entry["reason"] == "ManualRollback"]
    assert "night shift (by ops over HTTP" in told[0]
    house.until(
        lambda: not house.read()["metadata"].get("annotations", {}).get("mlrollout.dev/rollback"), "no verb left"
    )


def test_a_promotion_over_http_still_waits_for_the_guardrails(house: House, api: Api) -> None:
    house.apply(stages=LONG)
    house.until_percentage(10)
    house.nothing()
    house.until_reason("GuardrailsUnknown", "GuardrailsHealthy")

    assert api.post("ab-test/rollout", {"percentage": 100}, token=ADMIN).status == 202
    house.until(lambda: "Promoted" in house.reasons(), "the promotion")
    house.for_a_while(lambda: house.percentage == "10")
    house.errors(0.01)
    house.until_percentage(100)
