"""When a wait is over, and what came of it."""

from dataclasses import replace

import pytest
from mlrollout.glance.goal import GoalOutcome, is_goal, reached
from mlrollout.glance.rollout import Glance, glance

from tests.support import dispatch

REACHED, ROLLED_BACK, HOPELESS = GoalOutcome.REACHED, GoalOutcome.ROLLED_BACK, GoalOutcome.HOPELESS


def seen(state: str) -> Glance:
    return glance(dispatch.rollouts()[state], dispatch.NOW)


@pytest.mark.parametrize(
    ("state", "complete", "back", "pilot", "expansion"),
    [
        ("not seen yet", None, None, None, None),
        ("before the first stage", None, None, None, None),
        ("advancing", None, None, REACHED, None),
        ("second stage", None, None, REACHED, REACHED),
        ("awaiting approval", None, None, REACHED, REACHED),
        ("Redis down", None, None, None, None),
        ("paused by a person", None, None, REACHED, None),
        ("complete", REACHED, None, REACHED, REACHED),
        ("rolled back by a breach", ROLLED_BACK, REACHED, ROLLED_BACK, ROLLED_BACK),
        ("rolled back, not confirmed", ROLLED_BACK, None, ROLLED_BACK, ROLLED_BACK),
        ("an invalid query", HOPELESS, HOPELESS, HOPELESS, HOPELESS),
        ("being deleted", None, None, REACHED, None),
        ("a changed spec that is not seen yet", None, None, None, None),
    ],
)
def test_what_has_come_of_each_wait(
    state: str,
    complete: GoalOutcome | None,
    back: GoalOutcome | None,
    pilot: GoalOutcome | None,
    expansion: GoalOutcome | None,
) -> None:
    found = [reached(goal, seen(state)) for goal in ("complete", "rolled-back", "stage=pilot", "stage=expansion")]
    assert [one and one.outcome for one in found] == [complete, back, pilot, expansion]


@pytest.mark.parametrize("goal", ["complete", "rolled-back", "stage=pilot"])
@pytest.mark.parametrize("state", ["complete", "rolled back by a breach", "advancing"])
def test_what_came_of_another_revision_is_nothing(state: str, goal: str) -> None:
    """Right after an apply, the object still tells of the revision before."""
    assert reached(goal, replace(seen(state), wanted="ranker-2")) is None
    assert reached(goal, replace(seen(state), unseen=True)) is None


@pytest.mark.parametrize("goal", ["complete", "rolled-back", "stage=pilot"])
@pytest.mark.parametrize("state", ["complete", "rolled back by a breach", "advancing"])
def test_of_a_source_only_the_revision_that_is_meant_ends_a_wait(state: str, goal: str) -> None:
    """No generation changes when an alias is moved, and the one before may end just then."""
    sourced = replace(seen(state), sourced=True)
    assert reached(goal, sourced, "ranker-2") is None
    assert reached(goal, replace(sourced, waiting="ranker-2"), "ranker-2") is None
    assert reached(goal, sourced, sourced.revision) == reached(goal, sourced)
    assert reached(goal, replace(sourced, unseen=True), sourced.revision) is None


def test_what_the_spec_asks_for_by_now_is_not_the_revision_that_is_meant() -> None:
    found = replace(seen("complete"), wanted="ranker-2")
    assert reached("complete", found, found.revision) is None


def test_where_nothing_can_go_on_no_revision_is_waited_for() -> None:
    found = reached("complete", seen("an invalid query"), "ranker-2")
    assert found is not None
    assert found.outcome is HOPELESS


def test_a_stage_that_there_is_not_is_told_at_once() -> None:
    found = reached("stage=pilo", replace(seen("advancing"), unseen=True))
    assert found is not None
    assert (found.outcome, found.message) == (HOPELESS, "it has no stage pilo, but pilot, expansion, full")


@pytest.mark.parametrize(
    ("goal", "is_one"),
    [("complete", True), ("rolled-back", True), ("stage=x", True), ("stage=", False), ("done", False), ("", False)],
)
def test_what_can_be_waited_for(goal: str, is_one: bool) -> None:  # noqa: FBT001 - an example
    assert is_goal(goal) == is_one
