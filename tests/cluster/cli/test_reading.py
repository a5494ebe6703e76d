"""Reading on a real API server: every state, few rights, and the same answers as kubectl's own."""

import json

import pytest
import yaml

from devstack.control_plane import ControlPlane
from tests.cluster.cli.conftest import READER, named
from tests.support import dispatch
from tests.support.command_line import CommandLine
from tests.support.places import Place

DONE, FAILED, UNUSABLE = 0, 1, 3


def test_every_state_is_listed(mlrollout: CommandLine, states: Place) -> None:
    mlrollout.setenv("COLUMNS", "160")
    head, *lines = mlrollout("list", "-n", states.namespace).out.splitlines()
    assert head.split()[:4] == ["NAME", "STAGES", "NOW", "STATE"]
    shown = {line.split()[0]: line for line in lines}
    assert set(shown) == {named(state) for state in dispatch.STATES}
    assert "10▸✘30▸100" in shown[named("rolled back by a breach")]
    assert "Deleting" in shown[named("being deleted")]
    assert "AwaitingOperator" in shown[named("not seen yet")]
    assert "approval" in shown[named("awaiting approval")]


@pytest.mark.parametrize("state", dispatch.STATES)
def test_every_state_is_shown_and_explained(mlrollout: CommandLine, states: Place, state: str) -> None:
    where = (named(state), "-n", states.namespace)
    shown = mlrollout("status", *where)
    assert shown.code == DONE
    assert "○ full 100 %" in shown.out or "✔ full 100 %" in shown.out
    said = json.loads(mlrollout("why", *where, "-o", "json").out)
    assert said["name"] == named(state)
    assert " ".join(said["why"].split()[:3])[1:] in " ".join(shown.out.split())
    history = mlrollout("history", *where)
    assert history.code == DONE
    assert ("AttemptStarted" in history.out) == (state != "not seen yet")


def test_only_those_with_a_label(mlrollout: CommandLine, states: Place) -> None:
    ran = mlrollout("list", "-n", states.namespace, "-l", "number in (0,1)", "-o", "name")
    assert len(ran.out.splitlines()) == 2
    assert "with these labels" in mlrollout("list", "-n", states.namespace, "-l", "number=x").err
    ran = mlrollout("list", "-n", states.namespace, "-l", "number in (")
    assert ran.code == UNUSABLE
    assert "unable to parse requirement" in ran.err


def test_in_every_namespace(mlrollout: CommandLine, states: Place) -> None:
    ran = mlrollout("list", "-A")
    assert ran.code == DONE
    assert [line for line in ran.out.splitlines() if line.split()[:2] == [states.namespace, "advancing"]]


def test_a_name_is_corrected(mlrollout: CommandLine, states: Place) -> None:
    ran = mlrollout("status", "advancin", "-n", states.namespace)
    assert ran.err.endswith(f"no MLRollout advancin in the namespace {states.namespace}: did you mean advancing?\n")
    assert ran.code == FAILED
    assert f"-n {states.namespace}" in mlrollout("why", "advancing").err


@pytest.mark.parametrize("name", ["../../etc", "a/b", "%2e%2e", "UPPER case", "x" * 300, "\x1b[31m", ""])
def test_a_name_that_can_be_none(mlrollout: CommandLine, name: str) -> None:
    ran = mlrollout("status", name)
    assert ran.code == FAILED
    assert (ran.err.count("\n"), "\x1b" in ran.err) == (1, False)


def test_events_are_those_about_this_object(mlrollout: CommandLine, states: Place) -> None:
    name = named("advancing")
    uid = states.kubectl("get", "mlr", name, "-o", "jsonpath={.metadata.uid}")
    about = {"kind": "MLRollout", "name": name, "namespace": states.namespace, "apiVersion": "mlrollout.dev/v1alpha1"}
    for number, each in enumerate((uid, "of-another-object")):
        states.apply(
            {
                "apiVersion": "v1",
                "kind": "Event",
                "metadata": {"name": f"e{number}", "namespace": states.namespace},
                "involvedObject": {**about, "uid": each},
                "reason": f"Reason{number}",
                "message": "said",
                "type": "Normal",
                "lastTimestamp": "2026-11-23T09:30:00Z",
            }
        )
    ran = mlrollout("events", name, "-n", states.namespace)
    assert "Reason0" in ran.out
    assert "Reason1" not in ran.out


# --- rights ---


