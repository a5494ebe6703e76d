"""Which step of the history is the operator's answer to a verb."""

from typing import Any

import pytest
from mlrollout.domain.request import Verb
from mlrollout.glance.reply import VerbReply, last_step, reply

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
    assert "because" in found.message or "too many" in found.message
    refused = "VerbRefused" in [step["reason"] for step in world.saved.status["history"] if step["serial"] > after]
    assert found.refused == refused


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
