"""What verdicts stand on, over HTTP: for whoever may get the object, and in words where it can't be had."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import schemathesis
from mlrollout.replay.document import parse
from mlrollout.replay.replay import replay
from mlrollout.server.ab.operations import OPERATIONS

from devstack.control_plane import ControlPlane
from devstack.prometheus_server import PrometheusServer
from devstack.redis_server import RedisServer
from tests.cluster.server.house import House
from tests.components.server.ab.calls import ALL_LINES, APP, VIEWER, Api, ClusterServer
from tests.components.server.ab.truth import hold_to_document
from tests.pure.replay.test_replay import failing, rollout

BLOCKS = "monitoring/blocks"


@pytest.fixture(scope="module")
def prometheus() -> Iterator[PrometheusServer]:
    with PrometheusServer() as running:
        yield running


@pytest.fixture
def house(
    control_plane: ControlPlane, redis_server: RedisServer, account: Path, prometheus: PrometheusServer
) -> Iterator[House]:
    """An object with a verdict, and a server that knows a Prometheus, which has no samples of it any more."""
    found, object_ = House(control_plane), rollout(failing())
    found.kubectl(
        "patch",
        "mlr",
        "ml-dispatch",
        "--type=merge",
        "-p",
        json.dumps({"spec": {"guardrails": object_["spec"]["guardrails"]}}),
    )
    status = json.dumps(
        {"status": {**object_["status"], "record": {"attempt": 7, "latched": False, "sequence": 1, "percentage": 10}}}
    )
    found.kubectl("patch", "mlr", "ml-dispatch", "--subresource=status", "--type=merge", "-p", status)
    with ClusterServer(redis_server.url, account, {**found.config, "prometheus": prometheus.url}, ALL_LINES) as server:
        found.server = server
        yield found


def test_a_viewer_is_answered_with_the_document_that_the_command_writes(house: House) -> None:
    for token in (VIEWER, house.person("reader", "get")):
        answer = house.api.get(BLOCKS, token=token)
        assert answer.status == 200, answer
        document = parse(answer.body)
        assert (document.object.namespace, document.object.name) == (house.namespace, "ml-dispatch")
        (one,) = document.guardrails
        assert one.recorded.finding == "Breach"
        assert "it comes to Inconclusive, and was recorded as Breach" in replay(one).differences
    assert house.api.get(f"{BLOCKS}?guardrail=errors", token=VIEWER).status == 200


def test_nobody_else_is(house: House) -> None:
    assert house.api.get(BLOCKS, token=None).status == 401
    assert house.api.get(BLOCKS, token=APP).status == 403
    assert house.api.get(BLOCKS, token=house.person("stranger", "list")).status == 403


def test_what_is_not_there_is_told(house: House) -> None:
    answer = house.api.get(f"{BLOCKS}?guardrail=none", token=VIEWER)
    assert (answer.status, answer.json["detail"]) == (404, "there is no guardrail 'none'; those that do: errors.")
    gone = Api(house.server, "/api/gone").get(BLOCKS, token=VIEWER)
    assert (gone.status, "There is no MLRollout" in gone.json["detail"]) == (404, True)


def test_without_a_prometheus_there_are_none(
    control_plane: ControlPlane, redis_server: RedisServer, account: Path
) -> None:
    found = House(control_plane)
    with ClusterServer(redis_server.url, account, found.config, ALL_LINES) as server:
        answer = Api(server).get(BLOCKS, token=VIEWER)
        assert (answer.status, "knows no Prometheus" in answer.json["detail"]) == (501, True)
    with ClusterServer(
        redis_server.url, account, {**found.config, "prometheus": "http://127.0.0.1:9"}, ALL_LINES
    ) as server:
        nothing = Api(server).get(BLOCKS, token=VIEWER)
        assert (nothing.status, "no guardrail tests block by block" in nothing.json["detail"]) == (404, True)


def test_a_prometheus_that_is_gone_is_told(house: House, prometheus: PrometheusServer) -> None:
    prometheus.kill()
    try:
        answer = house.api.get(BLOCKS, token=VIEWER)
        assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
    finally:
        prometheus.start()


@pytest.mark.parametrize("mode", schemathesis.GenerationMode)
def test_it_does_what_the_document_says(house: House, mode: schemathesis.GenerationMode) -> None:
    (blocks,) = [one for one in OPERATIONS if one.name == "blocks"]
    hold_to_document(house.api, blocks, mode, VIEWER)
