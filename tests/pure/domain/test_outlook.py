"""What a column of `kubectl get` says of how far a stage is and what comes next."""

import pytest
from mlrollout.domain.outlook import served, upcoming

from tests.pure.domain.situations import world_at


@pytest.mark.parametrize(
    ("situation", "is_served", "is_next"),
    [
        ("first stage", "10s/40s", "half 30%"),
        ("second stage", "10s/40s", "full 100%, once approved"),
        ("complete", "20s/20s", ""),
        ("rolled back", "", ""),
    ],
)
def test_each_situation_has_its_words(situation: str, is_served: str, is_next: str) -> None:
    world = world_at(situation)

    assert (served(world.edit.spec, world.state), upcoming(world.edit.spec, world.state)) == (is_served, is_next)


def test_before_the_first_stage_that_one_comes_next() -> None:
    world = world_at("first stage", ("stages", "gone"), ("handle", 0))

    assert (served(world.edit.spec, world.state), upcoming(world.edit.spec, world.state)) == ("", "half 30%")


def test_a_stage_that_the_spec_no_longer_has_has_none() -> None:
    world = world_at("second stage", ("stages", "between"))

    assert (served(world.edit.spec, world.state), upcoming(world.edit.spec, world.state)) == ("", "")
