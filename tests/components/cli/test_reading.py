"""What is told where the cluster does not do what it should, and what is written for programs."""

import gzip
import json
import re
import socket
import threading
from typing import Any

import pytest
import yaml
from mlrollout.cli.cluster import api
from mlrollout.cli.output import OutputForm

from tests.components.cli.conftest import Kubeconfig
from tests.support import dispatch
from tests.support.command_line import Answer, ApiDouble, Asked, CommandLine

DONE, FAILED, WRONG, UNUSABLE = 0, 1, 2, 3
GROUP = "/apis/mlrollout.dev"
OBJECT = f"{GROUP}/v1alpha1/namespaces/default/mlrollouts/ml-dispatch"


@pytest.fixture(autouse=True)
def cluster(kubeconfig: Kubeconfig, double: ApiDouble) -> None:
    kubeconfig(double.url)


def status(code: int, reason: str = "", message: str = "", **details: str) -> Answer:
    return Answer({"kind": "Status", "code": code, "reason": reason, "message": message, "details": details}, code)


def listed(*names: str, more: str = "", **found: Any) -> Answer:
    items = [{"metadata": {"name": name, "namespace": "default", "uid": name}, **found} for name in names]
    return Answer({"kind": "MLRolloutList", "metadata": {"continue": more}, "items": items})


# --- what a cluster may do ---


def test_a_cluster_that_nobody_answers_for(mlrollout: CommandLine, kubeconfig: Kubeconfig) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        port = holder.getsockname()[1]
        kubeconfig(f"https://127.0.0.1:{port}")
        ran = mlrollout("status", "ml-dispatch")
    why = f"the API server 127.0.0.1:{port} can't be reached (Connection refused)"
    assert (ran.err, ran.code) == (f"mlrollout status: could not read default/ml-dispatch: {why}\n", UNUSABLE)


def test_a_cluster_whose_name_nobody_knows(mlrollout: CommandLine, kubeconfig: Kubeconfig) -> None:
    kubeconfig("https://nowhere.invalid")
    ran = mlrollout("list")
    assert "the API server nowhere.invalid can't be found (" in ran.err
    assert ran.code == UNUSABLE


def test_a_cluster_that_does_not_answer(
    mlrollout: CommandLine, double: ApiDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = threading.Event()
    monkeypatch.setattr(api.Api.__init__, "__defaults__", (0.2, None))
    double.answers["*"] = Answer({}, before=lambda: over.wait(30))
    ran = mlrollout("list")
    over.set()
    assert f"the API server 127.0.0.1:{double.port} did not answer within 0.2 s" in ran.err
    assert ran.code == UNUSABLE


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Answer(b"<html>", 200), "what answered is no Kubernetes API. See what is in between"),
        (Answer([], 200), "what answered is no Kubernetes API"),
        (Answer(b"", 302, {"Location": "http://elsewhere"}), "the API server answered 302"),
        (Answer(b"<html>Bad\x1b[31m gateway", 502), "the API server answered 502\n"),
        (status(401, message="Unauthorized"), "answered 401, Unauthorized. Log in anew"),
        (status(403, message='User "jane" cannot list'), 'answered 403, User "jane" cannot list. Ask whoever runs'),
        (status(429), "answered 429. It is overloaded: try again"),
        (status(500, message="two\nlines\x1b[31m " + "x" * 1000), "answered 500, two lines [31m xxx"),
        (Answer(b"not gzip", 200, {"Content-Encoding": "gzip"}), "what answered is no Kubernetes API"),
        (Answer(b"x", 200, {"Content-Length": "5"}, before=lambda: None), "could not list the MLRollout objects"),
    ],
)
def test_an_answer_that_is_none(
    mlrollout: CommandLine, double: ApiDouble, monkeypatch: pytest.MonkeyPatch, answer: Answer, told: str
) -> None:
    monkeypatch.setattr(api.Api.__init__, "__defaults__", (1.0, None))
    double.answers["*"] = answer
    ran = mlrollout("list")
    assert told in ran.err
    assert ran.err.startswith("mlrollout list: could not list the MLRollout objects: ")
    assert (ran.err.count("\n"), "\x1b" in ran.err, len(ran.err) < 800) == (1, False, True)
    assert (ran.out, ran.code) == ("", UNUSABLE)


def test_an_answer_may_be_packed(mlrollout: CommandLine, double: ApiDouble) -> None:
    packed = gzip.compress(json.dumps(listed("a").body).encode())
    double.answers["*"] = Answer(packed, 200, {"Content-Encoding": "gzip"})
    assert mlrollout("list", "-o", "name").out == "mlrollout.mlrollout.dev/a\n"


