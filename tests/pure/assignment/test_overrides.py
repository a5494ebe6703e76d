"""Groups given by hand, and how they count under what is known."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from mlrollout import Group, Overrides
from mlrollout.assignment.special import Special
from mlrollout.assignment.view import TrafficView
from mlrollout.domain.record import Record
from mlrollout.domain.traffic import Traffic

TEN = Record(1, latched=False, sequence=1, percentage=10, owner="uid")
GROUPS = {"kim": "treatment", "lee": Group.CONTROL}
TEXT = "0b1f0c2e-6d0b-4c43-9a3e-0f5d5a3f7b11"


def known(record: Record | None, key: str | None = None) -> TrafficView:
    at_record = None if record is None else str(record.percentage)
    return TrafficView().read(Traffic(key or at_record, record), 1.0)


AT_TEN = known(TEN)
OVER: Mapping[str, TrafficView] = {
    "before the first stage": known(replace(TEN, sequence=0, percentage=0)),
    "at a stage of 0 %": known(replace(TEN, percentage=0)),
    "after the deletion of its object": known(replace(TEN, sequence=2, percentage=0, owner="")),
    "after a push of its deletion": known(TEN).push(replace(TEN, sequence=2, percentage=0, owner="")),
    "begun again after lost data": known(TEN).read(Traffic("0", replace(TEN, sequence=2, percentage=0)), 2.0),
    "rolled back": known(replace(TEN, latched=True, percentage=0)),
    "stopped by hand": known(TEN, "0"),
    "absent": known(None),
    "unreadable": TrafficView().read(Traffic("10", None, "its schema is not 1"), 1.0),
    "not read yet": TrafficView(),
    "an older revision's": known(TEN).push(replace(TEN, attempt=2, revision="ranker-2")),
}


def chosen(
    overrides: Overrides, view: TrafficView, user_id: str, *, counts: bool = True, runs_another: bool = False
) -> Any:
    special = Special(overrides=overrides).under(view, runs_another=runs_another)
    assert special is not None
    return special.chosen(user_id, counts=counts)


def test_both_groups_count_while_the_percentage_is_above_0() -> None:
    assert [chosen(Overrides(GROUPS), AT_TEN, user) for user in ("kim", "lee", "park")] == [
        "treatment",
        "control",
        None,
    ]


@pytest.mark.parametrize("view", OVER.values(), ids=OVER)
def test_treatment_does_not_survive_the_end_of_it_unless_that_is_said(view: TrafficView) -> None:
    assert [chosen(Overrides(GROUPS), view, user) for user in ("kim", "lee")] == [None, "control"]
    assert chosen(Overrides(GROUPS, always=True), view, "kim") == "treatment"


def test_nor_does_it_count_for_another_revision_nor_where_what_is_known_is_too_old() -> None:
    assert chosen(Overrides(GROUPS), AT_TEN, "kim", runs_another=True) is None
    assert chosen(Overrides(GROUPS), AT_TEN, "kim", counts=False) is None
    assert chosen(Overrides(GROUPS, always=True), AT_TEN, "kim", counts=False, runs_another=True) == "treatment"


def test_a_function_may_say() -> None:
    overrides = Overrides(lambda user_id: Group.TREATMENT if user_id.endswith("@example.com") else None)

    assert [overrides.of(user) for user in ("kim@example.com", "kim")] == ["treatment", None]


def test_users_are_taken_by_their_canonical_ids() -> None:
    overrides = Overrides({42: "treatment", UUID(TEXT): "control"})

    assert [overrides.of(user) for user in ("42", TEXT)] == ["treatment", "control"]


@pytest.mark.parametrize("answer", ["both", 1, object()])
def test_a_function_that_fails_overrides_nothing_and_is_told_of(
    answer: object, caplog: pytest.LogCaptureFixture
) -> None:
    overrides = Overrides(lambda _: answer)  # type: ignore[arg-type, return-value]  # the point
    with caplog.at_level(logging.WARNING, "mlrollout"):
        assert [overrides.of("kim") for _ in range(100)] == [None] * 100

    assert 1 <= len(caplog.records) < 10


@pytest.mark.parametrize(
    ("groups", "error"),
    [
        ({"kim": "both"}, ValueError),
        ({"": "control"}, ValueError),
        ({None: "control"}, ValueError),
        ("kim", TypeError),
        (["kim"], TypeError),
    ],
)
def test_what_can_not_be_meant_is_refused(groups: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        Overrides(groups)


def test_nothing_special_is_nothing() -> None:
    assert Special().under(known(TEN), runs_another=False) is None


def test_staff_count_while_the_percentage_is_above_0() -> None:
    special = Special(staff=frozenset({"kim"}))
    for view, staff in ((AT_TEN, {"kim"}), *((view, set()) for view in OVER.values())):
        found = special.under(view, runs_another=False)
        assert found is not None
        assert found.staff == staff
