"""What is foretold of a verb is what the operator does with it."""

from typing import Any

import pytest
from mlrollout.api.crd import UNSEEN
from mlrollout.domain.foretell import Foretold, foretell, offered, step_down
from mlrollout.domain.reason import Reason
from mlrollout.domain.request import Verb

from tests.pure.domain.situations import SITUATIONS, world_at
from tests.pure.domain.world import World
from tests.support import dispatch


def as_object(world: World, **annotations: str) -> dict[str, Any]:
    spec = world.edit.spec.model_dump(mode="json", by_alias=True, exclude_none=True)
    named = {f"mlrollout.dev/{verb}": why for verb, why in annotations.items()}
    return {"metadata": {"annotations": named}, "spec": spec, "status": world.saved.status}


@pytest.mark.parametrize("verb", list(Verb))
@pytest.mark.parametrize("situation", SITUATIONS)
def test_it_is_refused_where_the_operator_refuses_it_and_nowhere_else(situation: str, verb: Verb) -> None:
    world = world_at(situation)
    before = world.state.serial
    value = "10 too many" if verb is Verb.DEMOTE else "because"
    told = foretell(as_object(world), verb, value, world.now)

    world.verbs[verb] = value
    world.handle()
    new = [step for step in world.state.history if step.serial > before]
    refusals = [step.message for step in new if step.reason is Reason.VERB_REFUSED]
    assert [told.refused] == [message.partition(" is refused: ")[2] for message in refusals] or not told.refused
    assert bool(told.refused) == bool(refusals)
    assert bool(told.means) != bool(told.refused)
    if verb is not Verb.ROLLBACK and told.means:
        assert told.means.split("; ")[0] in [step.message for step in new]


@pytest.mark.parametrize(
    ("state", "verbs"),
    [
        ("not seen yet", "rollback"),
        ("before the first stage", "rollback pause"),
        ("advancing", "rollback promote pause"),
        ("second stage", "rollback approve promote demote pause"),
        ("awaiting approval", "rollback approve promote demote pause"),
        ("paused by a person", "rollback resume promote"),
        ("paused by the spec", "rollback promote pause"),
        ("complete", "rollback demote pause"),
        ("rolled back by a breach", "retry pause"),
    ],
)
def test_which_verbs_would_work(state: str, verbs: str) -> None:
    assert " ".join(one.verb for one in offered(dispatch.rollouts()[state], dispatch.NOW)) == verbs


def _tell(state: str, verb: Verb, value: str = "because") -> Foretold:
    return foretell(dispatch.rollouts()[state], verb, value, dispatch.NOW)


def test_it_says_what_comes_of_it() -> None:
    assert _tell("advancing", Verb.ROLLBACK).means.startswith("traffic goes to 0 %, and stays there")
    assert _tell("not seen yet", Verb.ROLLBACK).means == "it does not begin until a retry or a new revision"
    assert _tell("awaiting approval", Verb.APPROVE).means == "stage full may be entered: because"
    assert _tell("second stage", Verb.DEMOTE, "10 why").means == "30 % -> 10 %, back to stage pilot: why"
    assert "a new attempt is asked for: because; " in _tell("rolled back by a person", Verb.RETRY).means


def test_a_rollback_that_stands_outranks_it() -> None:
    found = as_object(world_at("second stage"), rollback="x")
    assert "outranks" in foretell(found, Verb.PROMOTE, "y", 0.0).refused
    assert not foretell(found, Verb.ROLLBACK, "y", 0.0).refused


def test_a_resume_that_only_the_spec_can_give_is_refused() -> None:
    assert "spec.paused is true" in _tell("paused by the spec", Verb.RESUME).refused


def test_before_anything_has_begun_only_a_rollback_is_heard() -> None:
    assert _tell("not seen yet", Verb.PAUSE).refused == "nothing has begun that it could be about"


@pytest.mark.parametrize("part", ["spec", "status"])
def test_of_an_object_that_can_not_be_read_nothing_is_foretold(part: str) -> None:
    broken = {"spec": {"revision": 7}, "status": {"record": {"attempt": "x"}}}
    found = dispatch.rollouts()["advancing"] | {part: broken[part]}
    told = foretell(found, Verb.PROMOTE, "x", 0.0)
    assert (told.refused, f"the object's {part} can't be read" in told.means) == ("", True)


@pytest.mark.parametrize(
    ("found", "down"),
    [
        (dispatch.rollouts()["second stage"], 10),
        (dispatch.rollouts()["complete"], 30),
        (dispatch.rollouts()["advancing"], 0),
        ({"status": UNSEEN}, 0),
        ({"status": {"percentage": 30}, "spec": {"stages": ["x", {}, {"percentage": 5}]}}, 5),
    ],
)
def test_a_step_down_is_to_the_stage_before(found: dict[str, Any], down: int) -> None:
    assert step_down(found) == down


def test_a_revision_that_waits_can_be_approved_by_its_name() -> None:
    found = dispatch.rollouts()["complete"]
    found = found | {"status": found["status"] | {"waiting": {"revision": "ranker-2"}}}
    assert Verb.APPROVE in [one.verb for one in offered(found, dispatch.NOW)]
    told = foretell(found, Verb.APPROVE, "ranker-2 looks well", dispatch.NOW)
    assert told.means == "revision ranker-2 may begin: ranker-2 looks well"
    told = foretell(found, Verb.APPROVE, "looks well", dispatch.NOW)
    assert told.refused == 'revision ranker-2 waits, and has to be named: "ranker-2 why"'


def test_a_retry_of_what_a_source_names_is_one_of_what_stands() -> None:
    found = dispatch.rollouts()["rolled back by a breach"]
    spec = {name: value for name, value in found["spec"].items() if name != "revision"}
    spec["revisionFrom"] = {"http": {"address": "http://models/a.json"}}
    told = foretell(found | {"spec": spec}, Verb.RETRY, "again", dispatch.NOW)
    assert f"revision {found['status']['revision']}" in told.means
