"""Which step of the history is the operator's answer to a verb."""

from typing import Any

import pytest
from mlrollout.domain.request import Verb
from mlrollout.glance.reply import VerbReply, last_step, reply, rolled_back

from tests.pure.domain.situations import SITUATIONS, world_at
from tests.pure.domain.test_foretell import as_object
from tests.support import dispatch


@pytest.mark.parametrize("verb", list(Verb))
@pytest.mark.parametrize("situation", SITUATIONS)
def test_it_is_found_whatever_the_operator_answers(situation: str, verb: Verb) -> None:
    world = world_at(situation)
    value = "10 too many" if verb is Verb.DEMOTE else "because"
    asked = as_object(world, **{verb: value})
    after = last_step(asked)
    assert reply(asked, verb, after) is None

    world.verbs[verb] = value
    for _ in range(4):  # a rollback is told once Redis holds it
        world.handle()
    found = reply(as_object(world), verb, after)
    assert found is not None
    assert any(said in found.message for said in ("because", "too many", "rolled back and stays so"))
    refused = "VerbRefused" in [step["reason"] for step in world.saved.status["history"] if step["serial"] > after]
    # That it is rolled back already is what a rollback is to bring about, and no refusal to whoever waits for it.
    assert found.refused == (refused and verb is not Verb.ROLLBACK)


def _history(*steps: dict[str, Any], **annotations: str) -> dict[str, Any]:
    found = dispatch.rollouts()["advancing"]
    named = {f"mlrollout.dev/{verb}": why for verb, why in annotations.items()}
    return found | {"metadata": {"annotations": named}, "status": {"history": list(steps), "serial": len(steps)}}


def test_another_verbs_answer_is_none() -> None:
    steps = [{"serial": 1, "reason": "VerbRefused", "message": "pause (x) is refused: why"}]
    assert reply(_history(*steps, promote="y"), Verb.PROMOTE, 0) is None
    assert reply(_history(*steps, pause="y"), Verb.PAUSE, 0) == VerbReply("pause (x) is refused: why", refused=True)
    assert reply(_history(*steps, pause="y"), Verb.PAUSE, 1) is None


def test_an_annotation_that_went_without_a_word_was_refused() -> None:
    found = reply(_history(), Verb.PAUSE, 0)
    assert found is not None
    assert found.refused


def test_a_rollback_that_redis_does_not_hold_yet_is_waited_for() -> None:
    found = dispatch.rollouts()["rolled back, not confirmed"]
    assert reply(found, Verb.ROLLBACK, last_step(found)) is None


def _changed(found: dict[str, Any], part: str, **fields: Any) -> dict[str, Any]:
    return found | {part: found[part] | fields}


def test_a_rollback_that_was_told_of_before_is_answered_once_redis_is_known_to_hold_it() -> None:
    back = dispatch.rollouts()["rolled back by a person"]
    told = {"serial": 99, "reason": "VerbRefused", "message": "rollback (x) is refused: this attempt is rolled back"}
    again = _changed(back, "status", history=[told])
    lost = _changed(
        again, "status", conditions=dispatch.rollouts()["rolled back, not confirmed"]["status"]["conditions"]
    )

    assert reply(lost, Verb.ROLLBACK, 1) is None
    answer = reply(again, Verb.ROLLBACK, 1)
    assert answer == VerbReply("it is rolled back and stays so: Redis holds 0 %")
    asked = {"annotations": {"mlrollout.dev/rollback": "x"}}
    assert reply(_changed(again, "metadata", **asked), Verb.ROLLBACK, 1) is None


@pytest.mark.parametrize(
    ("state", "generations", "back"),
    [
        ("rolled back by a person", (2, 2), True),
        ("rolled back by a person", (3, 2), False),
        ("rolled back, not confirmed", (2, 2), False),
        ("second stage", (2, 2), False),
        ("not seen yet", (1, 0), False),
    ],
)
def test_it_is_rolled_back_where_redis_holds_zero_for_the_object_as_it_is_now(
    state: str, generations: tuple[int, int], *, back: bool
) -> None:
    found = _changed(dispatch.rollouts()[state], "metadata", generation=generations[0])
    assert rolled_back(_changed(found, "status", observedGeneration=generations[1])) is back
