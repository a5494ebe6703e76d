"""A doctor who is shown little, or nonsense."""

import json
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest
from mlrollout.cli.cluster import api

from devstack.redis_server import RedisServer
from tests.components.cli.conftest import Kubeconfig
from tests.support.command_line import Answer, ApiDouble, CommandLine

HEALTHY, FAILED, WRONG, UNUSABLE = 0, 1, 2, 3
ABSENT = Answer({"kind": "Status", "code": 404, "message": "the server could not find it"}, 404)


@pytest.fixture(autouse=True)
def cluster(kubeconfig: Kubeconfig, double: ApiDouble) -> None:
    kubeconfig(double.url)
    double.answers["*"] = ABSENT
    double.answers["/version"] = Answer({"gitVersion": "v1.34.2"})


def test_without_an_api_server_it_says_so_and_that_all_the_rest_can_not_be_seen(
    mlrollout: CommandLine, double: ApiDouble
) -> None:
    double.answers["/version"] = Answer({"kind": "Status", "code": 401, "message": "Unauthorized"}, 401)
    ran = mlrollout("doctor")
    lines = [" ".join(line.split()) for line in ran.out.splitlines()]
    assert lines[0].startswith("API server failed could not ask for its version: the API server answered 401")
    assert lines[-1] == "1 failed, 7 could not be seen."
    assert (ran.err, ran.code) == ("", UNUSABLE)
    assert mlrollout("doctor", "-o", "table").code == WRONG


def test_without_an_api_server_what_the_options_name_is_asked_all_the_same(
    mlrollout: CommandLine, kubeconfig: Kubeconfig, closed: int
) -> None:
    kubeconfig(f"http://127.0.0.1:{closed}")
    addresses = ("--redis", f"redis://127.0.0.1:{closed}", "--prometheus", f"http://127.0.0.1:{closed}")
    ran = mlrollout("doctor", *addresses, "-o", "json")
    told = json.loads(ran.out)
    failed = {one["about"]: one for one in told["findings"] if one["level"] == "failed"}
    assert (told["healthy"], list(failed), ran.err, ran.code) == (
        False,
        ["API server", "that Redis", "that Prometheus"],
        "",
        UNUSABLE,
    )
    assert "can't be reached (Connection refused)" in failed["API server"]["message"]
    assert failed["API server"]["todo"].startswith("see the kubeconfig, --context and the network in between")


def test_a_redis_is_asked_with_the_files_that_the_operator_would_use(mlrollout: CommandLine, tmp_path: Path) -> None:
    def told() -> str:
        return mlrollout("doctor", "--redis", server.url, "-o", "jsonpath={.findings[?(@.about=='that Redis')]}").out

    with RedisServer(tls=True) as server:
        server.cli("config", "set", "tls-auth-clients", "yes")
        assert server.tls
        assert '"level":"failed"' in told().replace(" ", "")
        mlrollout.setenv("MLROLLOUT_REDIS_CA", server.tls.ca)
        mlrollout.setenv("MLROLLOUT_REDIS_CERTIFICATE", server.tls.certificate)
        mlrollout.setenv("MLROLLOUT_REDIS_KEY", server.tls.key)
        assert '"message":"itanswers"' in told().replace(" ", "")
        mlrollout.setenv("MLROLLOUT_REDIS_CA", tmp_path / "missing")
        assert str(tmp_path / "missing") in told()


def test_a_redis_whose_url_stands_in_a_file_is_asked_as_well(
    mlrollout: CommandLine, tmp_path: Path, closed: int
) -> None:
    def told() -> str:
        return mlrollout("doctor", "-o", "jsonpath={.findings[?(@.about=='that Redis')].message}").out

    file = tmp_path / "url"
    mlrollout.setenv("MLROLLOUT_REDIS_URL_FILE", file)
    assert f"MLROLLOUT_REDIS_URL_FILE names {file}, which can't be read" in told()
    file.write_text(f"redis://127.0.0.1:{closed}\n")
    assert f"Redis at 127.0.0.1:{closed} can't be reached" in told()


def test_without_a_kubeconfig_it_is_the_same(mlrollout: CommandLine, tmp_path: Path) -> None:
    mlrollout.setenv("KUBECONFIG", tmp_path / "missing")
    ran = mlrollout("doctor", "-o", "jsonpath={.findings[0].about}: {.findings[0].message}")
    assert ran.out.startswith("API server: there is no cluster to talk to: KUBECONFIG names ")
    assert (ran.err, ran.code) == ("", UNUSABLE)


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


def held(space: str, name: str) -> dict[str, Any]:
    """A Lease that is renewed for as long as a test is."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    spec = {"holderIdentity": f"{name}-pod_1", "leaseDurationSeconds": 600, "renewTime": now}
    return {"metadata": {"namespace": space, "name": name}, "spec": spec}


TEAMS = [held("team-a", "mlrollout-team-a"), held("team-b", "mlrollout-team-b"), held("x", "mlrolloutish")]
LEASES = "/apis/coordination.k8s.io/v1/leases"
FORBIDDEN = Answer({"kind": "Status", "code": 403, "message": "no"}, 403)


def operators(mlrollout: CommandLine, *arguments: str) -> list[tuple[str, str]]:
    found = json.loads(mlrollout("doctor", *arguments, "-o", "json").out)["findings"]
    return [(one["level"], one["message"]) for one in found if one["about"] == "operator"]


def test_of_all_namespaces_the_operators_of_one_each_are_found(mlrollout: CommandLine, double: ApiDouble) -> None:
    double.answers[LEASES] = Answer({"items": TEAMS})
    found = operators(mlrollout, "-A")
    assert [level for level, _ in found] == ["ok", "ok"]
    assert "by the Lease team-a/mlrollout-team-a," in found[0][1]
    (asked,) = [one.path for one in double.asked if one.path.startswith(LEASES)]
    assert asked.endswith("?fieldSelector=metadata.namespace%21%3Dkube-node-lease")


def test_the_namespace_of_the_operator_that_is_none_is_named(mlrollout: CommandLine, double: ApiDouble) -> None:
    typo = "there is no Lease of one for the namespace default in the namespace typo"
    assert operators(mlrollout, "--operator-namespace", "typo") == [("failed", typo)]
    double.answers["/apis/coordination.k8s.io/v1/namespaces/typo/leases"] = Answer({"items": []})
    typo = "there is no Lease of one for any namespace in the namespace typo"
    assert operators(mlrollout, "-A", "--operator-namespace", "typo") == [("failed", typo)]


def test_who_may_get_a_lease_and_list_none_sees_the_operator_for_all(mlrollout: CommandLine, double: ApiDouble) -> None:
    within = "/apis/coordination.k8s.io/v1/namespaces/here/leases"
    double.answers[within] = FORBIDDEN
    ((level, told),) = operators(mlrollout, "-A", "--operator-namespace", "here")
    assert (level, told) == ("unseen", "could not read the Lease here/mlrollout: you lack the right")
    double.answers[f"{within}/mlrollout"] = Answer(held("here", "mlrollout"))
    ((level, told),) = operators(mlrollout, "-A", "--operator-namespace", "here")
    assert level == "ok"
    assert "by the Lease here/mlrollout," in told
    double.answers[f"{within}/mlrollout"] = ABSENT
    ((level, told),) = operators(mlrollout, "-A", "--operator-namespace", "here")
    assert (level, told) == ("unseen", "could not list the Leases of operators: you lack the right")
