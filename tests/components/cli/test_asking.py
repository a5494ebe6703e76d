"""Asking for a verb: what is sent, what is refused before anything is sent, and how an answer is waited for."""

import socketserver
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from mlrollout.cli.cluster import api, following
from mlrollout.domain.request import Verb, shown

from devstack import certificates
from tests.components.cli.conftest import Kubeconfig
from tests.components.cli.objects import DONE, FAILED, OBJECT, TIMED_OUT, WRONG, Objects
from tests.support.command_line import Answer, ApiDouble, Asked, CommandLine
from tests.support.http_server import CalmServer

UNUSABLE = 3


@pytest.mark.parametrize(
    ("command", "state", "annotation", "told"),
    [
        ("pause", "second stage", {"pause": "freeze (by jane)"}, "the rollout is paused: freeze (by jane)"),
        ("resume", "paused by a person", {"resume": "freeze (by jane)"}, "the rollout goes on"),
        ("approve", "awaiting approval", {"approve": "freeze (by jane)"}, "stage full may be entered"),
        ("promote", "second stage", {"promote": "freeze (by jane)"}, "stage expansion may be left once"),
        ("demote", "second stage", {"demote": "10 freeze (by jane)"}, "30 % -> 10 %, back to stage pilot"),
        ("demote --to pilot", "second stage", {"demote": "10 freeze (by jane)"}, "back to stage pilot"),
        ("demote --to 29%", "second stage", {"demote": "29 freeze (by jane)"}, "back to stage pilot"),
        ("retry", "stopped in Redis", {"retry": "freeze (by jane)"}, "a new attempt is asked for: freeze"),
        ("rollback", "second stage", {"rollback": "freeze (by jane)"}, "traffic goes to 0 %, and stays there"),
        ("rollback", "stopped in Redis", {"rollback": "freeze (by jane)"}, "it is rolled back already, and stays so"),
        ("rollback", "rolled back, not confirmed", {"rollback": "freeze (by jane)"}, "traffic goes to 0 %, and stays"),
    ],
)
def test_a_verb_is_an_annotation_with_the_reason_and_who_asks(
    mlrollout: CommandLine, objects: Objects, command: str, state: str, annotation: dict[str, str], told: str
) -> None:
    objects.put(state)
    ran = mlrollout(*command.split(), "ml-dispatch", "--reason", "freeze")
    assert (ran.err, ran.code) == ("", DONE)
    assert objects.asked == [{f"mlrollout.dev/{verb}": why for verb, why in annotation.items()}]
    verb = command.split(maxsplit=1)[0]
    assert ran.out.startswith(f"default/ml-dispatch: asked for {verb}: ")
    assert told in ran.out


BY_HAND = ", or set ml_dispatch:rollout_percentage to 0 in its Redis by hand\n"


@pytest.mark.parametrize(("verb", "more"), [("pause", "\n"), ("rollback", BY_HAND)])
@pytest.mark.parametrize("state", ["advancing", "complete", "awaiting approval"])
def test_where_no_operator_is_heard_of_it_is_asked_for_with_a_doubt(
    mlrollout: CommandLine, objects: Objects, state: str, verb: str, more: str
) -> None:
    objects.put(state)
    found = objects.found["ml-dispatch"]
    found["metadata"]["managedFields"] = [{"subresource": "status", "time": "2026-11-23T09:30:00Z"}]
    found["status"]["guardrails"][0]["checkpoint"] = "{}"
    ran = mlrollout(verb, "ml-dispatch", "--reason", "freeze")
    assert ran.out.startswith(f"default/ml-dispatch: asked for {verb}: ")
    assert ran.err.startswith("default/ml-dispatch: the operator was last heard of ")
    assert ran.err.endswith(f" ago, and may not act on it: see `mlrollout doctor`{more}")
    assert (len(objects.asked), ran.code) == (1, DONE)


