"""A rollback as whoever is paged sees it: by a real Prometheus with the shipped rules, scraping two replicas."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
import yaml

from devstack.prometheus_server import PrometheusServer
from tests.support.helm import CHART, one, render
from tests.whole.house import LONG, House

RULES = CHART / "files" / "alerts.yaml"


def _relabelings() -> list[Mapping[str, Any]]:
    """Those of the chart's ServiceMonitor, as Prometheus itself writes them."""
    (endpoint,) = one(render({"metrics": {"serviceMonitor": {"enabled": True}}}), "ServiceMonitor")["spec"]["endpoints"]
    names = {"sourceLabels": "source_labels", "targetLabel": "target_label"}
    return [{names.get(name, name): value for name, value in one.items()} for one in endpoint["metricRelabelings"]]


@pytest.fixture
def prometheus(vacant_house: House) -> PrometheusServer:
    """One that evaluates the shipped rules."""
    found = vacant_house.stack.prometheus
    assert found is not None
    assert yaml.safe_load(RULES.read_text())["groups"]
    found.rules = [RULES]
    return found


def _scrape(house: House, prometheus: PrometheusServer, relabelings: list[Mapping[str, Any]]) -> None:
    """Scrape every operator as the Prometheus operator would: each target has its pod's namespace and name."""
    prometheus.jobs = [
        replace(job, relabelings=relabelings) if job.name == "operator" else job for job in prometheus.jobs
    ]
    prometheus.reload()
    addresses = [operator.address for operator in house.stack.operators]
    prometheus.set_targets("operator", addresses, {"namespace": "mlrollout-system"})
    seen = f'count(up{{job="operator",namespace="mlrollout-system"}} == 1) == {len(addresses)}'
    house.until(lambda: prometheus.query(seen), "the operators to be scraped as pods are")


def _description(prometheus: PrometheusServer, alert: str) -> str:
    found = _firing(prometheus).get(alert)
    return "" if found is None else str(found["annotations"]["description"])


def _firing(prometheus: PrometheusServer) -> dict[str, dict[str, Any]]:
    return {one["labels"]["alertname"]: one for one in prometheus.alerts() if one["state"] == "firing"}


def _value(prometheus: PrometheusServer, promql: str) -> float | None:
    found = prometheus.query(promql)
    return float(found[0]["value"][1]) if found else None


@pytest.mark.parametrize("monitor", ["the chart's", "one's own"])
def test_a_rollback_fires_its_alert_and_is_counted_once(
    vacant_house: House, prometheus: PrometheusServer, monitor: str
) -> None:
    house, rollout = vacant_house, f'rollout="{vacant_house.name}/ml-dispatch"'
    house.stack.start_operator("one")
    house.stand_by("two")
    _scrape(house, prometheus, _relabelings() if monitor == "the chart's" else [])
    house.apply(stages=LONG)
    house.until_percentage(10)
    house.until(lambda: _value(prometheus, f"sum(mlrollout_percentage{{{rollout}}})") == 10, "one of two to speak")
    transitions = f'mlrollout_transitions_total{{{rollout},reason="RolledBack"}}'
    house.until(lambda: _value(prometheus, f"count({transitions})") == 2, "both to count from zero")
    assert _firing(prometheus) == {}
    labels = prometheus.query(f"mlrollout_percentage{{{rollout}}}")[0]["metric"]
    told = {"namespace": house.name} if monitor == "the chart's" else {"exported_namespace": house.name}
    assert told.items() <= labels.items()

    house.errors(0.2)
    house.until_reason("GuardrailBreached", "Stalled")

    house.until(lambda: "MLRolloutRolledBack" in _firing(prometheus), "the alert")
    alert = _firing(prometheus)["MLRolloutRolledBack"]
    assert alert["labels"]["rollout"] == f"{house.name}/ml-dispatch"
    assert alert["labels"]["reason"] == "GuardrailBreached"
    # Which guardrail it was, a look of its own says, which Prometheus may have scraped after what made it fire.
    house.until(lambda: "Breached: error-rate" in _description(prometheus, "MLRolloutRolledBack"), "what was breached")
    house.until(lambda: (_value(prometheus, f"sum(increase({transitions}[5m]))") or 0) > 0, "an increase")
    assert _value(prometheus, f"sum({transitions})") == 1
    assert set(_firing(prometheus)) == {"MLRolloutRolledBack"}
