"""Parts that break, and operators that die, while a rollout is under way."""

from typing import TypeVar

import pytest

from devstack import chart, web
from devstack.processes import wait_until
from devstack.stack import Stack
from tests.whole.house import LONG, House

Part = TypeVar("Part")


def _ours(part: Part | None) -> Part:
    """A part that this run started, and may break."""
    if part is None:
        pytest.skip("the part is somebody else's")
    return part


def test_a_breach_reaches_zero_without_the_api_server(house: House) -> None:
    control_plane = _ours(house.stack.control_plane)
    house.apply(stages=LONG)
    house.until_percentage(10)
    control_plane.pause()
    try:
        house.errors(0.2)
        wait_until(lambda: house.percentage == "0" or None, within=15, what="zero without the API server")
    finally:
        control_plane.resume()
    house.until_reason("GuardrailBreached")
    house.until(lambda: house.events("RolledBack"), "the Event")
    assert house.reasons().count("RolledBack") == 1


def test_a_killed_operator_goes_on_where_it_stood(house: House) -> None:
    operator = house.stack.operators[0]
    house.apply(stages=[{"name": "pilot", "percentage": 10, "duration": "3s"}, *LONG[1:]])
    house.until_percentage(10)
    operator.kill()
    house.annotate("pause", "while it is down")
    operator.start()
    house.until_reason("Paused")
    house.annotate("resume", "it is back")
    house.until_percentage(100)
    assert house.pushed() == [0, 10, 100]
    assert house.reasons() == ["AttemptStarted", "StageAdvanced", "Paused", "Resumed", "StageAdvanced"]


def test_a_second_operator_stands_by_and_takes_over(own_house: House) -> None:
    first = own_house.stack.operators[0]
    second = own_house.stack.start_operator("second")
    own_house.until(lambda: "Another operator leads; this one stands by" in second.log.read_text(), "the word of it")
    own_house.apply(stages=LONG)
    own_house.until_percentage(10)
    first.kill()
    own_house.errors(0.2)
    own_house.until_percentage(0)
    own_house.until_reason("GuardrailBreached")
    assert own_house.reasons().count("RolledBack") == 1


def test_a_restarted_redis_is_found_again(house: House) -> None:
    server = _ours(house.stack.redis)
    house.apply(stages=LONG)
    house.until_percentage(10)
    server.kill()
    try:
        house.until_reason("TrafficUnconfirmed")
    finally:
        server.start()
    house.until_percentage(10, within=60)
    house.until_reason("TrafficConfirmed", "TrafficApplied")


def test_an_outage_of_prometheus_holds(house: House) -> None:
    server = _ours(house.stack.prometheus)
    house.apply(stages=[{"name": "pilot", "percentage": 10, "duration": "2s"}, *LONG[1:]])
    house.until_percentage(10)
    server.kill()
    try:
        house.until_reason("GuardrailsUnknown")
        house.for_a_while(lambda: house.percentage == "10", seconds=3)
    finally:
        server.start()
    house.until_percentage(100, within=60)


def test_the_metrics_of_an_object_vanish_with_it(house: House) -> None:
    url = house.stack.operators[0].url

    def metrics() -> str:
        return (web.get(f"{url}/metrics") or b"").decode()

    house.apply(stages=LONG)
    house.until_percentage(10)
    mine = f'namespace="{house.name}",name="ml-dispatch",rollout="{house.name}/ml-dispatch"'
    house.until(
        lambda: f'mlrollout_guardrail_verdict{{{mine},guardrail="error-rate",finding="Pass"}} 1.0' in metrics(), "Pass"
    )
    house.until(lambda: f"mlrollout_percentage{{{mine}}} 10.0" in metrics(), "the percentage")
    house.kubectl("delete", "mlr", "ml-dispatch", "--timeout=30s")
    house.until(lambda: house.name not in metrics(), "the series to vanish")


def test_two_installations_that_do_not_know_of_each_other_are_told(own_house: House) -> None:
    house = own_house
    _let_lead_in(house.stack, house.name)
    house.stack.start_operator("second", env={"MLROLLOUT_NAMESPACE": house.name})
    house.apply(stages=[{"name": "pilot", "percentage": 10, "duration": "3s"}, *LONG[1:]])
    house.until_reason("SecondInstallation", "Contested")
    told = house.condition("Contested")["message"]
    assert f"{house.name}/mlrollout" in told
    assert "mlrollout-system/mlrollout" in told
    house.until(lambda: house.events("SecondInstallation"), "the Event")
    urls = [operator.url for operator in house.stack.operators]
    series = (
        f'mlrollout_contested{{namespace="{house.name}",name="ml-dispatch",rollout="{house.name}/ml-dispatch"}} 1.0'
    )
    house.until(lambda: all(series in (web.get(f"{url}/metrics") or b"").decode() for url in urls), "the metric")
    house.errors(0.2)
    house.until_percentage(0)


def _let_lead_in(stack: Stack, namespace: str) -> None:
    """Allow the operator a Lease in another namespace, as a second release there would."""
    account = f"{chart.NAMESPACE}:{chart.SERVICE_ACCOUNT}"
    in_it = ("-n", namespace)
    stack.cluster.kubectl(*in_it, "create", "role", "lease", "--verb=get,create,update", "--resource=leases")
    stack.cluster.kubectl(*in_it, "create", "rolebinding", "lease", "--role=lease", f"--serviceaccount={account}")