def test_where_none_has_ever_looked_at_it_a_rollback_says_so(mlrollout: CommandLine, objects: Objects) -> None:
    objects.put("not seen yet")
    ran = mlrollout("rollback", "ml-dispatch", "--reason", "freeze")
    assert "asked for rollback: traffic goes to 0 %" in ran.out
    assert ran.err.startswith("default/ml-dispatch: no operator has looked at it since it was created ")
    assert ran.err.endswith(f" ago, and none may act on it: see `mlrollout doctor`{BY_HAND}")
    assert (len(objects.asked), ran.code) == (1, DONE)


def test_without_a_reason_it_says_who_and_without_that_nothing(
    mlrollout: CommandLine, objects: Objects, double: ApiDouble
) -> None:
    mlrollout("pause", "ml-dispatch")
    double.answers["/apis/authentication"] = Answer({}, 403)
    mlrollout("pause", "ml-dispatch")
    mlrollout("pause", "ml-dispatch", "--reason", "two\nlines\x1b[31m")
    assert [asked["mlrollout.dev/pause"] for asked in objects.asked] == ["by jane", "", "two lines [31m"]


def test_a_long_reason_is_cut_before_the_name(mlrollout: CommandLine, objects: Objects) -> None:
    mlrollout("pause", "ml-dispatch", "--reason", "x" * 300)
    (asked,) = objects.asked
    assert shown(asked["mlrollout.dev/pause"]).endswith("x (by jane)")


def test_who_asks_is_known_by_the_field_manager(mlrollout: CommandLine, objects: Objects, double: ApiDouble) -> None:
    mlrollout("pause", "ml-dispatch")
    (sent,) = [asked for asked in double.asked if asked.method == "PATCH"]
    assert sent.path.endswith("/ml-dispatch?fieldManager=kubectl-mlrollout")
    assert sent.headers["Content-Type"] == "application/merge-patch+json"


@pytest.mark.parametrize(
    ("command", "state", "told"),
    [
        ("retry", "second stage", "there is nothing to begin again. What would work now: rollback, approve, promote"),
        ("promote", "stopped in Redis", "refused: the attempt is rolled back. What would work now: retry, pause"),
        ("approve", "advancing", "refused: the next stage, expansion, needs no approval. What would work now"),
        ("resume", "paused by the spec", "refused: spec.paused is true and keeps the rollout paused"),
        ("demote", "advancing", "refused: no stage asks for 0 % or less; to take traffic to 0 %"),
        ("demote --to 100", "second stage", "refused: 30 % is no more than 100 % already"),
        ("pause", "not seen yet", "refused: nothing has begun that it could be about. What would work now: rollback"),
    ],
)
def test_what_the_operator_would_refuse_is_not_asked_for(
    mlrollout: CommandLine, objects: Objects, command: str, state: str, told: str
) -> None:
    objects.put(state)
    ran = mlrollout(*command.split(), "ml-dispatch")
    assert told in ran.err
    assert (ran.err.count("\n"), ran.out, ran.code, objects.patched) == (1, "", FAILED, [])


def test_a_stage_may_be_called_by_a_number(mlrollout: CommandLine, objects: Objects) -> None:
    spec = objects.found["ml-dispatch"]["spec"]
    stages = [one | {"name": name} for one, name in zip(spec["stages"], ("2", "3", "4"), strict=True)]
    objects.found["ml-dispatch"]["spec"] = spec | {"stages": stages}
    for to in ("2", "2%"):
        mlrollout("demote", "ml-dispatch", "--to", to, "--reason", "freeze")
    # No stage asks for 2 % or less, which is refused before it is asked for.
    assert [asked["mlrollout.dev/demote"] for asked in objects.asked] == ["10 freeze (by jane)"]


def test_a_stage_that_there_is_not(mlrollout: CommandLine, objects: Objects) -> None:
    ran = mlrollout("demote", "ml-dispatch", "--to", "pilo")
    assert ran.err == "mlrollout demote: --to pilo: there is no such stage, but pilot, expansion, full\n"
    assert ran.code == WRONG