@pytest.mark.parametrize("packing", ["", "gzip"])
def test_an_answer_that_is_too_large_is_not_taken(
    mlrollout: CommandLine, double: ApiDouble, monkeypatch: pytest.MonkeyPatch, packing: str
) -> None:
    monkeypatch.setattr(api, "LARGEST", 1000)
    text = json.dumps(listed(*map(str, range(100))).body).encode()
    headers = {"Content-Encoding": packing} if packing else {}
    double.answers["*"] = Answer(gzip.compress(text) if packing else text, 200, headers)
    ran = mlrollout("list")
    assert "the answer of the API server is too large" in ran.err
    assert ran.code == UNUSABLE


def test_a_cluster_without_the_crd(mlrollout: CommandLine, double: ApiDouble) -> None:
    double.answers["*"] = Answer(b"404 page not found\n", 404)
    for command in (["list"], ["list", "-A"], ["status", "ml-dispatch"]):
        ran = mlrollout(*command)
        told = "the cluster of the context here does not know MLRollout: its CRD is missing. Install the chart"
        assert told in ran.err
        assert ran.code == UNUSABLE


def test_a_cluster_with_the_crd_of_another_version(mlrollout: CommandLine, double: ApiDouble) -> None:
    double.answers["*"] = Answer(b"404 page not found\n", 404)
    double.answers[GROUP] = lambda asked: (
        Answer({"versions": [{"version": "v1alpha0"}]}) if asked.path == GROUP else Answer(b"404 page not found\n", 404)
    )
    ran = mlrollout("status", "ml-dispatch")
    assert "the cluster knows MLRollout as v1alpha0 alone, and this is of v1alpha1: bring the CRD" in ran.err
    assert ran.code == UNUSABLE


def test_where_even_that_can_not_be_asked_the_first_failure_is_told(mlrollout: CommandLine, double: ApiDouble) -> None:
    double.answers["*"] = lambda asked: status(403) if asked.path == GROUP else Answer(b"404", 404)
    ran = mlrollout("list")
    assert "the API server answered 404" in ran.err
    assert ran.code == UNUSABLE


# --- a name that does not exist ---


def _absent(double: ApiDouble, everywhere: Answer, here: Answer) -> None:
    double.answers["*"] = status(404, "NotFound", "not found", kind="mlrollouts", name="ml-dispatch")
    double.answers[f"{GROUP}/v1alpha1/mlrollouts"] = everywhere
    double.answers[f"{GROUP}/v1alpha1/namespaces/default/mlrollouts?"] = here


def elsewhere(*names: tuple[str, str]) -> Answer:
    return Answer({"items": [{"metadata": {"namespace": space, "name": name}} for space, name in names]})


FORBIDDEN = status(403)


@pytest.mark.parametrize(
    ("everywhere", "here", "meant"),
    [
        (elsewhere(("default", "ml-dispach"), ("default", "other")), FORBIDDEN, ": did you mean ml-dispach?"),
        (FORBIDDEN, listed("ml-dispatcher", "ml-dispatch-2"), ": did you mean ml-dispatcher or ml-dispatch-2?"),
        (elsewhere(("prod", "ml-dispatch")), FORBIDDEN, ": did you mean -n prod?"),
        (elsewhere(("default", "zebra")), FORBIDDEN, "; there is zebra"),
        (elsewhere(("default", "x1"), ("default", "y2")), FORBIDDEN, "; there are x1, y2"),
        (elsewhere(), FORBIDDEN, ", and no other"),
        (FORBIDDEN, FORBIDDEN, ""),
    ],
)
def test_a_name_that_does_not_exist(
    mlrollout: CommandLine, double: ApiDouble, everywhere: Answer, here: Answer, meant: str
) -> None:
    _absent(double, everywhere, here)
    for command in ("status", "why", "history", "events"):
        ran = mlrollout(command, "ml-dispatch")
        told = f"mlrollout {command}: there is no MLRollout ml-dispatch in the namespace default{meant}\n"
        assert (ran.err, ran.code) == (told, FAILED)


# --- what is written ---


def found(state: str = "advancing") -> dict[str, Any]:
    one = dispatch.rollouts()[state]
    return one | {"metadata": one["metadata"] | {"namespace": "default", "managedFields": [{"manager": "x"}]}}


def test_many_objects_come_in_pages(mlrollout: CommandLine, double: ApiDouble) -> None:
    def page(asked: Asked) -> Answer:
        return listed("c") if "continue=two" in asked.path else listed("a", "b", more="two")

    double.answers["*"] = page
    assert mlrollout("list", "-o", "name").out.split("\n") == [*(f"mlrollout.mlrollout.dev/{one}" for one in "abc"), ""]


def test_an_object_as_a_program_wants_it(mlrollout: CommandLine, double: ApiDouble) -> None:
    double.answers["*"] = Answer(found())
    as_json = json.loads(mlrollout("status", "ml-dispatch", "-o", "json").out)
    assert as_json == yaml.safe_load(mlrollout("status", "ml-dispatch", "-o", "yaml").out)
    assert "managedFields" not in as_json["metadata"]
    assert as_json["status"] == found()["status"]
    assert mlrollout("status", "ml-dispatch", "-o", "name").out == "mlrollout.mlrollout.dev/ml-dispatch\n"
    assert mlrollout("status", "ml-dispatch", "-o", "jsonpath={.status.percentage}").out == "10"


