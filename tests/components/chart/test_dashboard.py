"""The dashboard asks what a real Prometheus can answer, and about metrics that there are."""

import json
import re
import urllib.parse
from collections.abc import Iterator

import pytest
from mlrollout.runtime.metrics import OperatorMetrics
from mlrollout.runtime.object_metrics import FAMILIES

from devstack import web
from devstack.prometheus_server import PrometheusServer
from docs import dashboard
from tests.support.helm import CHART, one, render

LABELS = {family.name: {"rollout", *family.labels} for family in FAMILIES}


@pytest.fixture(scope="module")
def prometheus() -> Iterator[PrometheusServer]:
    with PrometheusServer() as running:
        yield running


def test_the_dashboard_is_the_one_that_the_code_writes() -> None:
    assert dashboard.output() == dashboard.FILE.read_text(), "run `make generate`"


@pytest.mark.parametrize("query", dashboard.queries())
def test_prometheus_reads_each_query(prometheus: PrometheusServer, query: str) -> None:
    answer = web.get(f"{prometheus.url}/api/v1/query?{urllib.parse.urlencode({'query': query})}")
    assert answer is not None
    assert json.loads(answer)["status"] == "success"


@pytest.mark.parametrize("query", dashboard.queries())
def test_each_query_is_about_metrics_and_labels_that_there_are(query: str) -> None:
    own = {family.name for family in OperatorMetrics().registry.collect()}
    for name in re.findall(r"mlrollout_\w+", query):
        known = re.sub("_bucket$", "", name)
        assert known in own or known in LABELS
        if known in LABELS:
            grouped = set(re.findall(r"by \(([^)]*)\)", query)[0].split(", "))
            assert grouped <= LABELS[known]


LINKS = [
    (page, link)
    for page in ("docs/notifications.md", "examples/notifications.yaml")
    for link in re.findall(r"https://grafana\S+", (CHART.parents[1] / page).read_text())
]


@pytest.mark.parametrize(("page", "link"), LINKS)
def test_the_links_that_notifications_show_lead_to_the_rollout_on_it(page: str, link: str) -> None:
    made, place = json.loads(dashboard.output()), urllib.parse.urlsplit(link)
    assert place.path == f"/d/{made['uid']}", page
    filled = place.query.format(namespace="dispatch", name="ml-dispatch")
    assert urllib.parse.parse_qs(filled) == {"var-rollout": ["dispatch/ml-dispatch"]}
    (variable,) = (one for one in made["templating"]["list"] if one["name"] == "rollout")
    assert variable["query"]["query"].endswith(", rollout)"), "the label that is namespace and name"


def test_the_links_are_found() -> None:
    assert [page for page, _ in LINKS] == [
        "docs/notifications.md",
        "docs/notifications.md",
        "examples/notifications.yaml",
    ]


def test_the_sidecar_finds_it_by_the_label_that_it_is_told() -> None:
    values = {
        "enabled": True,
        "namespace": "monitoring",
        "label": "dashboards",
        "labelValue": "yes",
        "labels": {"a": "b"},
        "annotations": {"grafana_folder": "ML"},
    }
    made = one(render({"metrics": {"dashboard": values}}), "ConfigMap", "mlrollout-dashboard-mlrollout-system")

    assert made["metadata"]["namespace"] == "monitoring"
    assert made["metadata"]["labels"].items() >= {"dashboards": "yes", "a": "b"}.items()
    assert made["metadata"]["annotations"] == {"grafana_folder": "ML"}
    assert json.loads(made["data"]["mlrollout.json"]) == json.loads(dashboard.output())


def test_panels_do_not_overlap_and_have_names_and_words() -> None:
    panels = json.loads(dashboard.output())["panels"]
    places = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels}
    assert len(places) == len(panels) == len({panel["title"] for panel in panels})
    assert all(panel["description"].endswith(".") for panel in panels)