@pytest.mark.parametrize("to", ["", " "])
def test_an_empty_variable_names_no_stage(mlrollout: CommandLine, objects: Objects, double: ApiDouble, to: str) -> None:
    ran = mlrollout("demote", "ml-dispatch", "--to", to, "--reason", "freeze")
    told = "--to is empty: name the stage or the percentage, or leave the option out"
    assert (ran.err, ran.code) == (f"mlrollout demote: {told}\n", WRONG)
    assert (objects.patched, double.asked) == ([], [])


def test_a_verb_is_planned_for_the_object_as_it_was_read(mlrollout: CommandLine, objects: Objects) -> None:
    """One stage later, the same verb would raise further."""
    objects.conflicts = 2
    assert mlrollout("promote", "ml-dispatch").code == DONE
    assert [patch["metadata"]["resourceVersion"] for patch in objects.patched] == ["7"] * 3

    objects.conflicts = 9
    ran = mlrollout("promote", "ml-dispatch")
    assert (ran.err, ran.code) == ("mlrollout promote: it changes too often now: try again\n", FAILED)


def test_a_rollback_is_asked_for_without_a_look_and_whatever_changed(
    mlrollout: CommandLine, objects: Objects, double: ApiDouble
) -> None:
    mlrollout("rollback", "ml-dispatch")
    assert "resourceVersion" not in objects.patched[0]["metadata"]
    assert [asked.method for asked in double.asked if asked.path.startswith(OBJECT)] == ["PATCH"]


def test_an_object_that_is_not_there(mlrollout: CommandLine, objects: Objects) -> None:
    for verb in Verb:
        ran = mlrollout(verb, "ml-dispach")
        assert ran.err.endswith(
            "there is no MLRollout ml-dispach in the namespace default: did you mean ml-dispatch?\n"
        )
        assert ran.code == FAILED


# --- several objects ---


def test_several_objects_have_to_be_confirmed(mlrollout: CommandLine, objects: Objects) -> None:
    objects.put("advancing", "other")
    for those in (["ml-dispatch", "other"], ["-l", "team=dispatch"]):
        ran = mlrollout("rollback", *those)
        assert ran.err.endswith("that would be 2 rollouts (default/ml-dispatch, default/other): say --yes\n")
        assert (ran.code, objects.patched) == (WRONG, [])


def test_each_of_several_is_asked_and_what_failed_is_told(mlrollout: CommandLine, objects: Objects) -> None:
    objects.put("stopped in Redis", "other")
    ran = mlrollout("promote", "ml-dispatch", "nobody", "other", "--yes")
    assert ran.out.startswith("default/ml-dispatch: asked for promote: ")
    assert "default/nobody: there is no MLRollout nobody" in ran.err
    assert "default/other: refused: the attempt is rolled back." in ran.err
    assert (len(objects.patched), ran.code) == (1, FAILED)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "say which: NAME, or --selector LABELS for several"),
        (["ml-dispatch", "-l", "a=b"], "say either NAMEs or --selector"),
        (["ml-dispatch", "-A"], "say either NAMEs or --selector"),
        (["-A"], "say which: NAME, or --selector LABELS for several"),
        (["ml-dispatch", "--wait", "--timeout", "soon"], "--timeout: 'soon' is not a duration"),
        (["ml-dispatch", "--wait", "--timeout", ""], "--timeout: '' is not a duration"),
    ],
)
def test_wrong_usage(mlrollout: CommandLine, objects: Objects, arguments: list[str], told: str) -> None:
    ran = mlrollout("pause", *arguments)
    assert told in ran.err
    assert (ran.code, objects.patched) == (WRONG, [])


def test_labels_that_no_object_has(mlrollout: CommandLine, objects: Objects) -> None:
    objects.found.clear()
    ran = mlrollout("pause", "-l", "team=nobody")
    assert (ran.err, ran.code) == ("mlrollout pause: there is no MLRollout with the labels team=nobody\n", FAILED)


# --- waiting for the answer ---


