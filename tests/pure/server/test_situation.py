"""Whether a verb was meant for a rollout as it stands: what moves one on, and what of that keeps which verb from it."""

from typing import Any

import pytest
from mlrollout.api import GROUP
from mlrollout.domain.request import Verb
from mlrollout.server.dashboard.exchange import VerbRequest
from mlrollout.server.dashboard.situation import depends, objection, situation

from tests.support import dispatch

STATES = dispatch.rollouts()
SHOWN = STATES["advancing"]
RAISING = (Verb.RETRY, Verb.RESUME, Verb.APPROVE, Verb.PROMOTE)
LOWERING = (
    VerbRequest(verb=Verb.ROLLBACK),
    VerbRequest(verb=Verb.PAUSE),
    VerbRequest(verb=Verb.DEMOTE, percentage=10),
)


def changed(part: str, **fields: Any) -> dict[str, Any]:
    return {**SHOWN, part: {**SHOWN[part], **fields}}


def stepped() -> dict[str, Any]:
    step = {"serial": 99, "reason": "Paused", "message": "the rollout is paused: incident (by lee)"}
    return changed("status", serial=99, history=[*SHOWN["status"]["history"], step])


MOVED = {
    "a step": (stepped(), "Paused (the rollout is paused: incident (by lee))"),
    "another stage, of an object whose steps were counted by two": (
        changed("status", record={**SHOWN["status"]["record"], "stage": "full"}),
        "moved on",
    ),
    "another spec": (changed("metadata", generation=2), "its spec was changed"),
    "a revision that waits": (changed("status", waiting={"revision": "ranker-9"}), "revision ranker-9 waits"),
    "another object": (changed("metadata", uid="another"), "another rollout"),
}


def seen(found: dict[str, Any], **wish: Any) -> VerbRequest:
    return VerbRequest(seen=situation(found), **wish)


@pytest.mark.parametrize("verb", RAISING)
@pytest.mark.parametrize("moved", MOVED)
def test_what_raises_is_not_meant_for_a_rollout_that_has_moved_on(verb: Verb, moved: str) -> None:
    found, told = MOVED[moved]
    assert objection(SHOWN, seen(SHOWN, verb=verb)) == ""
    assert told in objection(found, seen(SHOWN, verb=verb))


@pytest.mark.parametrize("wish", LOWERING, ids=lambda one: one.verb)
@pytest.mark.parametrize("moved", MOVED)
def test_what_lowers_is_meant_for_the_object_however_it_stands(wish: VerbRequest, moved: str) -> None:
    told = objection(MOVED[moved][0], wish.model_copy(update={"seen": situation(SHOWN)}))
    assert bool(told) is (moved == "another object")
    assert not depends(wish)


def test_a_demotion_that_does_not_say_how_far_goes_from_where_it_was_seen() -> None:
    assert depends(VerbRequest(verb=Verb.DEMOTE))
    assert objection(stepped(), seen(SHOWN, verb=Verb.DEMOTE))


@pytest.mark.parametrize("verb", RAISING)
def test_what_is_asked_for_already_and_not_answered_yet_is_not_asked_for_again(verb: Verb) -> None:
    asked = changed("metadata", annotations={f"{GROUP}/{verb}": "by lee"})
    assert objection(asked, seen(asked, verb=verb)).startswith(f"{verb} is asked for already")
    assert not objection(asked, seen(asked, verb=Verb.PAUSE))


def test_what_a_manifest_keeps_asking_for_is_in_nobodys_way() -> None:
    name = f"{GROUP}/{Verb.PROMOTE}"
    fields: dict[str, Any] = {"f:metadata": {"f:annotations": {f"f:{name}": {}}}}
    entry = {"manager": "flux", "operation": "Apply", "fieldsV1": fields}
    kept = changed("metadata", annotations={name: "always"}, managedFields=[entry])
    assert not objection(kept, seen(kept, verb=Verb.PROMOTE))


@pytest.mark.parametrize("state", STATES)
def test_in_every_state_the_same_is_the_same(state: str) -> None:
    assert not [verb for verb in Verb if objection(STATES[state], seen(STATES[state], verb=verb))]


def test_who_says_nothing_of_what_they_saw_is_held_against_nothing() -> None:
    assert not objection(stepped(), VerbRequest(verb=Verb.PAUSE))
