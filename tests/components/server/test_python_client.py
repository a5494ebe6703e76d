"""OpenFeature's own OFREP client for Python."""

from collections.abc import Iterator

import pytest
from openfeature import api
from openfeature.client import OpenFeatureClient
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import Reason

from devstack.redis_server import RedisServer
from tests.components.assignment.place import KEY, Place, until
from tests.components.server.place import ADMIN, APP, APP_LINE, NAME, HttpServer, everybody, served

VALUES = {
    "text": {"control": "legacy", "treatment": "ml"},
    "whole": {"control": 0, "treatment": 7},
    "real": {"control": 0.0, "treatment": 0.5},
    "thing": {"control": {}, "treatment": {"top": 3}},
}
KIM_S = EvaluationContext("kim", {"tier": "gold"})


def client_of(server: HttpServer, token: str = APP) -> OpenFeatureClient:
    provider = OFREPProvider(server.url, headers_factory=lambda: {"Authorization": f"Bearer {token}"})
    api.set_provider_and_wait(provider, domain="test")
    return api.get_client("test")


@pytest.fixture
def client(server: HttpServer) -> Iterator[OpenFeatureClient]:
    yield client_of(server)
    api.clear_providers()


@pytest.fixture
def typed(redis_server: RedisServer, place: Place) -> Iterator[HttpServer]:
    rollouts = [{"name": name, "key": KEY, "values": values} for name, values in VALUES.items()]
    with served(redis_server.url, {"rollouts": rollouts}, [APP_LINE]) as running:
        everybody(place)
        yield running
    api.clear_providers()


def test_it_gets_group_reason_and_what_they_are_based_on(client: OpenFeatureClient, place: Place) -> None:
    found = client.get_boolean_details(NAME, default_value=False, evaluation_context=KIM_S)

    assert (found.value, found.variant, found.reason) == (True, "treatment", Reason.SPLIT)
    assert found.flag_metadata["percentage"] == 100
    assert found.flag_metadata["attempt"] == place.record.attempt


def test_it_follows_a_rollback(client: OpenFeatureClient, place: Place) -> None:
    place.put(0, latched=True)

    def rolled_back() -> bool:
        found = client.get_boolean_details(NAME, default_value=True, evaluation_context=KIM_S)
        return found.reason == Reason.DISABLED and not found.value

    until(rolled_back, "the rollback")


@pytest.mark.parametrize(
    ("flag", "context", "code"),
    [
        ("nope", KIM_S, ErrorCode.FLAG_NOT_FOUND),
        (NAME, EvaluationContext(), ErrorCode.TARGETING_KEY_MISSING),
        (NAME, None, ErrorCode.TARGETING_KEY_MISSING),
        (NAME, EvaluationContext("", {"targetingKey": 7.5}), ErrorCode.INVALID_CONTEXT),
        ("ranking/v2", KIM_S, ErrorCode.TYPE_MISMATCH),
    ],
)
def test_it_falls_back_to_the_default_and_knows_why(
    client: OpenFeatureClient, flag: str, context: EvaluationContext | None, code: ErrorCode
) -> None:
    found = client.get_boolean_details(flag, default_value=False, evaluation_context=context)

    assert (found.value, found.reason, found.error_code) == (False, Reason.ERROR, code)


@pytest.mark.parametrize(("token", "why"), [("wrong", "unauthorized"), (ADMIN, "forbidden")], ids=["wrong", "no role"])
def test_it_is_told_that_it_may_not(server: HttpServer, token: str, why: str) -> None:
    found = client_of(server, token).get_boolean_details(NAME, default_value=False, evaluation_context=KIM_S)
    api.clear_providers()

    assert (found.value, found.error_code, found.error_message) == (False, ErrorCode.GENERAL, why)


def test_it_waits_when_it_is_told_that_it_asks_too_much(redis_server: RedisServer) -> None:
    with served(redis_server.url, {"rate": 3}, [APP_LINE]) as server:
        client = client_of(server)
        told = [
            client.get_boolean_details(NAME, default_value=False, evaluation_context=KIM_S).error_message or ""
            for _ in range(40)
        ]
        api.clear_providers()

    assert any(one.startswith("Rate limited, retry after: 1") for one in told)
    assert "paused due to TooManyRequests" in told[-1]


def test_it_takes_every_type(typed: HttpServer) -> None:
    client = client_of(typed)
    until(lambda: client.get_string_value("text", "", KIM_S) == "ml", "treatment")

    assert client.get_integer_value("whole", 1, KIM_S) == 7
    assert client.get_float_value("real", 1.0, KIM_S) == 0.5
    assert client.get_object_value("thing", {"a": 1}, KIM_S) == {"top": 3}