def _step(reason: str, message: str, serial: int = 100) -> dict[str, Any]:
    at = "2026-11-23T09:30:00Z"
    return {"serial": serial, "at": at, "reason": reason, "message": message, "attempt": 1, "percentage": 30}


@pytest.mark.parametrize(
    ("verb", "reason", "message", "code"),
    [
        ("pause", "Paused", "the rollout is paused: freeze", DONE),
        ("rollback", "RolledBack", "30 % -> 0 %: asked for by annotation", DONE),
        ("promote", "VerbRefused", "promote (freeze) is refused: no stage is under way", FAILED),
        ("rollback", "VerbRefused", "a rollback asked for by annotation: this attempt was rolled back before", FAILED),
    ],
)
def test_the_answer_is_told(
    mlrollout: CommandLine, objects: Objects, verb: str, reason: str, message: str, code: int
) -> None:
    objects.steps = [_step("Approved", "another's", serial=99), _step(reason, message)]
    ran = mlrollout(verb, "ml-dispatch", "--reason", "freeze", "--wait", "--timeout", "20s")
    assert message in (ran.out if code == DONE else ran.err)
    assert ran.code == code


def test_an_earlier_step_is_no_answer(mlrollout: CommandLine, objects: Objects) -> None:
    objects.put("paused by a person")
    objects.found["ml-dispatch"]["metadata"]["annotations"] = {"mlrollout.dev/resume": "x"}
    ran = mlrollout("resume", "ml-dispatch", "--wait", "--timeout", "1s")
    assert ran.err.endswith("the operator has not answered within 1s: see `mlrollout doctor`\n")
    assert ran.code == TIMED_OUT


def test_what_is_as_asked_already_is_not_waited_for(mlrollout: CommandLine, objects: Objects) -> None:
    objects.put("stopped in Redis")
    began = time.monotonic()
    assert mlrollout("rollback", "ml-dispatch", "--wait", "--timeout", "60s").code == DONE
    assert time.monotonic() - began < 30


def test_a_rollback_that_redis_does_not_hold_is_waited_for(mlrollout: CommandLine, objects: Objects) -> None:
    objects.put("rolled back, not confirmed")
    objects.steps = [_step("VerbRefused", "rollback (freeze) is refused: this attempt is rolled back already")]
    ran = mlrollout("rollback", "ml-dispatch", "--reason", "freeze", "--wait", "--timeout", "1s")
    assert ran.err.endswith("the operator has not answered within 1s: see `mlrollout doctor`\n")
    assert ran.code == TIMED_OUT


def test_a_rollback_of_another_revision_than_the_one_rolled_back_is_waited_for(
    mlrollout: CommandLine, objects: Objects
) -> None:
    objects.put("stopped in Redis")
    objects.found["ml-dispatch"]["metadata"]["generation"] += 1
    objects.steps = [_step("RolledBack", "stays at 0 %: asked for by annotation: freeze")]
    ran = mlrollout("rollback", "ml-dispatch", "--reason", "freeze", "--wait", "--timeout", "20s")
    assert "asked for rollback: traffic goes to 0 %, and stays there\n" in ran.out
    assert ran.out.endswith("stays at 0 %: asked for by annotation: freeze\n")
    assert ran.code == DONE


def test_an_annotation_that_went_without_a_word_was_refused(mlrollout: CommandLine, objects: Objects) -> None:
    objects.steps = [_step("StageAdvanced", "something else")]
    ran = mlrollout("pause", "ml-dispatch", "--wait", "--timeout", "20s")
    assert ran.err == "mlrollout pause: it was refused, and the Events about the object say why\n"
    assert ran.code == FAILED


