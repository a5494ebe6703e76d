"""What guardrails can't do at some traffic is found, and what they can is left alone."""

from typing import Any

from mlrollout.api.spec import Spec
from mlrollout.simulate.load import Load
from mlrollout.simulate.power import Weakness, weaknesses

BAD, ALL = 'd_total{group="treatment",status="failure"}', 'd_total{group="treatment"}'
RATE: dict[str, Any] = {"name": "errors", "rate": {"bad": BAD, "all": ALL, "max": 0.05}}
RATIO = f"sum(rate({BAD}[5m])) / sum(rate({ALL}[5m]))"
OLD: dict[str, Any] = {"name": "old", "query": RATIO, "max": 0.05}
COUNT = f"sum(increase({ALL}[5m]))"


def found(*guardrails: dict[str, Any]) -> dict[str, Weakness]:
    stages = [{"name": "pilot", "percentage": 10, "duration": "6h"}]
    raw = {"revision": "r", "traffic": {"key": "k"}, "stages": stages, "guardrails": guardrails}
    return {one.where: one for one in weaknesses(Spec.model_validate(raw), Load(0.35, 0.01), 15.0)}


def test_a_guardrail_that_does_its_work_is_left_alone() -> None:
    assert found(RATE) == {}


def test_samples_that_never_gather_are_told_with_the_stage() -> None:
    weak = found(RATE | {"minSamples": {"count": 5000}})
    assert "stage pilot has some 756 events of the treatment in 6h" in weak["guardrails[errors].minSamples"].message
    looks = found(OLD | {"minSamples": {"count": 500, "query": COUNT}})
    assert "of its looks stand on enough samples" in looks["guardrails[old].minSamples"].message


def test_a_limit_that_a_far_worse_model_keeps_is_told() -> None:
    weak = found(RATE | {"rate": RATE["rate"] | {"max": 0.5}})
    assert set(weak) == {"guardrails[errors]"}
    assert "a model that fails 20 times as often (20 %) is found in no stage" in weak["guardrails[errors]"].message


def test_a_healthy_model_that_is_taken_back_is_told_with_who_does_it() -> None:
    weak = found(OLD)
    assert set(weak) == {"guardrails[old]"}
    assert "a healthy model is rolled back for nothing in 100 of 100 rollouts" in weak["guardrails[old]"].message


def test_what_only_alerts_can_not_be_simulated_or_watches_the_split_is_not_asked() -> None:
    alert = RATE | {"action": "Alert", "rate": RATE["rate"] | {"max": 0.5}}
    split = {"name": "split", "balance": {"users": "users_total"}}
    quantile = {"name": "slow", "query": "histogram_quantile(0.9, sum by (le) (rate(b[5m])))", "max": 2}
    assert found(alert, split, quantile) == {}
    assert found(quantile) == {}
