"""Writes the chart's Grafana dashboard: `python -m docs.dashboard`, which `make generate` does."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

FILE = Path(__file__).parents[1] / "charts" / "mlrollout" / "files" / "dashboard.json"
_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
_OF = 'rollout=~"$rollout"'
_WIDTH, _HEIGHT = 12, 8

Panel = tuple[str, str, str, Mapping[str, str], str]
"""Its title, kind and unit; its queries, by how their series are called; and what it says."""

PANELS: Sequence[Panel] = (
    (
        "Users in treatment",
        "timeseries",
        "percent",
        {
            "{{rollout}}": f"max by (rollout) (mlrollout_percentage{{{_OF}}})",
            "{{rollout}}, as it shall be": f"max by (rollout) (mlrollout_desired_percentage{{{_OF}}})",
        },
        "As Redis confirmed it, and as it shall be. They part where Redis can't be asked.",
    ),
    (
        "Phase",
        "state-timeline",
        "none",
        {"{{rollout}} {{phase}}": f"max by (rollout, phase) (mlrollout_phase{{{_OF}}}) == 1"},
        "How far each attempt is.",
    ),
    (
        "Healthy time served in the stage",
        "timeseries",
        "percentunit",
        {
            "{{rollout}}": f"max by (rollout) (mlrollout_healthy_seconds{{{_OF}}})"
            f" / max by (rollout) (mlrollout_healthy_target_seconds{{{_OF}}})"
        },
        "The next stage may be entered at 100 %. A line that stays flat waits for something.",
    ),
    (
        "Why it is not ready",
        "state-timeline",
        "none",
        {
            "{{rollout}} {{reason}}": "max by (rollout, reason) "
            f'(mlrollout_condition{{{_OF},type="Ready",status!="True"}})'
        },
        "The reason of the condition Ready. docs/operations.md has each.",
    ),
    (
        "Guardrails: value by limit",
        "timeseries",
        "percentunit",
        {
            "{{rollout}} {{guardrail}}": f"max by (rollout, guardrail) (mlrollout_guardrail_value{{{_OF}}})"
            f" / max by (rollout, guardrail) (mlrollout_guardrail_limit{{{_OF}}} != 0)"
        },
        "100 % is the limit: above it lies a breach of a max, below it one of a min.",
    ),
    (
        "Guardrails: what they say",
        "state-timeline",
        "none",
        {
            "{{rollout}} {{guardrail}} {{finding}}": "max by (rollout, guardrail, finding) "
            f"(mlrollout_guardrail_verdict{{{_OF}}}) == 1"
        },
        "The finding of the last look.",
    ),
    (
        "Guardrails: evidence of a breach",
        "timeseries",
        "percentunit",
        {"{{rollout}} {{guardrail}}": f"max by (rollout, guardrail) (mlrollout_guardrail_evidence{{{_OF}}})"},
        "Of guardrails that test at every look; at 100 % it is a breach.",
    ),
    (
        "Transitions",
        "timeseries",
        "short",
        {
            "{{rollout}} {{reason}}": "sum by (rollout, reason) "
            f"(increase(mlrollout_transitions_total{{{_OF}}}[5m])) > 0"
        },
        "What happened in the five minutes before.",
    ),
    (
        "Errors",
        "timeseries",
        "short",
        {
            "{{rollout}} {{source}}": "sum by (rollout, source) "
            f"(increase(mlrollout_object_errors_total{{{_OF}}}[5m])) > 0"
        },
        "Calls to Redis, Prometheus and the API server that failed in the five minutes before.",
    ),
    (
        "Leaders",
        "timeseries",
        "short",
        {"{{namespace}}/{{job}}": "sum by (namespace, job) (mlrollout_leader)"},
        "One, but for some seconds after a change.",
    ),
    (
        "Looks",
        "timeseries",
        "s",
        {
            f"{share:.0%}": f"histogram_quantile({share}, sum by (le) (rate(mlrollout_look_seconds_bucket[5m])))"
            for share in (0.5, 0.99)
        },
        "How long looks at guardrails take: half of them, and all but one of a hundred.",
    ),
    (
        "From a breach to zero",
        "timeseries",
        "s",
        {"the slowest": "histogram_quantile(1, sum by (le) (increase(mlrollout_breach_to_zero_seconds_bucket[1h])))"},
        "From the sight of a breach to zero in Redis, in the hour before.",
    ),
)


def queries() -> Sequence[str]:
    """Everything that the dashboard asks, as Prometheus would be asked."""
    return [query.replace("$rollout", ".+") for _, _, _, asked, _ in PANELS for query in asked.values()]


def output() -> str:
    """The dashboard."""
    dashboard = {
        "title": "MLRollouts",
        "uid": "mlrollout",
        "tags": ["mlrollout"],
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "schemaVersion": 39,
        "time": {"from": "now-24h", "to": "now"},
        "templating": {
            "list": [
                {"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Prometheus"},
                {
                    "name": "rollout",
                    "type": "query",
                    "label": "Rollout",
                    "datasource": _SOURCE,
                    "query": {"query": "label_values(mlrollout_phase, rollout)", "refId": "rollout"},
                    "refresh": 2,
                    "includeAll": True,
                    "allValue": ".+",
                    "multi": True,
                    "current": {"text": "All", "value": "$__all"},
                },
            ]
        },
        "panels": [_panel(number, panel) for number, panel in enumerate(PANELS)],
    }
    return json.dumps(dashboard, indent=1) + "\n"


def _panel(number: int, panel: Panel) -> Mapping[str, Any]:
    title, kind, unit, asked, text = panel
    row, column = divmod(number, 2)
    return {
        "id": number + 1,
        "title": title,
        "description": text,
        "type": kind,
        "datasource": _SOURCE,
        "gridPos": {"h": _HEIGHT, "w": _WIDTH, "x": column * _WIDTH, "y": row * _HEIGHT},
        "fieldConfig": {"defaults": {"unit": unit}, "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + index), "datasource": _SOURCE, "expr": query, "legendFormat": legend}
            for index, (legend, query) in enumerate(asked.items())
        ],
    }


if __name__ == "__main__":
    FILE.write_text(output(), encoding="utf-8")
