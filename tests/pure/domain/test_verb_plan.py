"""Which verb brings a rollout to a percentage, or why none does, for whoever asks by percentage."""

from typing import Any

import pytest
from mlrollout.domain.request import Verb
from mlrollout.domain.verb_plan import Act, Refusal, plan, rollback

STAGES = [
    {"name": "pilot", "percentage": 10, "duration": "1h"},
    {"name": "expansion", "percentage": 30, "duration": "1h"},
    {"name": "full", "percentage": 100, "duration": "1h"},
]


def standing(percentage: int, stage: str = "", *, latched: bool = False) -> dict[str, Any]:
    """An object whose operator has brought it there."""
    return {
        "spec": {
            "revision": "ranker-1",
            "traffic": {"key": "ml"},
            "stages": STAGES,
            "guardrails": [{"name": "errors", "query": "up", "max": 0.05}],
        },
        "status": {
            "observedGeneration": 1,
            "record": {"attempt": 1, "latched": latched, "sequence": 3, "percentage": percentage, "stage": stage},
            "progress": {},
        },
    }


PILOT, EXPANSION, FULL = standing(10, "pilot"), standing(30, "expansion"), standing(100, "full")
BEFORE, ROLLED_BACK = standing(0), standing(0, latched=True)


def asked(found: dict[str, Any], percentage: int) -> Act:
    act = plan(found, percentage, "kim: complaints")
    assert isinstance(act, Act)
    return act


def refused(found: dict[str, Any], percentage: int) -> Refusal:
    refusal = plan(found, percentage, "kim")
    assert isinstance(refusal, Refusal)
    return refusal


def test_a_rollback_needs_no_look_at_the_object() -> None:
    act = rollback("kim: complaints")

    assert (act.verb, act.value, act.percentage) == (Verb.ROLLBACK, "kim: complaints", 0)


def test_what_stands_already_needs_nothing() -> None:
    assert plan(EXPANSION, 30, "kim") is None


@pytest.mark.parametrize(("percentage", "reached"), [(10, 10), (29, 10), (30, 30), (99, 30)])
def test_less_is_a_demotion_to_the_last_stage_that_asks_for_no_more(percentage: int, reached: int) -> None:
    act = asked(FULL, percentage)

    assert (act.verb, act.value, act.percentage) == (Verb.DEMOTE, f"{percentage} kim: complaints", reached)


def test_less_than_the_first_stage_is_refused_with_the_way_to_zero() -> None:
    refusal = refused(PILOT, 5)

    assert "0 rolls it back" in str(refusal)
    assert (refusal.percentage, refusal.percentages) == (10, (0, 10, 30))


def test_the_next_stages_percentage_is_a_promotion() -> None:
    act = asked(PILOT, 30)

    assert (act.verb, act.value, act.percentage) == (Verb.PROMOTE, "kim: complaints", 30)


@pytest.mark.parametrize(
    ("found", "percentage", "offered"), [(PILOT, 100, (0, 10, 30)), (EXPANSION, 31, (0, 10, 30, 100))]
)
def test_any_other_raise_is_refused_with_what_can_be_asked_for(
    found: dict[str, Any], percentage: int, offered: tuple[int, ...]
) -> None:
    assert refused(found, percentage).percentages == offered


@pytest.mark.parametrize("percentage", [1, 10, 100])
def test_nothing_is_raised_after_a_rollback(percentage: int) -> None:
    refusal = refused(ROLLED_BACK, percentage)

    assert "mlrollout.dev/retry" in str(refusal)
    assert refusal.percentages == (0,)


def test_the_first_stage_is_the_operators_to_enter() -> None:
    assert "by itself" in str(refused(BEFORE, 10))
    assert "by itself" in str(refused({"spec": PILOT["spec"], "status": {"observedGeneration": -1}}, 10))


def test_after_the_last_stage_there_is_no_more() -> None:
    nearly = standing(90, "full")

    assert "no stage after full" in str(refused(nearly, 100))


def test_a_stage_that_the_spec_no_longer_has_can_be_lowered_and_not_raised() -> None:
    renamed = standing(30, "old")

    assert asked(renamed, 10).verb is Verb.DEMOTE
    assert refused(renamed, 100).percentages == (0, 10, 30)


@pytest.mark.parametrize("part", ["spec", "status"])
def test_what_can_not_be_read_is_told_and_nothing_is_offered(part: str) -> None:
    assert refused({**PILOT, part: {"stages": 3}}, 30).percentages == ()
    assert f"The {part} of the MLRollout can't be read" in str(refused({**PILOT, part: {"stages": 3}}, 30))
