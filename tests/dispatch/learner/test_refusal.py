"""Poisoned outcomes are refused, counted, and never learned from."""

from math import inf, nan
from typing import Any

import pytest
from learner.lesson import State, learn
from learner.refusal import PER_DAY, Reason, trouble

from tests.dispatch.learner.made import COIN, NOON, facing, outcome, stream

GOOD = (0.5,) * 5


@pytest.mark.parametrize(
    ("differs", "reason"),
    [
        ({}, None),
        ({"rating": None}, None),
        *[({"inputs": (bad, *GOOD[1:])}, Reason.INPUTS) for bad in (nan, inf, -inf, -0.001, 1.001, 1e300)],
        ({"inputs": GOOD[:4]}, Reason.INPUTS),
        ({"inputs": ()}, Reason.INPUTS),
        *[({"rating": bad}, Reason.LABEL) for bad in (0, 6, -1, 10**9)],
        ({"known_at": NOON - 1}, Reason.LABEL),
    ],
    ids=str,
)
def test_what_can_be_no_outcome_is_refused(differs: dict[str, Any], reason: Reason | None) -> None:
    assert trouble(outcome(**differs)) is reason


def test_poison_leaves_what_was_learned_as_it_was_and_is_counted() -> None:
    before = learn(facing(COIN), stream(50), COIN).state
    later = {"predicted_at": NOON, "known_at": NOON + 99}
    poison = [
        outcome(60, inputs=(nan,) * 5, **later),
        outcome(61, rating=17, **later),
        outcome(62, predicted_at=NOON + 200, known_at=NOON + 99),
    ]

    lesson = learn(before, poison, COIN)

    assert [reason for _, reason in lesson.refused] == [Reason.INPUTS, Reason.LABEL, Reason.LABEL]
    assert not lesson.predicted
    assert lesson.state.online == before.online
    assert lesson.state.contest == before.contest
    assert lesson.state.position == 62  # it is not read again and again


def test_a_burst_of_one_users_cancellations_counts_up_to_a_limit_a_day() -> None:
    burst = [outcome(n, user="mallory", rating=None, known_at=NOON + n) for n in range(1, 301)]
    others = [outcome(n, known_at=NOON + 400) for n in range(400, 420)]

    lesson = learn(facing(COIN), burst + others, COIN)

    assert len(lesson.predicted) == PER_DAY + 20
    assert {reason for _, reason in lesson.refused} == {Reason.BURST}
    tomorrow = [outcome(900, user="mallory", rating=None, known_at=NOON + 86_400)]
    assert learn(lesson.state, tomorrow, COIN).predicted


def test_a_burst_goes_on_counting_after_a_restart() -> None:
    burst = [outcome(n, user="mallory", rating=None, known_at=NOON + n) for n in range(1, 101)]

    kept = State.model_validate_json(learn(facing(COIN), burst, COIN).state.model_dump_json())

    assert not learn(kept, [outcome(200, user="mallory", known_at=NOON + 200)], COIN).predicted


def test_no_outcomes_teach_nothing() -> None:
    state = facing(COIN)

    assert learn(state, [], COIN).state == state
