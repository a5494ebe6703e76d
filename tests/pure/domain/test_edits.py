"""The spec edited in the middle of things: it may lower at once, and raises nothing but the first stage."""

from dataclasses import replace

import pytest
from mlrollout.domain.reason import Reason
from mlrollout.domain.state import RunOutcome

from tests.pure.domain.situations import world_at
from tests.pure.domain.specs import STAGES
from tests.pure.domain.world import World


def _stands(world: World) -> tuple[str, int, int]:
    return world.state.record.stage, world.state.record.percentage, world.in_force


@pytest.mark.parametrize(
    ("situation", "stages", "stage", "percentage"),
    [
        ("second stage", "lower", "half", 20),  # its own stage, lower
        ("second stage", "higher", "pilot", 20),  # its own stage would raise: the last one that does not
        ("second stage", "between", "mid", 25),  # its stage is gone
        ("second stage", "gone", "half", 30),  # the stage before it is gone: nothing changes
        ("first stage", "lower", "pilot", 5),
        ("first stage", "gone", "", 0),  # every stage left would raise
        ("first stage", "dark", "dark", 0),
        ("complete", "lower", "full", 100),
        ("complete", "dark", "half", 30),
        (
            "second stage announced",
            "lower",
            "pilot",
            5,
        ),  # the announced stage is not in force: it has to be earned again
        ("second stage announced", "between", "pilot", 10),
        ("second stage announced", "asked", "pilot", 10),  # likewise, where a person has to approve it now
        ("rolled back", "lower", "", 0),
    ],
)
def test_a_rollout_stands_in_its_stage_or_the_last_that_raises_nothing(
    situation: str, stages: str, stage: str, percentage: int
) -> None:
    world = world_at(situation)
    had = world.in_force
    world.play([("stages", stages), ("handle", 0)])
    assert _stands(world) == (stage, percentage, percentage)
    assert world.in_force <= had


def test_a_changed_stage_is_served_from_its_beginning() -> None:
    world = world_at(
        "waiting for approval", ("pause", True), ("ask", "approve"), ("handle", 0), ("stages", "lower"), ("handle", 0)
    )
    assert (world.state.healthy, world.state.approved) == (0, "")
    assert world.told[-1] == Reason.STAGE_CHANGED
    assert [run.outcome for run in world.state.runs][-2:] == [RunOutcome.SUPERSEDED, RunOutcome.RUNNING]
    world.play([("pause", False), ("go_well", 6)])
    assert _stands(world) == ("half", 20, 20)
    world.play([("go_well", 2)])
    assert _stands(world) == ("full", 100, 100)


def test_a_promotion_is_for_the_stage_as_it_was() -> None:
    world = world_at("second stage", ("look", 2, "NoData"), ("ask", "promote"), ("handle", 0), ("stages", "between"))
    world.play([("handle", 0), ("stages", "gone"), ("handle", 0), ("handle", 0)])
    assert world.state.promoted == ""


def test_the_first_stage_s_percentage_is_the_user_s_word_announced_and_then_raised() -> None:
    world = world_at("first stage", ("stages", "higher"), ("handle", 0))
    assert _stands(world) == ("pilot", 20, 10)
    world.play([("handle", 0)])
    assert _stands(world) == ("pilot", 20, 20)


def test_even_the_first_stage_s_raise_waits_while_a_guardrail_is_breached() -> None:
    world = world_at("first stage", ("look", 2, "Breach"), ("stages", "higher"), ("handle", 0), ("handle", 0))
    assert _stands(world) == ("pilot", 20, 10)


def test_a_stage_renamed_in_place_begins_again() -> None:
    renamed = tuple(
        stage.model_copy(update={"name": "share"}) if stage.name == "half" else stage for stage in STAGES["three"]
    )
    world = world_at("second stage")
    world.change(stages=renamed)
    world.play([("handle", 0), ("handle", 0)])
    assert _stands(world) == ("share", 30, 30)
    assert (world.state.healthy, world.state.in_force_since) == (0, world.now)


def test_a_stage_announced_as_the_first_waits_for_one_that_is_put_before_it() -> None:
    world = World()
    world.play([("stages", "gone"), ("handle", 0), ("go_well", 1)])
    assert _stands(world) == ("half", 30, 0)
    world.play([("stages", "three"), ("handle", 0)])
    assert _stands(world) == ("", 0, 0)
    world.play([("go_well", 3)])
    assert _stands(world) == ("pilot", 10, 10)


