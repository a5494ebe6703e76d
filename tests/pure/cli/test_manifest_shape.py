"""What a manifest holds as an API server reads it, and what of its shape that refuses."""

from pathlib import Path
from typing import Any

import pytest
from mlrollout.cli.authoring.linting import ManifestFindings, run

HEAD = "apiVersion: mlrollout.dev/v1alpha1\nkind: MLRollout\nmetadata: {name: a, namespace: b}\n"
GUARDRAIL = "{name: g, rate: {bad: 'e_total{s=\"f\"}', all: e_total, max: 0.05}}"


def linted(folder: Path, spec: str, head: str = HEAD) -> ManifestFindings:
    file = folder / "rollout.yaml"
    file.write_text(f"{head}spec: {spec}\n")
    (found,) = run([str(file)], None)
    return found


def spec(guardrail: str = GUARDRAIL, revision: str = "r1", more: str = "") -> str:
    return f"{{revision: {revision}, traffic: {{key: k}}, guardrails: [{guardrail}]{more}}}"


def told(found: ManifestFindings) -> list[str]:
    return [f"{finding.level}: {finding}" for finding in found.findings]


FINE = [
    spec(revision="2026-11-03"),
    spec(revision="12:30:00"),
    spec("{name: g, balance: {users: u_total}, rate: , max: ~, interval: null, minSamples: {count: 1e3}}"),
    spec("{name: g, rate: {bad: 'e_total{s=\"f\"}', all: e_total, max: 5e-2}}"),
]


@pytest.mark.parametrize("written", FINE)
def test_what_an_api_server_takes_is_not_called_wrong(tmp_path: Path, written: str) -> None:
    assert told(linted(tmp_path, written)) == []


WRONG = [
    (spec(more=", paus: true"), "paus: there is no such field; did you mean paused?"),
    (spec("{name: g, balance: {users: u}, minSample: {count: 5}}"), "guardrails[g].minSample: there is no such field"),
    (spec("{name: g, balance: {users: u, zz: 1}}"), "guardrails[g].balance.zz: there is no such field; it may have us"),
    (spec("{name: g, query: up, min: '1'}"), "guardrails[g].min: write it as a number, without quotes"),
    (spec("{name: g, query: up, min: true}"), "guardrails[g].min: write it as a number, without quotes"),
    (spec("{name: g, balance: {users: u}, interval: 15}"), "guardrails[g].interval: write it with a unit, as 30s"),
    (spec(more=", paused: 'yes'"), "paused: write true or false, without quotes"),
    (spec(revision="1.0"), "revision: write it as text, in quotes"),
    (spec("g"), "guardrails[0]: write it as an object"),
    (spec(more=", stages: {name: p}"), "stages: write it as a list"),
    (spec(more=", stages: [{name: p, percentage: '5', duration: 1h}]"), "stages[p].percentage: write it as a whole"),
    ("~", "spec: write it as an object, with fields of its own"),
]


@pytest.mark.parametrize(("written", "said"), WRONG)
def test_what_it_refuses_is_told_once_at_its_field(tmp_path: Path, written: str, said: str) -> None:
    (found,) = told(linted(tmp_path, written))
    assert found.startswith(f"error: {said}")


def test_another_version_of_the_object_is_no_object(tmp_path: Path) -> None:
    found: Any = told(linted(tmp_path, spec(), HEAD.replace("v1alpha1", "v2")))
    assert found == ["error: apiVersion: there is no such version of MLRollout; write mlrollout.dev/v1alpha1"]
