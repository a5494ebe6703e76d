"""The OpenAPI document is true: what it promises is asked of a real server, with good data and with bad."""

import json
from collections.abc import Iterator

import pytest
import schemathesis
from mlrollout.server.ab.operations import OPERATIONS, Operation, path
from mlrollout.server.auth.tokens import new
from schemathesis.checks import not_a_server_error

from devstack.prometheus_server import PrometheusServer
from devstack.redis_server import RedisServer
from tests.components.assignment.place import KEY, placed, until
from tests.components.server.ab.calls import NAME, Api
from tests.components.server.ab.truth import hold_to_document
from tests.components.server.place import served

EVERYTHING, LINE = new("everything", ["assign", "rate", "admin"])


@pytest.fixture(scope="module")
def api(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    key = tmp_path_factory.mktemp("keys") / "rating.key"
    key.write_text("r" * 32)
    with PrometheusServer() as prometheus:
        config = {
            "rollouts": [{"name": NAME, "key": KEY}],
            "rate": 100_000,
            "prometheus": prometheus.url,
            "survey": {"key": str(key)},
        }
        with served(redis_server.url, config, [LINE]) as running, placed(redis_server) as place:
            place.put(50)
            found = Api(running)
            until(lambda: found.get("ab-test/stats", token=EVERYTHING).json["rollout_percentage"] == 50, "50 %")
            yield found


@pytest.mark.parametrize("mode", schemathesis.GenerationMode)
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.name)
def test_the_server_does_what_the_document_says(
    api: Api, operation: Operation, mode: schemathesis.GenerationMode
) -> None:
    # There is no object here, and 501 says so; tests/cluster/server has the same with an object.
    excluded = [not_a_server_error] if operation.name in ("rollout", "rollback", "blocks") else []

    hold_to_document(api, operation, mode, EVERYTHING, excluded)


def test_every_operation_and_every_object_has_an_example_that_fits(api: Api) -> None:
    whole = api.server.ask("GET", "/openapi.json", token=None).json

    assert whole["openapi"] == "3.1.0"
    assert set(whole["paths"]) == {path(one, "{rollout}") for one in OPERATIONS}
    for name in ("RolloutRequest", "RollbackRequest", "SatisfactionRequest", "StatsAnswer", "ActAnswer"):
        assert whole["components"]["schemas"][name]["examples"]


def test_the_document_names_no_rollout(api: Api) -> None:
    whole = api.server.ask("GET", "/openapi.json", token=None).body.decode()

    assert KEY not in json.dumps(whole)