def test_a_cluster_that_fails_after_it_was_asked_is_waited_through(
    mlrollout: CommandLine, objects: Objects, double: ApiDouble
) -> None:
    def answer(asked: Asked) -> Answer:
        return objects._answer(asked) if asked.method == "PATCH" else Answer({}, 503)

    double.answers[OBJECT] = answer
    ran = mlrollout("rollback", "ml-dispatch", "--reason", "freeze", "--wait", "--timeout", "500ms")
    told = "the operator has not answered within 500ms: could not read default/ml-dispatch: the API server answered 503"
    assert (ran.err, ran.code) == (f"mlrollout rollback: {told}\n", TIMED_OUT)


def test_that_the_answer_can_not_be_seen_is_told_before_the_time_is_over(
    mlrollout: CommandLine, objects: Objects, double: ApiDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "_FIRST", 0.05)

    def answer(asked: Asked) -> Answer:
        return objects._answer(asked) if asked.method == "PATCH" else Answer({"kind": "Status"}, 401)

    double.answers[OBJECT] = answer
    ran = mlrollout("rollback", "ml-dispatch", "--reason", "freeze", "--wait", "--timeout", "2s")
    first, last = ran.err.splitlines()
    assert first.startswith("default/ml-dispatch: ")
    assert "  it can't be seen now, whatever happens to it: could not read default/ml-dispatch: " in first
    assert (last.startswith("mlrollout rollback: the operator has not answered"), ran.code) == (True, TIMED_OUT)


def test_a_login_that_is_refused_for_long_does_not_undo_what_was_asked(
    mlrollout: CommandLine, objects: Objects, double: ApiDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "_FIRST", 0.05)
    monkeypatch.setattr(following, "_REFUSED_FOR", 0.2)

    def answer(asked: Asked) -> Answer:
        return objects._answer(asked) if asked.method == "PATCH" else Answer({"kind": "Status"}, 401)

    double.answers[OBJECT] = answer
    ran = mlrollout("rollback", "ml-dispatch", "--reason", "freeze", "--wait", "--timeout", "60s")
    assert "asked for rollback: traffic goes to 0 %" in ran.out
    assert ("Nothing was changed" in ran.err, ran.code) == (False, UNUSABLE)


AROUND = (
    "To take everybody out without the cluster, set the rollout's key (spec.traffic.key in its manifest) to 0 in its "
    "Redis by hand\n"
)
AGAIN = "ask again once it answers, a second rollback changes nothing"
KEPT = "Nothing was changed: users keep what they have"


@pytest.mark.parametrize(("verb", "more"), [("pause", f"{KEPT}\n"), ("rollback", f"{KEPT}. {AROUND}")])
def test_where_no_api_server_is_reached_it_says_what_users_have_and_how_to_take_them_out(
    mlrollout: CommandLine, kubeconfig: Kubeconfig, closed: int, verb: str, more: str
) -> None:
    kubeconfig(f"http://127.0.0.1:{closed}")
    ran = mlrollout(verb, "ml-dispatch", "--reason", "freeze")
    assert ran.err.startswith(f"mlrollout {verb}: could not ")
    assert ran.err.endswith(f"the API server 127.0.0.1:{closed} can't be reached (Connection refused). {more}")
    assert (ran.err.count("\n"), ran.out, ran.code) == (1, "", UNUSABLE)


@pytest.mark.parametrize("names", [("a", "b", "--yes"), ("-l", "team=ml")], ids=["by name", "by labels"])
def test_of_several_that_is_said_once(
    mlrollout: CommandLine, kubeconfig: Kubeconfig, closed: int, names: tuple[str, ...]
) -> None:
    kubeconfig(f"http://127.0.0.1:{closed}")
    ran = mlrollout("rollback", *names, "--reason", "freeze")
    assert (ran.err.count("users keep what they have"), ran.err.count(AROUND), ran.code) == (1, 1, UNUSABLE)


def test_without_a_kubeconfig_a_rollback_has_the_same_way_around(mlrollout: CommandLine, tmp_path: Path) -> None:
    mlrollout.setenv("KUBECONFIG", tmp_path / "missing")
    ran = mlrollout("rollback", "ml-dispatch", "--reason", "freeze")
    assert (ran.err.endswith(f". {KEPT}. {AROUND}"), ran.code) == (True, UNUSABLE)


