"""`mlrollout lint` says what is wrong with a manifest before it is applied."""

import json
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from mlrollout.cli.authoring.lines import below, line

from devstack.processes import wait_until
from devstack.prometheus_server import PrometheusServer, ScrapeJob
from tests.support.command_line import CommandLine, Ran
from tests.support.target import Target, target

FINE, FOUND, WRONG = 0, 1, 2
Lint = Callable[..., Ran]
EXAMPLES = Path(__file__).parents[3] / "examples" / "ml-dispatch"
SHARE = 'sum(rate(d_total{status="ok"}[5m])) / sum(rate(d_total[5m]))'
SAMPLES = {"count": 1, "query": "sum(increase(d_total[5m]))"}
GOOD = {"name": "good", "query": SHARE, "min": 0.95, "minSamples": SAMPLES}
CENT = {"name": "cent", "query": f"100 * {SHARE}", "min": 0.95, "minSamples": SAMPLES}
SLOW = {"name": "slow", "query": "histogram_quantile(0.5, sum by (le) (rate(x_bucket[5m])))", "max": 2}


@pytest.fixture
def lint(mlrollout: CommandLine) -> Lint:
    return partial(mlrollout, "lint")


def rollout(*guardrails: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "mlrollout.dev/v1alpha1",
        "kind": "MLRollout",
        "metadata": {"name": "ml-dispatch", "namespace": "dispatch"},
        "spec": {"revision": "r", "traffic": {"key": "k"}, "guardrails": list(guardrails), **spec},
    }


def written(*documents: object) -> str:
    return "\n---\n".join(json.dumps(document) for document in documents)


@pytest.mark.parametrize("guardrails", [(GOOD,), (GOOD, SLOW)])
def test_what_is_fine_or_could_be_better_is_no_failure(lint: Lint, guardrails: tuple[dict[str, Any], ...]) -> None:
    ran = lint("-f", "-", text=written(rollout(*guardrails)))
    assert ran.code == FINE
    advised = "-: dispatch/ml-dispatch: advice: guardrails[slow].query: a quantile jumps" in ran.out
    assert advised is (SLOW in guardrails)
    assert advised or ran.out == "nothing found in 1 MLRollout\n"


def test_every_finding_names_file_object_and_field_and_other_kinds_are_ignored(lint: Lint, tmp_path: Path) -> None:
    one, other = tmp_path / "one.yaml", tmp_path / "other.yaml"
    alien = rollout(CENT) | {"apiVersion": "example.com/v1"}
    one.write_text(written({"kind": "ConfigMap"}, None, [], alien, rollout(GOOD, CENT)))
    another = rollout(GOOD, stages=[]) | {"metadata": {"name": "another"}}
    other.write_text(written({"kind": "List", "items": [another]}))

    ran = lint("-f", str(one), "--file", str(other))
    assert ran.code == FOUND
    first, second = ran.out.splitlines()
    assert first.startswith(
        f"{one}: dispatch/ml-dispatch: warning: guardrails[cent].min: the query answers with numbers"
    )
    assert first.endswith("; write min: 95")
    assert second.startswith(f"{other}: another: error: stages: it is empty: write one at least")


def test_programs_get_json(lint: Lint) -> None:
    ran = lint("-f", "-", "-o", "json", text=written(rollout(CENT)))
    told = json.loads(ran.out)
    (finding,) = told["findings"]
    assert (told["objects"], ran.code) == (1, FOUND)
    assert set(finding) == {"file", "object", "level", "where", "message", "remedy"}
    assert (finding["object"], finding["level"], finding["remedy"]) == (
        "dispatch/ml-dispatch",
        "warning",
        "write min: 95",
    )


@pytest.mark.parametrize(
    ("manifest", "arguments", "told"),
    [
        ("", (), "no MLRollout in -"),
        ("kind: [", (), "- is no YAML: while parsing a flow node"),
        ("kind: !!bool x", (), "- is no YAML: "),
        ("[" * 5000, (), "- is nested deeper than any manifest"),
        (written(rollout(GOOD)), ("--prometheus", "nonsense"), "--prometheus: "),
        (
            written(rollout(GOOD)),
            ("-f", "/nowhere/x.yaml"),
            "/nowhere/x.yaml can't be read (No such file or directory)",
        ),
        (written(rollout(GOOD)), ("-o", "xml"), "Invalid value for '-o'"),
    ],
)
def test_what_cannot_be_read_has_an_exit_code_of_its_own(
    lint: Lint, manifest: str, arguments: tuple[str, ...], told: str
) -> None:
    ran = lint("-f", "-", *arguments, text=manifest)
    assert told in ran.err
    assert ran.code == WRONG


RATE = {
    "name": "errors",
    "rate": {"bad": 'd_total{group="treatment",status="failure"}', "all": 'd_total{group="treatment"}', "max": 0.4},
}