# --- after completion ------------------------------------------------------------------------


def test_a_stage_put_before_one_that_is_announced_is_not_passed_over() -> None:
    world = world_at("second stage announced", ("stages", "more"), ("handle", 0))
    assert _stands(world) == ("pilot", 10, 10)
    world.play([("go_well", 10)])
    assert [run.name for run in world.state.runs][-2:] == ["pilot", "fifth"]
    assert world.in_force <= 20


def test_a_stage_put_before_one_that_is_in_force_is_passed_over() -> None:
    world = world_at("second stage", ("stages", "more"), ("handle", 0))
    assert _stands(world) == ("half", 30, 30)


def test_a_stage_added_at_the_end_is_earned() -> None:
    world = world_at("complete", ("stages", "dark"), ("handle", 0), ("go_well", 20))
    assert world.state.completed
    world.play([("stages", "gone"), ("handle", 0)])
    assert not world.state.completed
    world.play([("go_well", 4)])
    assert _stands(world) == ("full", 100, 100)


def test_a_completed_rollout_whose_last_stage_is_lowered_serves_it_again() -> None:
    world = world_at("complete", ("stages", "hasty"), ("handle", 0))
    assert _stands(world) == ("all", 90, 90)
    assert not world.state.completed
    world.play([("go_well", 5)])
    assert world.state.completed


# --- guardrails ------------------------------------------------------------------------------


def test_changed_guardrails_have_to_be_passed_for_the_whole_duration() -> None:
    world = world_at("second stage", ("go_well", 2))
    assert world.state.healthy == 30
    world.play([("guardrails", "stricter"), ("handle", 0)])
    assert world.state.healthy == 0
    assert world.told[-1] == Reason.EVIDENCE_RESTARTED
    world.play([("go_well", 4)])
    assert world.state.healthy == 30
    assert world.told.count(Reason.EVIDENCE_RESTARTED) == 1


def test_a_version_that_names_guardrails_otherwise_costs_no_healthy_time() -> None:
    world = world_at("second stage", ("go_well", 2))
    (older,) = world.edit.spec.fingerprints - {world.edit.spec.fingerprint}
    world.operators[0].state = replace(world.state, fingerprint=older)

    world.play([("go_well", 0), ("handle", 0)])

    assert (world.state.healthy, world.state.fingerprint) == (30, older), "an older operator may come back"
    assert Reason.EVIDENCE_RESTARTED not in world.told


def test_time_under_other_guardrails_does_not_count_even_where_every_one_left_passes() -> None:
    world = world_at("second stage", ("go_well", 1), ("wait", 9.0), ("guardrails", "fewer"), ("handle", 0))
    assert world.state.healthy == 0
    world.play([("wait", 1.0), ("looks",), ("handle", 0)])
    assert world.state.healthy == 1


def test_a_changed_alert_changes_nothing() -> None:
    world = world_at("second stage")
    healthy, guardrails = world.state.healthy, world.edit.guardrails
    world.change(guardrails=(*guardrails[:3], guardrails[3].model_copy(update={"max": 9.0})))
    world.play([("handle", 0)])
    assert (world.state.healthy, world.told[-1]) == (healthy, Reason.STAGE_ADVANCED)


def test_guardrails_changed_before_a_raise_is_in_force_withdraw_it() -> None:
    world = world_at("second stage announced", ("guardrails", "stricter"), ("handle", 0))
    assert _stands(world) == ("pilot", 10, 10)
    world.play([("go_well", 5)])
    assert _stands(world) == ("pilot", 10, 10)
    world.play([("go_well", 5)])
    assert _stands(world) == ("half", 30, 30)


def test_a_completed_rollout_stays_so_under_other_guardrails_and_is_guarded_by_them() -> None:
    world = world_at("complete", ("guardrails", "stricter"), ("go_well", 3))
    assert world.state.completed
    assert Reason.EVIDENCE_RESTARTED not in world.told
    world.play([("breach", 0)])
    assert world.in_force == 0


def test_a_look_at_the_old_definition_says_nothing_about_the_new_one() -> None:
    world = world_at("second stage", ("look", 0, "Breach"), ("guardrails", "stricter"), ("handle", 0))
    assert not world.state.record.latched
    world.play([("look", 0, "Breach"), ("handle", 0)])
    assert world.state.record.latched