@pytest.mark.parametrize(
    ("verb", "more"),
    [
        ("rollback", f"{AGAIN}. {AROUND}"),
        ("pause", "see the status of the rollout once it answers, before you ask again\n"),
    ],
)
def test_what_an_api_server_may_have_heard_is_not_called_undone(
    mlrollout: CommandLine, objects: Objects, double: ApiDouble, verb: str, more: str
) -> None:
    def answer(asked: Asked) -> Answer:
        return (
            Answer({"kind": "Status", "message": "timeout"}, 504) if asked.method == "PATCH" else objects._answer(asked)
        )

    double.answers[OBJECT] = answer
    ran = mlrollout(verb, "ml-dispatch", "--reason", "freeze")
    assert (ran.err.endswith(f". Whether it heard of that is not known: {more}"), ran.code) == (True, UNUSABLE)


def test_an_answer_that_breaks_off_leaves_it_unknown_whether_it_was_heard(
    mlrollout: CommandLine, objects: Objects, double: ApiDouble
) -> None:
    def breaks() -> None:
        raise ConnectionResetError

    double.answers[OBJECT] = Answer({}, before=breaks)
    ran = mlrollout("rollback", "ml-dispatch", "--reason", "freeze")
    assert " the connection off (RemoteDisconnected). Whether it heard of that is not known: ask again" in ran.err
    assert ran.code == UNUSABLE


@contextmanager
def _dripping(begin: bytes, encryption: ssl.SSLContext | None = None) -> Iterator[int]:
    """The port of a server whose answer begins so, and then comes a byte at a time without an end."""
    over = threading.Event()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            while self.rfile.readline().strip():
                pass
            self.wfile.write(begin)
            while not over.wait(0.05):
                self.wfile.write(b" ")

    with CalmServer(("127.0.0.1", 0), Handler) as server:
        if encryption is not None:
            server.socket = encryption.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield server.server_address[1]
        over.set()
        server.shutdown()


@pytest.mark.parametrize(
    "begin",
    [
        b"HTTP/1.1 200 OK\r\nX: ",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{",
    ],
    ids=["headers", "body", "body that ends with the connection"],
)
def test_an_answer_that_never_ends_holds_nobody_up(
    mlrollout: CommandLine, kubeconfig: Kubeconfig, monkeypatch: pytest.MonkeyPatch, begin: bytes
) -> None:
    monkeypatch.setattr(api.Api.__init__, "__defaults__", (0.2, None))
    with _dripping(begin) as port:
        kubeconfig(f"http://127.0.0.1:{port}")
        ran = mlrollout("rollback", "ml-dispatch", "--reason", "freeze")
    assert f"the API server 127.0.0.1:{port} did not answer in full within 0.6 s. " in ran.err
    assert ran.err.endswith(f"Whether it heard of that is not known: {AGAIN}. {AROUND}")
    assert ran.code == UNUSABLE


def test_nor_does_one_that_is_encrypted(
    mlrollout: CommandLine, kubeconfig: Kubeconfig, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(api.Api.__init__, "__defaults__", (0.2, None))
    authority = certificates.make(tmp_path)
    encryption = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    encryption.load_cert_chain(authority.certificate, authority.key)
    with _dripping(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{", encryption) as port:
        kubeconfig(f"https://127.0.0.1:{port}", cluster={"certificate-authority": str(authority.ca)})
        ran = mlrollout("list")
    assert (ran.err.count("did not answer in full within 3.6 s\n"), ran.code) == (1, UNUSABLE)


def test_who_lacks_the_right_is_not_sent_around_it(mlrollout: CommandLine, objects: Objects, double: ApiDouble) -> None:
    double.answers[OBJECT] = Answer({"kind": "Status", "message": "forbidden"}, 403)
    ran = mlrollout("rollback", "ml-dispatch", "--reason", "freeze")
    assert ("Redis" in ran.err, ran.code) == (False, UNUSABLE)