def test_what_guardrails_can_not_do_at_some_traffic_is_told_on_request(lint: Lint) -> None:
    manifest = written(rollout(RATE, stages=[{"name": "pilot", "percentage": 10, "duration": "6h"}]))
    assert lint("-f", "-", text=manifest).code == FINE
    ran = lint("-f", "-", "--traffic", "0.35/s", text=manifest)
    assert ran.code == FOUND
    assert "warning: guardrails[errors]: a model that fails 20 times as often (20 %) is found in no stage" in ran.out
    fine = lint("-f", "-", "--traffic", "0.35/s", "--bad", "4%", text=manifest)
    assert (fine.code, fine.out) == (FINE, "nothing found in 1 MLRollout\n")
    for wrong in (("--traffic", "fast"), ("--traffic", "0/s"), ("--traffic", "1/s", "--bad", "200%")):
        assert lint("-f", "-", *wrong, text=manifest).code == WRONG


def test_a_file_is_asked_for(lint: Lint) -> None:
    assert lint().code == WRONG


@pytest.mark.parametrize("name", ["rollout.yaml", "rollout-production.yaml", "rollout-dispatch.yaml"])
def test_of_the_examples_nothing_is_wrong(lint: Lint, name: str) -> None:
    ran = lint("-f", str(EXAMPLES / name))
    assert (ran.code, "error" in ran.out, "warning" in ran.out) == (FINE, False, False)


# --- with a Prometheus -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def server() -> Iterator[PrometheusServer]:
    with PrometheusServer(jobs=[ScrapeJob("app")]) as running:
        yield running


def test_what_the_queries_answer_now_shows_more(lint: Lint, server: PrometheusServer) -> None:
    guardrails = [
        {"name": "milliseconds", "query": "max(wait_seconds)", "max": 500},
        {"name": "several", "query": "wait_seconds", "max": 5},
        {"name": "absent", "query": "max(nowhere_seconds)", "max": 5},
        {"name": "breached", "query": "max(wait_seconds)", "max": 0.01},
        {"name": "unreadable", "query": "sum(wait_seconds", "max": 5},
        {"name": "fine", "query": "max(wait_seconds)", "max": 5},
    ]
    with target('wait_seconds{pod="a"} 0.2\nwait_seconds{pod="b"} 0.1') as app:
        server.set_targets("app", [app.address])
        manifest = written(rollout(*guardrails))
        wait_until(lambda: server.query("wait_seconds"), within=40, what="samples")
        ran = lint("-f", "-", "--prometheus", server.url, text=manifest)
    assert ran.code == FOUND
    lines = {line.split("guardrails[")[1].partition("]")[0]: line for line in ran.out.splitlines()}
    assert "value 0.2 against limit 500: the query answers in seconds" in lines["milliseconds"]
    assert "Error now: the query answers with 2 series" in lines["several"]
    assert "NoData now: `nowhere_seconds` has no sample" in lines["absent"]
    assert "Breach now: 0.2 is above max 0.01" in lines["breached"]
    assert ": error: guardrails[unreadable]" in lines["unreadable"]
    assert "fine" not in lines


COUNTED = """
d_total{{group="treatment",status="failure"}} {bad}
d_total{{group="treatment",status="success"}} {good}
d_total{{group="control",status="failure"}} {bad}
d_total{{group="control",status="success"}} {good}
s_bucket{{group="treatment",le="1.0"}} {good}
s_bucket{{group="treatment",le="+Inf"}} {good}
level {level}
nolabel_total {good}
"""


def test_what_can_not_be_counted_is_found_before_it_is_applied(lint: Lint, server: PrometheusServer) -> None:
    every = 'd_total{group="treatment"}'
    bad = 'd_total{group="treatment",status="failure"}'
    guardrails = [
        {"name": "fine", "rate": {"bad": bad, "all": every, "max": 0.05}},
        {"name": "worse", "compare": {"bad": 'd_total{status="failure"}', "all": "d_total", "ratio": 1.5}},
        {"name": "gauge", "rate": {"bad": "level", "all": every, "max": 0.05}},
        {"name": "edge", "rate": {"histogram": "s_bucket", "above": "2", "max": 0.05}},
        {"name": "label", "compare": {"bad": "nolabel_total", "all": "nolabel_total", "ratio": 1.5}},
        {"name": "split", "balance": {"users": "nowhere_total"}},
        {"name": "refused", "rate": {"bad": 'x{a=~"["}', "all": "x", "max": 0.05}},
    ]
    with target("") as scraped:
        server.set_targets("app", [scraped.address])
        stop = threading.Event()
        feeding = threading.Thread(target=_feed, args=(scraped, stop))
        feeding.start()
        try:
            wait_until(lambda: server.query("changes(level[1m]) > 20") or None, within=40, what="a gauge that moves")
            ran = lint(
                "-f",
                "-",
                "--prometheus",
                server.url,
                text=written(rollout(*guardrails, traffic={"key": "k", "holdback": 5})),
            )
        finally:
            stop.set()
            feeding.join()
    assert ran.code == FOUND
    told = ran.out
    assert "guardrails[fine]" not in told
    assert "guardrails[worse]" not in told
    assert "warning: guardrails[gauge].rate: Error now: " in told
    assert "no bucket has the edge 2: the nearest are 1" in told
    assert "warning: guardrails[label].compare: Error now: nolabel_total{" in told
    assert "has no label `group`" in told
    assert "warning: guardrails[split].balance: NoData now: group treatment: no series of the events" in told
    assert "error: guardrails[refused].rate: Prometheus at " in told


