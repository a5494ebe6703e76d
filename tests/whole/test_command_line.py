"""The command line against a real operator: each verb is answered, and a wait ends where the rollout comes."""

import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from devstack.processes import wait_until
from tests.whole.house import LONG, House

DONE, FAILED, ROLLED_BACK, TIMED_OUT = 0, 1, 2, 4
GATED = [
    {"name": "pilot", "percentage": 10, "duration": "0s"},
    {"name": "full", "percentage": 100, "duration": "0s", "approval": "Manual"},
]
Calling = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def mlrollout(house: House) -> Calling:
    """Calls it as `kubectl mlrollout` would, on the object of the house."""
    program = Path(sys.executable).parent / "kubectl-mlrollout"
    environment = {**os.environ, "KUBECONFIG": house.stack.cluster.kubeconfig, "COLUMNS": "120"}

    def call(command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(program), command, *([] if command == "doctor" else ["ml-dispatch"]), "-n", house.name, *arguments],
            env=environment,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    return call


def _asked(ran: subprocess.CompletedProcess[str]) -> str:
    assert ran.returncode == DONE, ran.stderr
    return ran.stdout.splitlines()[-1].partition(": ")[2]


def test_every_verb_is_asked_for_and_its_answer_told(house: House, mlrollout: Calling) -> None:
    house.apply(stages=LONG)
    assert mlrollout("wait", "--for", "stage=pilot", "--timeout", "30s").returncode == DONE
    why = ("--reason", "says a test", "--wait")
    assert _asked(mlrollout("pause", *why)) == "the rollout is paused: says a test (by admin)"
    assert _asked(mlrollout("resume", *why)) == "the rollout goes on: says a test (by admin)"
    assert "stage pilot may be left once every guardrail passes: says a test" in _asked(mlrollout("promote", *why))
    assert mlrollout("wait", "--for", "stage=full", "--timeout", "60s").returncode == DONE
    assert "100 % -> 10 %, back to stage pilot: says a test" in _asked(mlrollout("demote", *why))
    assert house.percentage == "10"
    assert "10 % -> 0 %: asked for by annotation: says a test" in _asked(mlrollout("rollback", *why))
    assert house.percentage == "0", "it is answered once Redis holds it"
    assert "a new attempt is asked for: says a test" in _asked(mlrollout("retry", *why))
    house.until_percentage(10)
    assert house.status()["attempt"] == 2


def test_the_doctor_finds_nothing_wrong_where_all_is_well(house: House, mlrollout: Calling) -> None:
    house.apply(stages=LONG)
    assert mlrollout("wait", "--for", "stage=pilot", "--timeout", "30s").returncode == DONE
    urls = ("--redis", house.stack.redis_url, "--prometheus", house.stack.prometheus_url)
    ran = mlrollout("doctor", "-o", "jsonpath={range .findings[*]}{.about}={.level};{end}", *urls)
    assert (ran.returncode, ran.stderr) == (DONE, "")
    found = dict(one.split("=") for one in ran.stdout.strip(";").split(";"))
    # The operator of the house is no pod, of which a ServiceAccount could be known.
    assert {about for about, level in found.items() if level != "ok"} == {"operator's rights"}
    assert {"operator", "Redis", "Prometheus", "that Redis", "that Prometheus", "clocks"} < set(found)


def test_a_gated_rollout_is_approved_on_advice_and_waited_for(house: House, mlrollout: Calling) -> None:
    house.apply(stages=GATED)
    house.until_reason("AwaitingApproval")
    advice = mlrollout("why").stdout
    assert "full (100 %) waits for a person's word" in advice
    command = next(line.strip() for line in advice.splitlines() if line.strip().startswith("kubectl mlrollout"))
    assert command == f"kubectl mlrollout approve ml-dispatch -n {house.name}"
    assert mlrollout("approve", "--reason", "looks good").returncode == DONE
    ran = mlrollout("wait", "--for", "complete", "--timeout", "60s")
    assert (ran.returncode, "it is complete at 100 %" in ran.stdout) == (DONE, True)


def test_a_breach_ends_a_wait_for_the_whole_and_is_explained(house: House, mlrollout: Calling) -> None:
    house.apply(stages=LONG)
    assert mlrollout("wait", "--for", "stage=pilot", "--timeout", "30s").returncode == DONE
    house.errors(0.2)
    ran = mlrollout("wait", "--for", "complete", "--timeout", "60s")
    assert (ran.returncode, "0.2 is above max 0.05" in ran.stderr) == (ROLLED_BACK, True)
    assert mlrollout("wait", "--for", "rolled-back", "--timeout", "60s").returncode == DONE
    assert house.percentage == "0"
    said = mlrollout("why").stdout
    assert "rolled back from 10 % to 0 %" in said
    assert "0.2 is above max 0.05" in said
    assert f"kubectl mlrollout retry ml-dispatch -n {house.name}" in said
    assert "✘ pilot 10 %" in mlrollout("status").stdout


def test_what_is_refused_is_not_asked_for(house: House, mlrollout: Calling) -> None:
    house.apply(stages=LONG)
    house.until_percentage(10)
    ran = mlrollout("retry")
    assert ran.returncode == FAILED
    assert "there is nothing to begin again. What would work now: rollback, promote, pause" in ran.stderr
    assert "VerbRefused" not in house.reasons()


def test_a_retry_that_a_manifest_keeps_is_told_of_and_the_command_line_asks_all_the_same(
    house: House, mlrollout: Calling
) -> None:
    house.apply(stages=LONG, annotations={"mlrollout.dev/retry": "last month"})
    house.until_percentage(10)
    assert mlrollout("rollback", "--reason", "bad", "--wait").returncode == DONE
    assert "a new attempt is asked for: mended" in _asked(mlrollout("retry", "--reason", "mended", "--wait"))
    wait_until(lambda: house.percentage == "10" or None, within=30, what="the first stage of the new attempt")


def test_a_revision_that_waits_is_approved_by_what_is_advised_and_waited_for_by_its_name(
    house: House, mlrollout: Calling
) -> None:
    source = {"configMap": {"name": "models", "key": "dispatch"}, "interval": "5s", "approval": "Manual"}
    house.config_map("models", dispatch="ranker-1")
    house.apply(revision=None, revisionFrom=source, stages=LONG)
    assert mlrollout("wait", "--for", "stage=pilot", "--timeout", "30s").returncode == DONE
    house.config_map("models", dispatch="ranker-2")
    meant = ("--for", "stage=pilot", "--revision", "ranker-2")
    ran = mlrollout("wait", *meant, "--timeout", "1s")
    assert ran.returncode == TIMED_OUT, "what the one before has come to is no answer"
    house.until(lambda: house.status().get("waiting", {}).get("revision") == "ranker-2", "what waits")

    todo = mlrollout("why", "-o", "jsonpath={.todo}").stdout
    asked = shlex.split(todo.partition(": kubectl mlrollout ")[2])
    assert asked == ["approve", "ml-dispatch", "-n", house.name, "--reason", "ranker-2 why"]
    assert "revision ranker-2 may begin" in _asked(mlrollout("approve", *asked[4:], "--wait"))
    assert mlrollout("wait", *meant, "--timeout", "60s").returncode == DONE
    assert (house.record["revision"], house.percentage) == ("ranker-2", "10")
