"""An older and a newer operator side by side on one object, and one after the other: upgrade and downgrade."""

from pathlib import Path

import pytest

from devstack.operator_process import Operator
from tests.versions import older
from tests.whole.house import LONG, House

pytestmark = pytest.mark.long

SERVED = 3.0
"""Seconds of healthy time after which the operator is exchanged."""


def _begun(house: House, python: Path | None) -> Operator:
    leader = house.stack.start_operator("first", python=python)
    house.apply(stages=LONG)
    house.until_percentage(10)
    return leader


def test_what_an_older_standby_takes_down_a_newer_leader_adopts(vacant_house: House) -> None:
    leader = _begun(vacant_house, None)
    vacant_house.stand_by("older", older.python())
    vacant_house.breach_unseen_by(leader)
    vacant_house.until_reason("RolledBack", "Stalled")
    assert vacant_house.reasons()[-1] == "RecordAdopted", "an older version does not say why"
    assert vacant_house.record["latched"] is True


def test_what_a_newer_standby_takes_down_an_older_leader_adopts_and_its_successor_says_why(vacant_house: House) -> None:
    leader = _begun(vacant_house, older.python())
    vacant_house.stand_by("newer")
    vacant_house.breach_unseen_by(leader)
    vacant_house.until_reason("RolledBack", "Stalled")
    assert vacant_house.record["cause"]["reason"] == "GuardrailBreached"
    leader.kill()
    vacant_house.annotate("retry", "again")
    vacant_house.until(lambda: "Retried" in vacant_house.reasons(), "the newer one to lead", within=60)
    vacant_house.until_percentage(10)


def test_an_upgrade_and_back_keeps_stage_attempt_and_healthy_time(vacant_house: House) -> None:
    first = _begun(vacant_house, older.python())
    _serves(vacant_house, SERVED)
    attempt, history = vacant_house.record["attempt"], vacant_house.reasons()
    first.stop()
    served = vacant_house.status()["progress"]["healthySeconds"]

    second = vacant_house.stack.start_operator("second")
    _serves(vacant_house, served + SERVED)
    second.stop()
    assert vacant_house.status()["attempt"] == attempt == 1
    vacant_house.stack.start_operator("third", python=older.python())
    _serves(vacant_house, served + 2 * SERVED)

    assert vacant_house.reasons() == history
    assert vacant_house.record["attempt"] == vacant_house.status()["record"]["attempt"] == attempt
    _stood_all_along(vacant_house)


def test_a_downgrade_keeps_stage_and_attempt_and_serves_the_stage_again(vacant_house: House) -> None:
    first = _begun(vacant_house, None)
    _serves(vacant_house, SERVED)
    attempt, history = vacant_house.record["attempt"], vacant_house.reasons()
    first.stop()

    second = vacant_house.stack.start_operator("second", python=older.python())
    vacant_house.until(lambda: "EvidenceRestarted" in vacant_house.reasons(), "the guardrails to be taken for new")
    _serves(vacant_house, SERVED)
    second.stop()
    served = vacant_house.status()["progress"]["healthySeconds"]
    vacant_house.stack.start_operator("third")
    _serves(vacant_house, served + SERVED)

    assert vacant_house.reasons() == [*history, "EvidenceRestarted"]
    assert vacant_house.record["attempt"] == vacant_house.status()["record"]["attempt"] == attempt > 1 << 40
    _stood_all_along(vacant_house)


def _stood_all_along(house: House) -> None:
    """Traffic never moved; and it still comes down."""
    assert house.pushed() == [0, 10]
    house.errors(0.2)
    house.until_percentage(0)


def _serves(house: House, seconds: float) -> None:
    house.until(
        lambda: (house.status().get("progress") or {}).get("healthySeconds", 0.0) >= seconds, f"{seconds} s healthy"
    )