def _feed(scraped: Target, stop: threading.Event) -> None:
    number = 0
    while not stop.wait(0.1):
        number += 1
        scraped.text = COUNTED.format(bad=number, good=100 * number, level=1000 + (-1) ** (number // 3) * 400)


def test_a_key_that_stands_twice_is_told_with_its_lines(lint: Lint, mlrollout: CommandLine) -> None:
    twice = "a: 1\nb: {c: 1}\na: 2\n"
    why = "-: the key a stands twice in one mapping, on line 1 and on line 3: kubectl refuses that, and others drop one"
    for ran in (lint("-", text=twice), mlrollout("simulate", "-f", "-", "--traffic", "1/s", "--bad", "1%", text=twice)):
        assert (why in ran.err, ran.err.count("\n"), ran.out, ran.code) == (True, 1, "", WRONG)


def test_files_are_named_one_after_the_other(lint: Lint, tmp_path: Path) -> None:
    one, other = tmp_path / "one.yaml", tmp_path / "other.yaml"
    one.write_text(written(rollout(CENT)))
    other.write_text(written(rollout(GOOD)))
    both = lint(str(one), str(other))
    assert both.out == lint("-f", str(one), "-f", str(other)).out
    assert f"{one}: dispatch/ml-dispatch: warning" in both.out
    assert lint(str(one), "-f", str(other)).code == FOUND
    nothing = lint()
    assert nothing.err == "mlrollout lint: say which: FILE..., or - for standard input\n"
    assert nothing.code == WRONG


def test_it_says_what_it_could_not_see(lint: Lint, tmp_path: Path) -> None:
    ran = lint("-", text=written(rollout(GOOD)))
    assert ran.err == "What only --prometheus and --traffic can show was not looked at.\n"
    assert lint("-", "-o", "json", text=written(rollout(GOOD))).err == ""


LISTED = """
# two in a list
apiVersion: v1
kind: List
items:
- kind: ConfigMap
- apiVersion: mlrollout.dev/v1alpha1
  kind: MLRollout
  metadata: {name: "a, b"}
  spec:
    revision: r
    traffic: {key: k}
    guardrails:
    - {name: other, query: up, min: 1}
    - name: cent
      query: 100 * sum(rate(d_total{status="ok"}[5m])) / sum(rate(d_total[5m]))
      min: 0.95
"""


def test_github_is_told_file_and_line_of_each(lint: Lint, tmp_path: Path) -> None:
    file = tmp_path / "list.yaml"
    file.write_text(LISTED)
    lines = lint(str(file), "-o", "github").out.splitlines()
    assert [line.partition(",title=")[0] for line in lines] == [
        f"::error file={file},line=9",
        f"::warning file={file},line=17",
        f"::warning file={file},line=15",
    ]
    assert lines[1].startswith(f"::warning file={file},line=17,title=a%2C b%3A guardrails[cent].min::the query answers")
    (_, second, _) = lint("-", "-o", "github", text=LISTED).out.splitlines()
    assert second.startswith("::warning title=a%2C b%3A guardrails[cent].min::")


def test_what_would_be_refused_is_told_at_its_own_line(lint: Lint, tmp_path: Path) -> None:
    file = tmp_path / "list.yaml"
    file.write_text(
        LISTED.replace("min: 0.95", "max: 0.95\n      interval: soon").replace("revision: r", "revision: 7")
    )
    lines = lint(str(file), "-o", "github").out.splitlines()
    assert [(line.partition(",title=")[0], line.partition("%3A ")[2].partition("::")[0]) for line in lines[1:3]] == [
        (f"::error file={file},line=11", "revision"),
        (f"::error file={file},line=18", "guardrails[cent].interval"),
    ]


def test_a_line_is_told_as_far_as_a_field_is_there() -> None:
    (node,) = yaml.compose_all(LISTED, yaml.SafeLoader)
    rollout = below(below(node, "items"), 1)
    for where, found in (
        ("spec", 11),
        ("guardrails", 14),
        ("guardrails[cent]", 15),
        ("guardrails[cent].query", 16),
        ("guardrails[cent].nothing", 15),
        ("guardrails[nobody].max", 14),
        ("guardrails[1].max", 15),
        ("guardrails.0.query", 14),
        ("traffic.key", 12),
        ("", 11),
    ):
        assert line(rollout, where) == found
    assert line(None, "spec") == 0
    assert below(below(node, "items"), 7) is None
