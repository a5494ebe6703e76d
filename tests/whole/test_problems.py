"""Bad input: a clear word where its user looks, and nothing lost."""

import json

from tests.whole.house import LONG, House


def test_a_second_object_on_the_same_key_is_refused(house: House) -> None:
    house.apply(stages=LONG)
    house.until_percentage(10)
    house.apply("second", stages=LONG)
    house.until_reason("KeyConflict", "Stalled", "second")
    assert f"{house.name}/ml-dispatch" in house.condition("Stalled", "second")["message"]
    house.for_a_while(lambda: house.percentage == "10")

    house.kubectl("delete", "mlr", "ml-dispatch", "--timeout=30s")
    house.until(lambda: house.record["holder"].endswith("/second"), "the second to take over")
    house.until_percentage(10)


def test_a_prometheus_that_is_not_allowed_is_refused(house: House) -> None:
    house.apply(prometheus={"address": "http://169.254.169.254"})
    house.until_reason("ConnectionRefused", "Stalled")
    assert "allowedPrometheusAddresses" in house.condition("Stalled")["message"]
    assert house.percentage is None


def test_a_query_that_is_no_promql_is_told_and_the_rest_goes_on_guarding(house: House) -> None:
    house.apply(stages=LONG)
    house.until_percentage(10)
    broken = {**house.guardrail, "name": "broken", "query": "sum(rate(oops[5m])"}
    house.apply(stages=LONG, guardrails=[house.guardrail, broken])
    house.until_reason("InvalidQuery", "Stalled")
    assert "guardrail broken" in house.condition("Stalled")["message"]
    assert house.percentage == "10"
    house.errors(0.2)
    house.until_percentage(0)


def test_a_query_that_prometheus_refuses_holds_and_says_so(house: House) -> None:
    refused = {**house.guardrail, "query": f'label_replace(app_errors{{case="{house.name}"}}, "x", "y", "z", "(")'}
    house.apply(guardrails=[refused])
    house.until_reason("GuardrailsUnknown")
    assert "error-rate" in house.condition("Ready")["message"]
    assert house.percentage == "0"


def test_an_object_can_have_a_redis_of_its_own(house: House) -> None:
    house.apply(traffic=house.own_redis(house.stack.redis_url))
    house.until_reason("Completed")
    assert house.percentage == "100"


def test_a_wrong_redis_password_is_told_without_the_password(house: House) -> None:
    wrong = house.stack.redis_url.replace("redis://", "redis://:hunter2@")
    house.apply(traffic=house.own_redis(wrong))
    house.until_reason("TrafficUnconfirmed")
    message = house.condition("Ready")["message"]
    assert "password" in message
    _told_without(house, "hunter2")


def test_a_redis_url_that_is_none_is_told_without_its_password(house: House) -> None:
    house.apply(traffic=house.own_redis("redis://:hunter2/@redis:6379"))
    house.until_reason("TrafficUnconfirmed")
    assert "The Redis URL can't be used" in house.condition("Ready")["message"]
    _told_without(house, "hunter2")


def _told_without(house: House, secret: str) -> None:
    """Nothing in the object, its Events and the operator's log holds the secret, after it was told in each."""
    house.until(lambda: house.events("TrafficUnconfirmed"), "the Event")
    log = "".join(operator.log.read_text() for operator in house.stack.operators)
    assert f"{house.name}/ml-dispatch" in log
    for text in (json.dumps(house.read()), house.kubectl("get", "events", "-o", "json"), log):
        assert secret not in text


def test_a_secret_that_may_not_be_read_is_told(house: House) -> None:
    house.apply(traffic={"key": house.key, "redis": {"secretRef": {"name": "redis", "key": "url"}}})
    house.until_reason("TrafficUnconfirmed")
    assert "Secret" in house.condition("Ready")["message"] or "secrets" in house.condition("Ready")["message"]
