"""A flag of OpenFeature's: a rollout, and the value that each of its two groups gets."""

from collections.abc import Mapping
from typing import Any

from openfeature.flag_evaluation import FlagType, FlagValueType

from .bucket import Group
from .rollout import Rollout

Values = Mapping[Group, Any]

_TOLD_NOTHING: Mapping[FlagType, Values] = {
    FlagType.BOOLEAN: {Group.CONTROL: False, Group.TREATMENT: True},
    FlagType.STRING: {group: group.value for group in Group},
    FlagType.INTEGER: {Group.CONTROL: 0, Group.TREATMENT: 1},
    FlagType.FLOAT: {Group.CONTROL: 0.0, Group.TREATMENT: 1.0},
    FlagType.OBJECT: {group: {"group": group.value} for group in Group},
}


class Flag:
    """A rollout under a flag key, with the values of its two variants.

    Without values a flag is of whatever type it is asked for: true, `"treatment"`, 1, 1.0 and
    `{"group": "treatment"}` for who is in treatment; false, `"control"`, 0, 0.0 and `{"group": "control"}` else.
    With values it is of their type alone; whole numbers are numbers, too.

    Args:
        rollout: The rollout.
        control: The value for control.
        treatment: The value for treatment.

    Raises:
        TypeError: It is no rollout.
        ValueError: Only one value was given, they are of different types, or of none that OpenFeature knows.
    """

    def __init__(
        self, rollout: Rollout, *, control: FlagValueType | None = None, treatment: FlagValueType | None = None
    ) -> None:
        if not isinstance(rollout, Rollout):
            raise TypeError(f"a flag stands for a Rollout, and not for something of type {type(rollout).__name__}")
        self.rollout = rollout
        self.values = _TOLD_NOTHING
        """The values by type; a type that is missing here is a mismatch."""
        if control is not None or treatment is not None:
            self.values = _values(control, treatment)


def _values(control: object, treatment: object) -> Mapping[FlagType, Values]:
    types = _types(control) & _types(treatment)
    if not types:
        raise ValueError(
            f"control ({type(control).__name__}) and treatment ({type(treatment).__name__}) make no flag: give both "
            "values, of one type of bool, str, int, float, dict or list"
        )
    values = {Group.CONTROL: control, Group.TREATMENT: treatment}
    return {kind: _floats(values) if kind is FlagType.FLOAT else values for kind in types}


def _types(value: object) -> set[FlagType]:
    match value:
        case bool():  # before int, which it is as well
            return {FlagType.BOOLEAN}
        case int():
            return {FlagType.INTEGER, FlagType.FLOAT}
        case float():
            return {FlagType.FLOAT}
        case str():
            return {FlagType.STRING}
        case dict() | list():
            return {FlagType.OBJECT}
        case _:
            return set()


def _floats(values: Values) -> Values:
    return {group: float(value) for group, value in values.items()}
