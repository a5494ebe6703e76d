"""A doctor who is shown little, or nonsense."""

import json
from datetime import timedelta
from email.utils import parsedate_to_datetime

import pytest
from mlrollout.cli.cluster import api

from tests.components.cli.conftest import Kubeconfig
from tests.support.command_line import Answer, ApiDouble, CommandLine

HEALTHY, FAILED, WRONG, UNUSABLE = 0, 1, 2, 3
ABSENT = Answer({"kind": "Status", "code": 404, "message": "the server could not find it"}, 404)


@pytest.fixture(autouse=True)
def cluster(kubeconfig: Kubeconfig, double: ApiDouble) -> None:
    kubeconfig(double.url)
    double.answers["*"] = ABSENT
    double.answers["/version"] = Answer({"gitVersion": "v1.34.2"})


def test_without_an_api_server_there_is_nothing_to_look_at(mlrollout: CommandLine, double: ApiDouble) -> None:
    double.answers["/version"] = Answer({"kind": "Status", "code": 401, "message": "Unauthorized"}, 401)
    ran = mlrollout("doctor")
    assert ran.err.startswith("mlrollout doctor: could not ask for its version: the API server answered 401")
    assert (ran.err.count("\n"), ran.out, ran.code) == (1, "", UNUSABLE)
    assert mlrollout("doctor", "-o", "table").code == WRONG


def test_a_cluster_without_any_of_it(mlrollout: CommandLine) -> None:
    ran = mlrollout("doctor")
    assert ran.code == FAILED
    lines = [" ".join(line.split()) for line in ran.out.splitlines()]
    assert any(line.startswith("CRD failed the cluster does not know MLRollout") for line in lines)
    assert "▸ install the chart, or see --context" in lines
    assert lines[-1] == "1 failed, 5 could not be seen."
    assert ran.err == ""


@pytest.mark.parametrize("body", [{}, {"versions": 7, "items": 7, "status": 7}, {"versions": [7], "items": [7]}])
def test_answers_that_make_no_sense(mlrollout: CommandLine, double: ApiDouble, body: object) -> None:
    double.answers["*"] = Answer(body)
    double.answers["/version"] = Answer({"gitVersion": 7})
    double.answers["/openapi"] = Answer({"components": {"schemas": {"x.MLRollout": {"properties": 7}}}})
    ran = mlrollout("doctor", "-o", "json")
    assert ran.code == FAILED
    told = json.loads(ran.out)
    assert told["healthy"] is False
    assert {one["level"] for one in told["findings"]} <= {"ok", "failed", "unseen", "warning"}


def test_a_clock_of_this_machine_that_is_wrong(mlrollout: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    told = parsedate_to_datetime
    monkeypatch.setattr(api, "parsedate_to_datetime", lambda said: told(said) + timedelta(minutes=2, seconds=1))
    ran = mlrollout("doctor", "-o", "jsonpath={.findings[?(@.about=='clocks')].message}")
    assert ran.out.startswith("of the API server's, this machine's is 2m")
    assert ran.out.endswith(" behind; the operator's could not be seen")
