"""What was written and means the same has the same fingerprint, in every version."""

import json
from typing import Any

import pytest
from mlrollout.api.fingerprint import PLAIN
from mlrollout.api.kinds import KINDS
from mlrollout.api.spec import Spec

from tests.support.sample import ABOVE, BALANCE, COMPARE, MEANS, RATE

ERRORS: dict[str, Any] = {
    "name": "errors",
    "query": "sum(rate(bad[5m])) / sum(rate(all[5m]))",
    "max": 0.05,
    "interval": "30s",
    "breachAfter": {"failures": 3, "of": 5},
    "minSamples": {"count": 500, "query": "sum(increase(all[5m]))"},
    "onNoData": {"action": "Rollback", "after": "1h"},
}
LATENCY: dict[str, Any] = {"name": "latency", "query": "p99", "max": 2, "action": "Hold"}
SCORE: dict[str, Any] = {"name": "score", "query": "avg(score)", "min": 0.6, "action": "Alert"}


def spec(*guardrails: dict[str, Any]) -> Spec:
    return Spec.model_validate_json(
        json.dumps({"revision": "ranker-1", "traffic": {"key": "k"}, "guardrails": list(guardrails)})
    )


def test_it_is_what_it_always_was() -> None:
    """Golden: a change here restarts the healthy time of every rollout at its upgrade."""
    assert spec(ERRORS, LATENCY, SCORE).fingerprint == "157c61150c60ece8"


@pytest.mark.parametrize(
    ("written", "known"),
    [
        (RATE, "7ada89221fb8abb3"),
        (RATE | {"rate": {**ABOVE}, "falseAlarm": 0.001}, "445678f20738359a"),
        (COMPARE, "9f13a24c25e82d76"),
        (COMPARE | {"compare": MEANS}, "d549148e50ab14d1"),
        (BALANCE | {"minSamples": {"count": 1000}}, "328e95860cb9f8e1"),
    ],
    ids=str,
)
def test_so_it_is_of_every_other_kind(written: dict[str, Any], known: str) -> None:
    """Golden, likewise."""
    assert spec(written).fingerprint == known


def test_what_version_0_1_wrote_is_understood() -> None:
    assert spec(ERRORS, LATENCY, SCORE).fingerprints == {"157c61150c60ece8", "1a3dfd8a26f49a31"}


def test_an_order_and_a_default_spelled_out_mean_nothing() -> None:
    spelled = LATENCY | {"interval": "15s", "maxAge": "120s", "breachAfter": {}, "onError": {"after": "600s"}}

    assert spec(spelled, ERRORS).fingerprint == spec(ERRORS, LATENCY).fingerprint


def test_fields_of_min_samples_that_came_later_mean_what_their_absence_did() -> None:
    spelled = ERRORS | {"minSamples": ERRORS["minSamples"] | {"holdsBack": "Both"}}
    assert spec(spelled, LATENCY, SCORE).fingerprints == spec(ERRORS, LATENCY, SCORE).fingerprints
    for change in ({"holdsBack": "Pass"}, {"onTooFew": {"action": "Rollback"}}):
        assert spec(ERRORS | {"minSamples": ERRORS["minSamples"] | change}).fingerprint != spec(ERRORS).fingerprint


@pytest.mark.parametrize(
    "change",
    [
        {"name": "latencies"},
        {"query": "p95"},
        {"max": 3},
        {"min": 0},
        {"action": "Rollback"},
        {"interval": "1m"},
        {"deadline": "1s"},
        {"window": "1h"},
        {"breachAfter": {"failures": 1, "of": 2}},
        {"minSamples": {"count": 1, "query": "up"}},
        {"maxAge": "1h"},
        {"onNoData": {"action": "Rollback"}},
        {"onError": {"after": "1h"}},
    ],
    ids=str,
)
def test_every_other_demand_has_another_one(change: dict[str, Any]) -> None:
    assert spec(LATENCY | change).fingerprint != spec(LATENCY).fingerprint


def test_a_guardrail_that_only_alerts_is_not_in_it() -> None:
    assert spec(ERRORS, SCORE).fingerprint == spec(ERRORS).fingerprint


def test_every_field_is_named_or_plain() -> None:
    fields = {field.alias: field for kind in KINDS for field in kind.model_fields.values()}

    defaults = {name for name, field in fields.items() if not field.is_required() and field.default is not None}
    assert defaults == set(PLAIN)
