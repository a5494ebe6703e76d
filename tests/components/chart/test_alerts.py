"""The alerts, as Prometheus' own tool tests them; and the chart's PrometheusRule, which has the very same."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
import yaml
from mlrollout.api.notification import Topic
from mlrollout.domain.topics import SEVERITIES
from mlrollout.runtime.metrics import OperatorMetrics
from mlrollout.runtime.object_metrics import FAMILIES

from devstack import binaries
from devstack.commands import run
from tests.support.helm import CHART, NAMESPACE, Manifest, helm, one, render

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


def test_the_chart_has_the_very_same_of_its_own_release() -> None:
    own = f'namespace="{NAMESPACE}"'
    rollouts, operator = rules()["spec"]["groups"]
    assert all(rule["expr"].count(own) == rule["expr"].count("mlrollout_") > 0 for rule in operator["rules"])
    for rule in operator["rules"]:
        rule["expr"] = rule["expr"].replace(f"{{{own}}}", "").replace(f"{own},", "")
    assert [rollouts, operator] == GROUPS


SERVICE: Manifest = {"serviceMonitor": {"enabled": True}}
PODS: Manifest = {"podMonitor": {"enabled": True}}


@pytest.mark.parametrize(
    ("metrics", "selector"),
    [
        ({}, 'namespace="mlrollout-system"'),
        (SERVICE, 'namespace="mlrollout-system",job="mlrollout-metrics"'),
        (PODS, 'namespace="mlrollout-system",job="mlrollout-system/mlrollout"'),
        (
            {"podMonitor": {"enabled": True, "namespace": "monitoring"}},
            'namespace="mlrollout-system",job="monitoring/mlrollout-mlrollout-system"',
        ),
        (SERVICE | PODS, 'namespace="mlrollout-system",job=~"mlrollout-metrics|mlrollout-system/mlrollout"'),
        (
            {"serviceMonitor": {"enabled": True, "jobLabel": "app.kubernetes.io/component"}},
            'namespace="mlrollout-system",job="operator"',
        ),
        (
            {"serviceMonitor": {"enabled": True, "jobLabel": "a"}, "service": {"labels": {"a": "guard"}}},
            'namespace="mlrollout-system",job="guard"',
        ),
        (
            {"serviceMonitor": {"enabled": True, "jobLabel": "b"}},
            'namespace="mlrollout-system",job="mlrollout-metrics"',
        ),
        (SERVICE | {"prometheusRule": {"selector": 'app=~"mlrollout_a$"'}}, 'app=~"mlrollout_a$"'),
    ],
    ids=str,
)
def test_the_charts_alerts_know_their_operators_by_what_the_monitors_make_of_them(
    metrics: Manifest, selector: str
) -> None:
    values = {"metrics": metrics | {"prometheusRule": {"enabled": True, **metrics.get("prometheusRule", {})}}}
    made = one(render(values), "PrometheusRule")["spec"]["groups"]
    (absent,) = (rule for group in made for rule in group["rules"] if rule["alert"] == "MLRolloutOperatorAbsent")
    assert absent["expr"].endswith(f" absent(mlrollout_leader{{{selector}}})")


@pytest.mark.parametrize("selector", ["namespace", "namespace=a", 'a="b",', 'a="b"} or vector(1) or x{b="c"'])
def test_what_selects_no_series_is_refused(selector: str) -> None:
    values = {"metrics": {"prometheusRule": {"enabled": True, "selector": selector}}}
    code, said = helm("template", "mlrollout", CHART, values=values)
    assert code != 0
    assert "/metrics/prometheusRule/selector" in said


def firing(folder: Path, values: Manifest, series: Mapping[str, str], fires: Mapping[str, Sequence[str]]) -> None:
    """Have Prometheus' own tool see which alerts of the chart fire after half an hour of series, with which labels."""
    made = one(render(values), "PrometheusRule")["spec"]
    (folder / "alerts.yaml").write_text(yaml.safe_dump(made))
    asked = [
        {
            "expr": f'count by (cluster, namespace, rollout) (ALERTS{{alertname="{alert}",alertstate="firing"}})',
            "eval_time": "30m",
            "exp_samples": [{"labels": labels, "value": 1} for labels in expected],
        }
        for alert, expected in fires.items()
    ]
    given = [{"series": name, "values": said} for name, said in series.items()]
    test = {"interval": "1m", "input_series": given, "promql_expr_test": asked}
    file = folder / "test.yaml"
    file.write_text(yaml.safe_dump({"rule_files": ["alerts.yaml"], "evaluation_interval": "1m", "tests": [test]}))
    code, said = promtool("test", "rules", file)
    assert code == 0, said


