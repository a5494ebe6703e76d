"""Argo CD's own tests of a kind: health_test.yaml and action_test.yaml, over objects recorded from the operator."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from mlrollout.domain.foretell import foretell
from mlrollout.domain.request import Verb

from docs import gitops
from tests.pure.argocd.lua import SCRIPTS, read, run

RECORDED = sorted((SCRIPTS / "testdata").glob("*.yaml"))
ACTIONS = SCRIPTS / "actions"
ACTION_TESTS = read(ACTIONS / "action_test.yaml")


def health_tests() -> Iterator[Any]:
    for file in (SCRIPTS / "health_test.yaml", SCRIPTS / "guarded" / "health_test.yaml"):
        for test in read(file)["tests"]:
            name = f"{file.parent.name}-{Path(test['inputPath']).stem}"
            yield pytest.param(file.parent, test["inputPath"], test["healthStatus"], id=name)


@pytest.mark.parametrize(("folder", "recorded", "expected"), [*health_tests()])
def test_health(folder: Path, recorded: str, expected: dict[str, str]) -> None:
    assert run(folder / "health.lua", read(folder / recorded)) == expected


def test_every_recorded_state_has_its_health_in_both_meanings() -> None:
    for file in (SCRIPTS / "health_test.yaml", SCRIPTS / "guarded" / "health_test.yaml"):
        tested = {(file.parent / test["inputPath"]).resolve() for test in read(file)["tests"]}
        assert tested == set(RECORDED)


@pytest.mark.parametrize("test", ACTION_TESTS["discoveryTests"], ids=lambda test: Path(test["inputPath"]).stem)
def test_which_actions_are_offered(test: dict[str, Any]) -> None:
    found = run(ACTIONS / "discovery.lua", read(ACTIONS / test["inputPath"]))

    assert found == {action["name"]: {"disabled": action["disabled"]} for action in test["result"]}


@pytest.mark.parametrize("file", RECORDED, ids=lambda file: file.stem)
def test_what_the_operator_would_refuse_is_not_offered(file: Path) -> None:
    found = read(file)
    for name, action in run(ACTIONS / "discovery.lua", found).items():
        refused = bool(foretell(found, Verb(name), "why", now=0.0).refused)
        # An approval may be given ahead of time; in Argo CD it is offered to whoever is waited for.
        assert action["disabled"] == refused or (name == "approve" and action["disabled"]), name


@pytest.mark.parametrize("test", ACTION_TESTS["actionTests"], ids=lambda test: test["action"])
def test_an_action_asks_by_the_annotation_and_changes_nothing_else(test: dict[str, Any]) -> None:
    name = test["action"]
    before = read(ACTIONS / test["inputPath"])
    expected = read(ACTIONS / test["expectedOutputPath"])

    assert run(ACTIONS / name / "action.lua", before) == expected
    assert expected["metadata"].pop("annotations") == {f"mlrollout.dev/{name}": "asked for in Argo CD"}
    assert expected == before


def test_each_action_is_a_verb_that_needs_no_more_than_a_reason() -> None:
    offered = {script.parent.name for script in ACTIONS.glob("*/action.lua")}

    assert offered == {test["action"] for test in ACTION_TESTS["actionTests"]} == set(Verb) - {Verb.DEMOTE}


def test_what_argo_cd_is_given_holds_the_scripts_as_they_are() -> None:
    for file, text in gitops.outputs().items():
        assert text == file.read_text(), "run `make generate`"
        told = yaml.safe_load(text)["data"]
        actions = yaml.safe_load(told["resource.customizations.actions.mlrollout.dev_MLRollout"])
        assert told["resource.customizations.health.mlrollout.dev_MLRollout"] == gitops.HEALTHS[file.name].read_text()
        assert actions["discovery.lua"] == (ACTIONS / "discovery.lua").read_text()
        assert {one["name"]: one["action.lua"] for one in actions["definitions"]} == {
            script.parent.name: script.read_text() for script in ACTIONS.glob("*/action.lua")
        }
