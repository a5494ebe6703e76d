"""`wait`: its exit codes, which pipelines rely on, and what it says meanwhile."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mlrollout.cli.cluster import following

from tests.components.cli.conftest import Kubeconfig
from tests.support import dispatch
from tests.support.command_line import Answer, ApiDouble, Asked, CommandLine

DONE, FAILED, ROLLED_BACK, UNUSABLE, TIMED_OUT = 0, 1, 2, 3, 4
OBJECT = "/apis/mlrollout.dev/v1alpha1/namespaces/default/mlrollouts"
Showing = Callable[..., None]


@pytest.fixture
def showing(kubeconfig: Kubeconfig, double: ApiDouble) -> Showing:
    """Lets the object be in one state after another, as often as it is read."""
    kubeconfig(double.url)

    def show(*states: str | Answer) -> None:
        left = list(states)

        def answer(asked: Asked) -> Answer:
            if "watch=1" in asked.path:
                return Answer(b"")
            state = left.pop(0) if len(left) > 1 else left[0]
            return state if isinstance(state, Answer) else Answer(_object(state))

        double.answers["*"] = answer

    return show


def _object(state: str) -> dict[str, Any]:
    one = dispatch.rollouts()[state]
    return {**one, "metadata": one["metadata"] | {"namespace": "default"}}


@pytest.mark.parametrize(
    ("goal", "states", "code", "told"),
    [
        ("complete", ["complete"], DONE, "ml-dispatch: it is complete at 100 %"),
        ("stage=expansion", ["advancing", "second stage"], DONE, "ml-dispatch: stage expansion at 30 % is reached"),
        ("rolled-back", ["advancing", "rolled back by a breach"], DONE, "it was rolled back from 30 % to 0 %"),
        ("complete", ["advancing", "rolled back by a breach"], ROLLED_BACK, "it was rolled back from 30 % to 0 %"),
        ("complete", ["an invalid query"], FAILED, "it can't go on: Prometheus can't read a guardrail's query"),
        ("stage=none", ["advancing"], FAILED, "it has no stage none, but pilot, expansion, full"),
    ],
)
def test_what_came_of_it(
    mlrollout: CommandLine, showing: Showing, goal: str, states: list[str], code: int, told: str
) -> None:
    showing(*states)
    ran = mlrollout("wait", "ml-dispatch", "--for", goal, "--timeout", "30s")
    assert ran.code == code
    assert told in (ran.out if code == DONE else ran.err)


def _named(state: str, revision: str) -> Answer:
    """The object in a state, as a source names its revision: its generation is the same in all of them."""
    one = _object(state)
    spec = {name: value for name, value in one["spec"].items() if name != "revision"}
    spec["revisionFrom"] = {"configMap": {"name": "models", "key": "dispatch"}}
    return Answer(one | {"spec": spec, "status": one["status"] | {"revision": revision}})


@pytest.mark.parametrize(
    ("states", "code", "told"),
    [
        (["complete", "advancing", "complete"], DONE, "ml-dispatch: it is complete at 100 %"),
        (["complete", "advancing", "rolled back by a breach"], ROLLED_BACK, "rolled back from 30 % to 0 %"),
        (["rolled back by a breach", "complete"], DONE, "ml-dispatch: it is complete at 100 %"),
    ],
)
def test_after_an_alias_was_moved_only_the_revision_that_is_meant_ends_it(
    mlrollout: CommandLine, showing: Showing, states: list[str], code: int, told: str
) -> None:
    showing(_named(states[0], "6"), *(_named(state, "7") for state in states[1:]))
    ran = mlrollout("wait", "ml-dispatch", "--for", "complete", "--revision", "7", "--timeout", "60s")
    assert ran.code == code
    assert told in (ran.out if code == DONE else ran.err)


def test_a_revision_that_does_not_come_is_waited_for_till_the_end(mlrollout: CommandLine, showing: Showing) -> None:
    showing(_named("complete", "6"))
    ran = mlrollout("wait", "ml-dispatch", "--for", "complete", "--revision", "7", "--timeout", "300ms")
    last = ran.err.splitlines()[-1]
    told = "not come to complete with revision 7 within 300ms: it stands at 100 %  Completed, with revision 6"
    assert (last, ran.code) == (f"mlrollout wait: ml-dispatch has {told}", TIMED_OUT)


def test_it_says_where_it_stands_meanwhile_and_once_for_each(mlrollout: CommandLine, showing: Showing) -> None:
    showing("advancing", "advancing", "second stage", "complete")
    ran = mlrollout("wait", "ml-dispatch", "--for", "complete", "--timeout", "60s")
    stands = [line.partition("  ")[2].partition(":")[0] for line in ran.err.splitlines()]
    assert stands == ["10 % in pilot  Progressing", "30 % in expansion  GuardrailsUnknown", "100 %  Completed"]


def test_the_time_may_be_over(mlrollout: CommandLine, showing: Showing) -> None:
    showing("advancing")
    ran = mlrollout("wait", "ml-dispatch", "--for", "complete", "--timeout", "300ms")
    last = ran.err.splitlines()[-1]
    told = "ml-dispatch has not come to complete within 300ms: it stands at 10 % in pilot  Progressing"
    assert (last, ran.code) == (f"mlrollout wait: {told}", TIMED_OUT)


def test_what_is_there_already_needs_no_time(mlrollout: CommandLine, showing: Showing) -> None:
    showing("complete")
    assert mlrollout("wait", "ml-dispatch", "--for", "complete", "--timeout", "0s").code == DONE
    showing("advancing")
    ran = mlrollout("wait", "ml-dispatch", "--for", "complete", "--timeout", "0s")
    told = "ml-dispatch has not come to complete within 0s: it stands at 10 % in pilot  Progressing"
    assert (ran.err.splitlines()[-1], ran.code) == (f"mlrollout wait: {told}", TIMED_OUT)


def test_an_object_that_goes(mlrollout: CommandLine, showing: Showing) -> None:
    gone = Answer({"kind": "Status", "details": {"name": "ml-dispatch"}}, 404)
    showing("advancing", gone)
    ran = mlrollout("wait", "ml-dispatch", "--for", "complete", "--timeout", "30s")
    assert ran.err.endswith("mlrollout wait: the MLRollout ml-dispatch is gone: it was deleted\n")
    assert ran.code == FAILED


def test_an_outage_of_the_cluster_is_waited_through(mlrollout: CommandLine, showing: Showing) -> None:
    showing("advancing", Answer({}, 503), Answer({}, 503), "complete")
    assert mlrollout("wait", "ml-dispatch", "--for", "complete", "--timeout", "60s").code == DONE


@pytest.mark.parametrize("status", [401, 503])
def test_that_it_can_not_be_seen_is_told_and_that_it_can_again(
    mlrollout: CommandLine, showing: Showing, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setattr(following, "_FIRST", 0.05)
    showing("advancing", *[Answer({}, status)] * 4, "advancing", "complete")
    ran = mlrollout("wait", "ml-dispatch", "--for", "complete", "--timeout", "60s")
    told = [line.partition("  ")[2] for line in ran.err.splitlines()]
    assert told[0].startswith("10 % in pilot  Progressing: ")
    why = f"could not read default/ml-dispatch: the API server answered {status}"
    assert told[1].startswith(f"it can't be seen now, whatever happens to it: {why}")
    assert told[2] == "it can be seen again"
    assert (told[3].startswith("100 %  Completed: "), len(told), ran.code) == (True, 4, DONE)


def test_a_stream_that_breaks_off_once_is_nothing_to_tell(
    mlrollout: CommandLine, showing: Showing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "_FIRST", 0.05)
    showing("advancing", Answer({}, 503), "complete")
    ran = mlrollout("wait", "ml-dispatch", "--for", "complete", "--timeout", "60s")
    assert ("be seen" in ran.err, ran.code) == (False, DONE)


@pytest.mark.parametrize("command", [["wait", "--for", "complete"], ["status", "--watch"]], ids=lambda one: one[0])
@pytest.mark.parametrize("status", [401, 403])
def test_a_login_that_stays_refused_ends_it_also_without_a_timeout(
    mlrollout: CommandLine, showing: Showing, monkeypatch: pytest.MonkeyPatch, command: list[str], status: int
) -> None:
    monkeypatch.setattr(following, "_FIRST", 0.05)
    monkeypatch.setattr(following, "_REFUSED_FOR", 0.3)
    showing("advancing", "advancing", Answer({}, status))
    ran = mlrollout(*command, "ml-dispatch")
    assert "it can't be seen now, whatever happens to it: " in ran.out + ran.err
    last = ran.err.splitlines()[-1]
    assert f"could not read default/ml-dispatch: the API server answered {status}" in last
    assert (" It was refused for " in last, ran.code) == (True, UNUSABLE)


def test_that_no_operator_is_heard_of_any_more_is_a_change(mlrollout: CommandLine, showing: Showing) -> None:
    one = _object("advancing")
    old = [{"subresource": "status", "time": "2026-11-23T09:30:00Z"}]
    showing(Answer({**one, "metadata": one["metadata"] | {"managedFields": old}}))
    ran = mlrollout("wait", "ml-dispatch", "--for", "complete", "--timeout", "0s")
    assert "  10 % in pilot  Progressing, and no operator is heard of: the operator was last heard of " in ran.err


def _failing_once(folder: Path) -> dict[str, Any]:
    """A login by a plug-in that fails where it is asked the second time."""
    asked, file = folder / "asked", folder / "plugin"
    file.write_text(f"""#!/bin/sh
    echo >> {asked}
    n=$(wc -l < {asked})
    [ $n = 2 ] && exit 1
    echo '{{"status": {{"token": "token-'$n'"}}}}'
    """)
    file.chmod(0o700)
    return {"exec": {"command": str(file)}}


def test_a_login_that_can_not_be_renewed_for_a_while_is_waited_through(
    mlrollout: CommandLine, kubeconfig: Kubeconfig, double: ApiDouble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "_FIRST", 0.05)
    kubeconfig(double.url, _failing_once(tmp_path))
    read: list[str] = []

    def answer(asked: Asked) -> Answer:
        read.append(asked.headers["Authorization"])
        if len(read) > 1 and read[-1] == "Bearer token-1":
            return Answer({"kind": "Status"}, 401)
        return Answer(_object("advancing" if len(read) == 1 else "complete"))

    double.answers["*"] = answer
    ran = mlrollout("wait", "ml-dispatch", "--for", "complete", "--timeout", "60s")
    assert "it is complete at 100 %" in ran.out
    assert read[:4] == [f"Bearer token-{n}" for n in (1, 1, 1, 3)]
    assert ran.code == DONE


def test_where_it_lasts_it_is_told_at_the_end(mlrollout: CommandLine, showing: Showing) -> None:
    showing("advancing", Answer({}, 503))
    ran = mlrollout("wait", "ml-dispatch", "--for", "complete", "--timeout", "500ms")
    assert "within 500ms: could not read default/ml-dispatch: the API server answered 503" in ran.err
    assert ran.code == TIMED_OUT


def test_a_cluster_that_can_not_be_worked_with_at_all(mlrollout: CommandLine, showing: Showing) -> None:
    showing(Answer({}, 403))
    assert mlrollout("wait", "ml-dispatch", "--for", "complete").code == UNUSABLE


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--for", "done"], "--for done: write complete, rolled-back or stage=NAME"),
        (["--for", "complete", "--timeout", "soon"], "--timeout: 'soon' is not a duration"),
        (["--for", "complete", "--timeout", ""], "--timeout: '' is not a duration"),
        (["--for"], "Option '--for' requires an argument"),
        (["--for", "complete", "--revision", ""], "--revision is empty: name the revision"),
        ([], "Missing option '--for'"),
        (["--for", "complete", "--nonsense"], "No such option: --nonsense"),
    ],
)
def test_wrong_usage_is_taken_for_no_rollback(
    mlrollout: CommandLine, showing: Showing, arguments: list[str], told: str
) -> None:
    showing("advancing")
    ran = mlrollout("wait", "ml-dispatch", *arguments)
    assert told in ran.err
    assert ran.code == FAILED