def test_a_dead_operator_of_one_team_is_told_of_where_another_s_goes_on(tmp_path: Path) -> None:
    """For as long as it is dead, and also where it never ran."""
    values = {"metrics": SERVICE | {"prometheusRule": {"enabled": True}}}
    other = {'mlrollout_leader{namespace="team-b",job="mlrollout-metrics",pod="a"}': "1x600"}
    died = {f'mlrollout_leader{{namespace="{NAMESPACE}",job="mlrollout-metrics",pod="a"}}': "1x10 stale"}
    never: dict[str, str] = {}
    for ours in (never, died):
        firing(tmp_path, values, other | ours, {"MLRolloutOperatorAbsent": [f'{{namespace="{NAMESPACE}"}}']})
    well = {f'mlrollout_leader{{namespace="{NAMESPACE}",job="mlrollout-metrics",pod="a"}}': "1x600"}
    others = {'mlrollout_leader{namespace="team-b",job="mlrollout-metrics",pod="a"}': "1x10 0x600"}
    firing(tmp_path, values, well | others, {"MLRolloutOperatorAbsent": [], "MLRolloutNoLeader": []})


def test_an_operator_of_one_namespace_tells_of_the_rollouts_in_it_alone(tmp_path: Path) -> None:
    values = {"watchNamespace": "team-a", "metrics": SERVICE | {"prometheusRule": {"enabled": True}}}
    series = {
        f'mlrollout_traffic_confirmed{{rollout="{name}"}}': "0x40" for name in ("team-a/ml", "team-ab/ml", "b/ml")
    }
    firing(tmp_path, values, series, {"MLRolloutTrafficUnconfirmed": ['{rollout="team-a/ml"}']})


CLUSTERS = {
    "mlrollout_leader": ("1x40", "1x40"),
    "mlrollout_traffic_confirmed": ("0x40", "1x40"),
    "mlrollout_view_age_seconds": ("90x40", "1x40"),
    "mlrollout_notifications_lag_seconds": ("900x40", "0x40"),
}


def test_clusters_that_one_prometheus_watches_are_told_apart(tmp_path: Path) -> None:
    rule = {"enabled": True, "groupBy": ["cluster"]}
    of = f'namespace="{NAMESPACE}",job="mlrollout-metrics",rollout="dispatch/ml",receiver="chat"'
    series = {
        f'{name}{{cluster="{cluster}",{of}}}': said
        for name, values in CLUSTERS.items()
        for cluster, said in zip(("eu", "us"), values, strict=True)
    }
    gone = {f'mlrollout_leader{{cluster="asia",namespace="{NAMESPACE}",job="mlrollout-metrics"}}': "1x10 stale"}
    expected = {
        "MLRolloutTwoLeaders": [],
        "MLRolloutTrafficUnconfirmed": ['{cluster="eu",rollout="dispatch/ml"}'],
        "MLRolloutOperatorAbsent": [f'{{cluster="asia",namespace="{NAMESPACE}"}}'],
        "MLRolloutReceiverFailing": [f'{{cluster="eu",namespace="{NAMESPACE}"}}'],
    }
    firing(tmp_path, {"metrics": SERVICE | {"prometheusRule": rule}}, series | gone, expected)


def test_what_an_alert_says_is_of_its_cluster_alone(tmp_path: Path) -> None:
    made = rules(groupBy=["cluster", "region"])["spec"]
    (tmp_path / "alerts.yaml").write_text(yaml.safe_dump(made))
    of = 'region="west",rollout="dispatch/ml",type="Ready",status="False"'
    given = [
        {"series": f'mlrollout_condition{{cluster="{cluster}",reason="{reason}",{of}}}', "values": "1x80"}
        for cluster, reason in (("eu", "GuardrailsUnknown"), ("us", "Progressing"))
    ]
    alert = {
        "exp_labels": {"severity": "warning", "rollout": "dispatch/ml", "cluster": "eu", "region": "west"},
        "exp_annotations": {
            "summary": "dispatch/ml has not gone on for an hour",
            "description": "It waits: GuardrailsUnknown. The message of its condition Ready says what for.",
            "runbook_url": "docs/alerts.md#mlrolloutstuck",
        },
    }
    asked = [{"eval_time": "61m", "alertname": "MLRolloutStuck", "exp_alerts": [alert]}]
    test = {"interval": "1m", "input_series": given, "alert_rule_test": asked}
    file = tmp_path / "test.yaml"
    file.write_text(yaml.safe_dump({"rule_files": ["alerts.yaml"], "evaluation_interval": "1m", "tests": [test]}))
    code, said = promtool("test", "rules", file)
    assert code == 0, said


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