def test_who_may_only_look_sees_all_of_it(mlrollout: CommandLine, states: Place) -> None:
    mlrollout.setenv("KUBECONFIG", states.account("reader", [dict(rule) for rule in READER]))
    assert mlrollout("status", "advancing", "-n", states.namespace).code == DONE
    assert mlrollout("list", "-n", states.namespace).code == DONE
    assert "did you mean advancing?" in mlrollout("why", "advancin", "-n", states.namespace).err


@pytest.mark.parametrize("command", [["list"], ["status", "advancing"], ["events", "advancing"], ["list", "-A"]])
def test_who_may_nothing_is_told_which_right_is_missing(
    mlrollout: CommandLine, states: Place, command: list[str]
) -> None:
    mlrollout.setenv("KUBECONFIG", states.account("nobody", []))
    ran = mlrollout(*command, *(() if "-A" in command else ("-n", states.namespace)))
    assert "cannot list resource" in ran.err or "cannot get resource" in ran.err
    assert ran.err.endswith("Ask whoever runs the cluster for that right\n")
    assert (ran.err.count("\n"), ran.code) == (1, UNUSABLE)


def test_a_token_that_is_none(mlrollout: CommandLine, control_plane: ControlPlane, states: Place) -> None:
    file = states.account("stranger", [])
    found = yaml.safe_load(file.read_text())
    found["users"][0]["user"] = {"token": "hunter2"}
    file.write_text(yaml.safe_dump(found))
    mlrollout.setenv("KUBECONFIG", file)
    ran = mlrollout("list")
    assert "answered 401, Unauthorized. Log in anew" in ran.err
    assert "hunter2" not in ran.err
    assert ran.code == UNUSABLE


# --- the same answers as kubectl's ---

TEMPLATES = [
    "{.items[0].metadata.name}",
    "{.items[*].metadata.name}",
    "{.items[-1:].metadata.name}",
    "{.items[1:3].metadata.name}",
    "{.items[0:5:2].metadata.name}",
    "{.items[0,2].metadata.name}",
    "{$.kind}",
    "{.kind}/{.items[0].kind}",
    '{range .items[*]}{.metadata.name}{"\\t"}{.status.percentage}{"\\n"}{end}',
    "{range .items[*]}{@.metadata.name} {end}",
    "{range .items[0:2]}{range .spec.stages[*]}{.name},{end};{end}",
    '{.items[*].status.conditions[?(@.type=="Ready")].reason}',
    "{.items[*].status.conditions[?(@.type=='Ready')].status}",
    '{.items[?(@.metadata.name=="advancing")].spec.revision}',
    "{.items[?(@.status.percentage>10)].metadata.name}",
    "{.items[?(@.status.percentage<=10)].metadata.name}",
    "{.items[?(@.metadata.deletionTimestamp)].metadata.name}",
    "{.items[0]['metadata']['name']}",
    "{.items[0].metadata['name','namespace']}",
    "{.items[0].spec.stages[0]}",
    "{.items[0].spec.traffic}",
    "{.items[0].spec.guardrails[1].min}",
    "{.items[*].spec.guardrails[*].rate.max}",
    "{.items[0].nothing}",
    "{.items[0]..percentage}",
    "{.items[0].metadata.labels.number}",
    "{.items[0].status.record.latched}",
    "plain text",
    "{'quoted'}{\"\\n\"}",
    "{.items[0].spec.*.key}",
]


@pytest.mark.parametrize("template", TEMPLATES)
def test_jsonpath_is_kubectls(mlrollout: CommandLine, states: Place, template: str) -> None:
    kubectl = states.kubectl("get", "mlr", "-o", f"jsonpath={template}")
    ours = mlrollout("list", "-n", states.namespace, "-o", f"jsonpath={template}")
    assert ours.code == DONE
    if kubectl[:1] in "{[" and kubectl:
        assert json.loads(ours.out) == json.loads(kubectl)
    elif ".." in template:  # kubectl takes the fields of an object as they come, each time anew
        assert sorted(ours.out.split()) == sorted(kubectl.split())
    else:
        assert ours.out == kubectl


def test_json_and_yaml_are_kubectls(mlrollout: CommandLine, states: Place) -> None:
    where = ("-n", states.namespace)
    for form, load in (("json", json.loads), ("yaml", yaml.safe_load)):
        of_list = load(mlrollout("list", *where, "-o", form).out)
        assert of_list == load(states.kubectl("get", "mlr", "-o", form))
        one = load(mlrollout("status", "advancing", *where, "-o", form).out)
        assert one == load(states.kubectl("get", "mlr", "advancing", "-o", form))
    assert mlrollout("list", *where, "-o", "name").out == states.kubectl("get", "mlr", "-o", "name")