def test_the_reason_as_a_program_wants_it(mlrollout: CommandLine, double: ApiDouble) -> None:
    double.answers["*"] = Answer(found("awaiting approval"))
    said = json.loads(mlrollout("why", "ml-dispatch", "-o", "json").out)
    assert said["waitsFor"] == "approval"
    assert said["command"] == "mlrollout approve ml-dispatch -n default"
    assert (said["percentage"], said["state"]) == (30, "AwaitingApproval")
    assert mlrollout("why", "ml-dispatch", "-o", "jsonpath={.why}").out.endswith("waits for a person's word")


def test_the_command_to_type_goes_to_the_same_cluster(mlrollout: CommandLine, double: ApiDouble) -> None:
    double.answers["*"] = Answer(found("awaiting approval"))
    for command in ("why", "status"):
        assert (
            "approve ml-dispatch -n default --context here"
            in mlrollout(command, "ml-dispatch", "--context", "here").out
        )


def test_steps_and_events_as_a_program_wants_them(mlrollout: CommandLine, double: ApiDouble) -> None:
    double.answers["*"] = Answer(found("complete"))
    double.answers["/api/v1/namespaces/default/events"] = Answer(
        {"items": [{"reason": "Completed", "message": "complete", "type": "Normal", "metadata": {"managedFields": []}}]}
    )
    steps = json.loads(mlrollout("history", "ml-dispatch", "-o", "json").out)
    assert [step["reason"] for step in steps["items"]][:2] == ["AttemptStarted", "StageAdvanced"]
    events = json.loads(mlrollout("events", "ml-dispatch", "-o", "json").out)
    assert events["items"] == [{"reason": "Completed", "message": "complete", "type": "Normal", "metadata": {}}]
    assert "involvedObject.name%3Dml-dispatch" in double.asked[-1].path
    assert "Completed" in mlrollout("events", "ml-dispatch").out


def test_where_there_is_nothing_that_is_told_beside_the_answer(mlrollout: CommandLine, double: ApiDouble) -> None:
    double.answers["*"] = Answer(found("not seen yet"))
    double.answers["/api/v1/"] = Answer({"items": []})
    double.answers[f"{GROUP}/v1alpha1/namespaces/default/mlrollouts?"] = listed()
    for command, told in (
        (["list"], "There is no MLRollout in the namespace default."),
        (["list", "-l", "a=b"], "There is no MLRollout with these labels in the namespace default."),
        (["history", "ml-dispatch"], "Nothing has happened yet."),
        (["events", "ml-dispatch"], "The cluster has no Events about it (any more)"),
    ):
        ran = mlrollout(*command)
        assert ran.err.startswith(told)
        assert (ran.out, ran.code) == ("", DONE)


def test_rows_are_whole_where_a_program_reads_them(
    mlrollout: CommandLine, double: ApiDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS")
    long = "a-name-that-is-longer-than-any-column-would-be-on-a-screen"
    double.answers["*"] = listed(long, spec=found()["spec"], status=found()["status"])
    line = mlrollout("list").out.splitlines()[1]
    assert line.startswith(long)
    assert "success-rate 0.986/0.95" in line
    assert "ranker-2026-11-03" in mlrollout("list", "-o", "wide").out
    monkeypatch.setenv("FORCE_COLOR", "1")
    coloured = mlrollout("list").out
    assert "\x1b[" in coloured, "what is asked for"
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured).splitlines()[1] == line


NOWHERE = ["jsonpath={.metadata.managedFields[0:3:0]}", f"jsonpath={{.metadata.managedFields[{'9' * 5000}]}}"]


@pytest.mark.parametrize("form", ["xml", "jsonpath", "jsonpath=", "json=x", "JSON", "jsonpath={.x", *NOWHERE])
def test_a_form_that_there_is_not(mlrollout: CommandLine, double: ApiDouble, form: str) -> None:
    double.answers["*"] = Answer(found())
    ran = mlrollout("status", "ml-dispatch", "-o", form)
    assert ran.err.startswith("mlrollout status: -o ")
    assert (ran.err.count("\n"), ran.out, ran.code) == (1, "", WRONG)


def test_a_form_is_read_before_anything_is_asked(mlrollout: CommandLine, double: ApiDouble) -> None:
    mlrollout("list", "-o", "xml")
    assert double.asked == []
    assert OutputForm.parse("wide").for_people


@pytest.mark.parametrize(("width", "expected"), [("40", 40), ("160", 160)])
def test_a_screen_fits_the_terminal(mlrollout: CommandLine, double: ApiDouble, width: str, expected: int) -> None:
    mlrollout.setenv("COLUMNS", width)
    double.answers["*"] = Answer(found("rolled back by a breach"))
    for command in ("status", "why", "history"):
        lines = mlrollout(command, "ml-dispatch").out.splitlines()
        assert max(map(len, lines)) <= expected
