"""What a check has to know of the attempt it measures, the same on every replica."""

from dataclasses import replace

import pytest
from mlrollout.api.compare import CompareGuardrail
from mlrollout.api.rate import Rate, RateGuardrail
from mlrollout.api.spec import Spec
from mlrollout.domain.record import Record
from mlrollout.domain.state import State
from mlrollout.domain.subject import InForce, attempt, sharing
from mlrollout.evidence.checks.check import Attempt

RECORD = Record(7, latched=False, sequence=1, percentage=10, stage="pilot", holdback=5)
STATE = State(RECORD, measurements_from=100.1234, evidence_from=90.0, in_force_since=101.5678, confirmed=True)


@pytest.mark.parametrize(
    "state", [replace(STATE, in_force_since=0.0), replace(STATE, record=replace(RECORD, stage="", percentage=0))]
)
def test_there_is_no_attempt_to_measure_before_its_first_user(state: State) -> None:
    assert attempt(state) is None


def test_its_times_are_those_that_a_status_has() -> None:
    wanted = Attempt(
        number=7, began=100.123, stage=101.568, percentage=10, evidence_from=90.0, holdback=5, steady=101.568
    )
    assert attempt(STATE) == wanted


def known(state: State, found: InForce | None) -> tuple[int | None, float]:
    about = attempt(state, found)
    assert about is not None
    assert about.stage == 101.568
    return about.percentage, about.steady


def test_users_are_held_against_the_percentage_that_stands_and_not_against_one_that_was_announced() -> None:
    announced = replace(STATE, record=replace(RECORD, sequence=2, percentage=100, stage="full"), confirmed=False)
    assert known(announced, InForce(10, 102.3456, changed=False)) == (10, 102.346)
    assert known(announced, None) == (None, 101.568)
    assert attempt(announced).share is None  # type: ignore[union-attr]  # there is one
    assert known(STATE, InForce(10, 90.0, changed=True)) == (10, 101.568)
    assert known(STATE, InForce(10, 200.0, changed=False)) == (10, 101.568)


def test_what_stood_meanwhile_is_not_known_afterwards() -> None:
    assert known(STATE, InForce(100, 200.0, changed=True)) == (None, 101.568)
    assert known(STATE, InForce(None, 200.0, changed=True)) == (None, 101.568)
    assert known(STATE, InForce(10, 205.0, changed=True)) == (10, 205.0)


def test_until_when_the_percentage_was_seen_is_a_part_of_it() -> None:
    about = attempt(STATE, InForce(10, 90.0, changed=True), asked=250.0, answers_since=200.0)
    assert about is not None
    assert (about.percentage, about.seen, about.followed) == (10, 250.0, 205.0)


def test_the_chance_of_a_false_alarm_is_divided_among_those_that_test_at_every_look() -> None:
    rate = RateGuardrail(name="errors", rate=Rate(bad="bad_total", all="all_total", max=0.05))
    compared = {"name": "worse", "compare": {"bad": "bad_total", "all": "all_total", "ratio": 1.5}}
    guardrails = (rate.model_dump(by_alias=True, exclude_none=True, mode="json"), compared)
    query = {"name": "score", "query": "score", "min": 0.7}
    spec = Spec.model_validate({"revision": "r", "traffic": {"key": "k"}, "guardrails": [*guardrails, query]})
    assert isinstance(spec.guardrails[1], CompareGuardrail)
    assert (sharing(spec), sharing(None)) == (2, 0)
