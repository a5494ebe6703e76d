"""What values a flag has, and what type it therefore is."""

from collections.abc import Iterator

import pytest
from mlrollout import Group, Rollout
from mlrollout.assignment.flag import Flag
from openfeature.flag_evaluation import FlagType, FlagValueType


@pytest.fixture(scope="module")
def rollout() -> Iterator[Rollout]:
    with Rollout("key", redis="redis://127.0.0.1:1") as made:
        yield made


def test_a_flag_that_was_told_nothing_is_of_every_type(rollout: Rollout) -> None:
    values = Flag(rollout).values

    assert {kind: values[kind][Group.TREATMENT] for kind in FlagType} == {
        FlagType.BOOLEAN: True,
        FlagType.STRING: "treatment",
        FlagType.INTEGER: 1,
        FlagType.FLOAT: 1.0,
        FlagType.OBJECT: {"group": "treatment"},
    }
    assert {kind: values[kind][Group.CONTROL] for kind in FlagType} == {
        FlagType.BOOLEAN: False,
        FlagType.STRING: "control",
        FlagType.INTEGER: 0,
        FlagType.FLOAT: 0.0,
        FlagType.OBJECT: {"group": "control"},
    }


@pytest.mark.parametrize(
    ("control", "treatment", "kinds"),
    [
        (True, False, {FlagType.BOOLEAN}),
        ("", "new", {FlagType.STRING}),
        (3, 0, {FlagType.INTEGER, FlagType.FLOAT}),
        (0.5, 0.0, {FlagType.FLOAT}),
        (1, 1.5, {FlagType.FLOAT}),
        ({}, {"model": "b"}, {FlagType.OBJECT}),
        ([], ["b"], {FlagType.OBJECT}),
    ],
)
def test_a_flag_with_values_is_of_their_type_alone(
    rollout: Rollout, control: FlagValueType, treatment: FlagValueType, kinds: set[FlagType]
) -> None:
    flag = Flag(rollout, control=control, treatment=treatment)

    assert set(flag.values) == kinds
    for values in flag.values.values():
        assert values == {Group.CONTROL: control, Group.TREATMENT: treatment}


def test_a_whole_number_that_is_asked_for_as_a_float_is_one(rollout: Rollout) -> None:
    values = Flag(rollout, control=1, treatment=2).values

    assert type(values[FlagType.FLOAT][Group.CONTROL]) is float
    assert type(values[FlagType.INTEGER][Group.CONTROL]) is int


@pytest.mark.parametrize(
    ("control", "treatment"),
    [(None, "new"), (1, None), (True, 1), ("1", 1), ({}, "{}"), (b"a", b"b"), ((1,), (2,)), ({1}, {2})],
    ids=str,
)
def test_values_that_make_no_flag_are_refused_and_not_quoted(
    rollout: Rollout, control: FlagValueType | None, treatment: FlagValueType | None
) -> None:
    with pytest.raises(ValueError, match="give both values, of one type"):
        Flag(rollout, control=control, treatment=treatment)
