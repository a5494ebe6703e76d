"""The alerts, as Prometheus' own tool tests them; and the chart's PrometheusRule, which has the very same."""

import json
import re
from pathlib import Path

import pytest
import yaml
from mlrollout.api.notification import Topic
from mlrollout.domain.topics import SEVERITIES
from mlrollout.runtime.metrics import OperatorMetrics
from mlrollout.runtime.object_metrics import FAMILIES

from devstack import binaries
from devstack.commands import run
from tests.support.helm import CHART, Manifest, one, render

FILE = CHART / "files" / "alerts.yaml"
TESTS = Path(__file__).parent / "alerts.test.yaml"
GROUPS = yaml.safe_load(FILE.read_text())["groups"]
ALERTS = [rule["alert"] for group in GROUPS for rule in group["rules"]]
RUNBOOK = (CHART.parents[1] / "docs" / "alerts.md").read_text()
NOTIFICATIONS = (CHART.parents[1] / "docs" / "notifications.md").read_text()


def promtool(*arguments: str | Path) -> tuple[int, str]:
    ran = run([binaries.path("promtool"), *arguments])
    return ran.returncode, ran.stdout + ran.stderr


def test_prometheus_reads_them() -> None:
    code, said = promtool("check", "rules", FILE)
    assert code == 0, said


def test_each_fires_where_it_has_to_and_not_where_it_must_not() -> None:
    code, said = promtool("test", "rules", TESTS)
    assert code == 0, said


def test_a_rule_that_never_fires_would_be_found(tmp_path: Path) -> None:
    """What these tests stand on is that the tool tells a firing alert from a silent one."""
    broken = tmp_path / "alerts.yaml"
    broken.write_text(FILE.read_text().replace("< 3600", "< 0"))
    tests = tmp_path / "test.yaml"
    tests.write_text(TESTS.read_text().replace("../../../charts/mlrollout/files/alerts.yaml", str(broken)))
    assert promtool("test", "rules", tests)[0] != 0


@pytest.mark.parametrize("alert", ALERTS)
def test_each_is_tested_both_ways(alert: str) -> None:
    """Silent means that an expectation without alerts, or with those of other series alone, is held."""
    asked = [rule for test in yaml.safe_load(TESTS.read_text())["tests"] for rule in test["alert_rule_test"]]
    fires = [rule for rule in asked if rule["alertname"] == alert and rule.get("exp_alerts")]
    assert fires
    silent = [rule for rule in asked if rule["alertname"] == alert and not rule.get("exp_alerts")]
    assert silent or alert in {"MLRolloutNoLeader", "MLRolloutTwoLeaders"}


def test_each_can_be_left_out_by_its_name() -> None:
    values = json.loads((CHART / "values.schema.json").read_text())["properties"]["metrics"]["properties"]
    assert values["prometheusRule"]["properties"]["disabled"]["items"]["enum"] == ALERTS


@pytest.mark.parametrize("alert", ALERTS)
def test_each_asks_about_metrics_that_there_are(alert: str) -> None:
    (rule,) = (rule for group in GROUPS for rule in group["rules"] if rule["alert"] == alert)
    own = {family.name for family in OperatorMetrics().registry.collect()} | {family.name for family in FAMILIES}
    asked = {re.sub("_(bucket|count|total)$", "", name) for name in re.findall(r"mlrollout_\w+", str(rule))}
    assert asked
    assert asked <= own


@pytest.mark.parametrize("alert", ALERTS)
def test_each_has_a_severity_and_a_runbook_that_tells_what_to_do(alert: str) -> None:
    (rule,) = (rule for group in GROUPS for rule in group["rules"] if rule["alert"] == alert)
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    assert rule["annotations"]["runbook_url"] == f"docs/alerts.md#{alert.lower()}"
    (told,) = re.findall(rf"^### {alert}\n\n(\w+),", RUNBOOK, re.MULTILINE)
    assert told.lower() == rule["labels"]["severity"]


def test_what_wakes_somebody_is_what_can_not_wait() -> None:
    """A rollback is critical as a notification, for it was bad for users; they are safe when somebody hears of it."""
    severities = {rule["alert"]: rule["labels"]["severity"] for group in GROUPS for rule in group["rules"]}
    assert severities["MLRolloutRolledBack"] == "warning"
    assert SEVERITIES[Topic.ROLLED_BACK] == "critical"
    assert severities["MLRolloutTrafficUnconfirmed"] == SEVERITIES[Topic.TRAFFIC_UNCONFIRMED] == "critical"
    for said in (RUNBOOK, NOTIFICATIONS, re.sub(r"\n# ?", " ", FILE.read_text())):
        words = " ".join(said.split())
        assert "how urgently a person is needed" in words.lower()
        assert "says how bad it was for users" in words


def test_the_runbook_has_no_other() -> None:
    assert re.findall(r"^### (\w+)$", RUNBOOK, re.MULTILINE) == ALERTS


def rules(**values: object) -> Manifest:
    return one(render({"metrics": {"prometheusRule": {"enabled": True, **values}}}), "PrometheusRule")


def test_the_chart_has_the_very_same() -> None:
    assert rules()["spec"]["groups"] == GROUPS


def test_the_charts_alerts_are_labelled_linked_and_left_out_as_the_values_say() -> None:
    extra = {"name": "more", "rules": [{"record": "a", "expr": "1"}]}
    made = rules(
        namespace="monitoring",
        labels={"release": "kps"},
        alertLabels={"team": "ml", "severity": "page"},
        runbookUrl="https://wiki.example/alerts",
        disabled=["MLRolloutAwaitingApproval"],
        extraGroups=[extra],
    )
    *groups, last = made["spec"]["groups"]
    alerts = {rule["alert"]: rule for group in groups for rule in group["rules"]}

    assert (made["metadata"]["namespace"], made["metadata"]["labels"]["release"]) == ("monitoring", "kps")
    assert set(alerts) == set(ALERTS) - {"MLRolloutAwaitingApproval"}
    assert all(rule["labels"] == {"team": "ml", "severity": "page"} for rule in alerts.values())
    assert alerts["MLRolloutStuck"]["annotations"]["runbook_url"] == "https://wiki.example/alerts#mlrolloutstuck"
    assert last == extra
