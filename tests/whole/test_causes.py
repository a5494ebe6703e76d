"""A rollback says why, whichever replica saw it, and whoever lives to tell."""

import pytest

from devstack.processes import wait_until
from tests.whole.house import LONG, House


def _says_why(house: House) -> None:
    """Everything a person looks at says it, as if the leader had seen it."""
    house.until_reason("GuardrailBreached", "Stalled")
    assert "0.2 is above max 0.05" in house.condition("Stalled")["message"]
    assert house.reasons()[-2:] == ["GuardrailBreached", "RolledBack"]
    breached, rolled_back = house.status()["history"][-2:]
    assert "0.2 is above max 0.05" in breached["message"]
    assert rolled_back["message"] == f"10 % -> 0 %: {breached['message']}"
    assert (breached["stage"], breached["attempt"], rolled_back["percentage"]) == ("pilot", 1, 0)
    house.until(lambda: house.events("RolledBack"), "the Event")
    (event,) = house.events("RolledBack")
    assert "0.2 is above max 0.05" in event["message"]
    cause = house.record["cause"]
    assert (cause["reason"], cause["message"]) == ("GuardrailBreached", breached["message"])


@pytest.mark.parametrize("replicas", [2, pytest.param(3, marks=pytest.mark.long)])
def test_a_breach_that_only_standbys_see_is_told_by_the_leader(own_house: House, replicas: int) -> None:
    leader = own_house.stack.operators[0]
    for number in range(1, replicas):
        own_house.stand_by(f"standby-{number}")
    own_house.apply(stages=LONG)
    own_house.until_percentage(10)
    own_house.breach_unseen_by(leader)
    _says_why(own_house)


@pytest.mark.parametrize("replicas", [2, pytest.param(3, marks=pytest.mark.long)])
def test_a_leader_killed_between_zero_and_status_leaves_its_cause_to_the_next(own_house: House, replicas: int) -> None:
    leader, control_plane = own_house.stack.operators[0], own_house.stack.control_plane
    assert control_plane is not None
    for number in range(1, replicas):
        own_house.stand_by(f"standby-{number}")
    own_house.apply(stages=LONG)
    own_house.until_percentage(10)
    control_plane.pause()  # so no status can be written
    try:
        own_house.errors(0.2)
        wait_until(lambda: own_house.percentage == "0" or None, within=15, what="zero")
        leader.kill()
        own_house.errors(0.01)
    finally:
        control_plane.resume()
    _says_why(own_house)


def test_a_rollback_by_a_person_that_a_standby_heard_first_is_told_once(own_house: House) -> None:
    leader = own_house.stack.operators[0]
    own_house.stand_by("standby")
    own_house.apply(stages=LONG)
    own_house.until_percentage(10)
    leader.pause()
    try:
        own_house.annotate("rollback", "complaints by phone")
        own_house.until_percentage(0)
    finally:
        leader.resume()
    own_house.until_reason("ManualRollback", "Stalled")
    own_house.until(
        lambda: (
            "annotations" not in own_house.read()["metadata"]
            or not any(name.startswith("mlrollout.dev/") for name in own_house.read()["metadata"]["annotations"])
        ),
        "the annotation to be taken away",
    )
    assert own_house.reasons()[-2:] == ["ManualRollback", "RolledBack"]
