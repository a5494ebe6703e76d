"""What can be understood of a status that as a whole can't be: what is only shown is no reason to forget the rest."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlrollout.api.status import Status
from mlrollout.domain.partial_status import MEMORY, understand_status
from mlrollout.domain.persist import from_status, to_status

from tests.pure.domain.situations import SITUATIONS, world_at

CONDITION = {
    "type": "Ready",
    "status": "True",
    "reason": "Complete",
    "message": "m",
    "lastTransitionTime": "2027-01-15T08:00:00Z",
}
GUARDRAIL = {"name": "errors", "finding": "Pass", "checkpoint": "kept"}
ODD: tuple[Any, ...] = (None, True, -1, 1e308, "", "later", [], {}, [None], ["x"], {"a": 1}, [{"a": 1}])


def _status(situation: str = "paused", **changes: Any) -> dict[str, Any]:
    state = world_at(situation).state
    rendered = to_status(state, spec=None, conditions=(), generation=1, written_by="a lease").render()
    return rendered | {"conditions": [CONDITION], "guardrails": [GUARDRAIL]} | changes


@pytest.mark.parametrize(
    "changes",
    [
        {"conditions": [CONDITION | {"status": "Later"}]},
        {"conditions": "many"},
        {"observedGeneration": "newest"},
        {"percentage": 200, "served": ["a", "while"], "next": 7, "writtenBy": {}},
        {"guardrails": [{"name": 7}, "none", GUARDRAIL | {"window": "long", "value": "high"}]},
    ],
    ids=str,
)
def test_what_is_only_shown_changes_nothing_of_where_it_stands(changes: dict[str, Any]) -> None:
    found = understand_status(_status(**changes))
    assert found.problems == ()
    assert from_status(found.status) == from_status(Status.model_validate(_status()))


def test_each_condition_and_guardrail_is_understood_by_itself_and_in_its_parts() -> None:
    other = CONDITION | {"type": "Healthy"}
    guardrail = GUARDRAIL | {"window": "long"}
    found = understand_status(_status(conditions=[CONDITION | {"status": "Later"}, other], guardrails=[7, guardrail]))
    assert [one.type for one in found.status.conditions] == ["Healthy"]
    assert [(one.name, one.checkpoint, one.window) for one in found.status.guardrails] == [("errors", "kept", None)]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"record": {"attempt": "first"}}, "record.attempt: write it as a whole number"),
        ({"record": None, "progress": {"paused": "perhaps"}}, "progress.paused: write true or false"),
        ({"serial": -1}, "serial: it has to be 0 or more"),
        ({"history": [{}]}, "history.0.serial: it is missing"),
        ({"stages": 7}, "stages: write it as a list"),
        ({"verbs": [{"verb": 7}]}, "verbs.0.verb: write it as text, in quotes"),
        ({"ongoing": "much"}, "ongoing: write it as a list"),
        ({"receivers": [7]}, "receivers.0: write it as an object"),
        ({"waiting": {"revision": None}}, "waiting.revision: write it as text, in quotes"),
    ],
    ids=str,
)
def test_what_is_remembered_there_alone_is_told(changes: dict[str, Any], told: str) -> None:
    (first, *_) = understand_status(_status(**changes)).problems
    assert first.startswith(told)


def test_the_rest_of_what_is_remembered_is_known_all_the_same() -> None:
    whole = _status()
    progress, serial = whole["progress"], len(whole["history"])
    found = understand_status(
        _status(progress=progress | {"approved": 7}, history=[*whole["history"], {"serial": "x"}])
    )
    state = from_status(found.status)
    assert len(found.problems) > 1
    assert state is not None
    assert state.paused
    assert len(state.history) == serial
    assert state.record == world_at("paused").state.record


@pytest.mark.parametrize("raw", ["gone", 7, [1]])
def test_what_is_no_status_at_all_is_told(raw: object) -> None:
    found = understand_status(raw)
    assert found.status == Status()
    assert len(found.problems) == 1


@given(st.sampled_from(list(SITUATIONS)), st.data())
def test_whatever_stands_in_it_it_is_read_and_nothing_of_its_memory_is_left_out_unnoticed(
    situation: str, data: st.DataObject
) -> None:
    status = copy.deepcopy(_status(situation))
    place: Any = status
    key = data.draw(st.sampled_from(sorted(status)))
    while isinstance(place[key], dict | list) and place[key] and data.draw(st.booleans()):
        place = place[key]
        key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
    place[key] = data.draw(st.sampled_from(ODD))
    found = understand_status(status)
    if not found.problems:
        memory = {name: value for name, value in status.items() if name in MEMORY}
        assert from_status(found.status) == from_status(Status.model_validate(memory))
