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


UNDER_WAY = {"at 10 %": known(TEN), "before the first stage": known(replace(TEN, sequence=0, percentage=0))}
OVER: Mapping[str, TrafficView] = {
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


@pytest.mark.parametrize("view", UNDER_WAY.values(), ids=UNDER_WAY)
def test_both_groups_count_while_a_rollout_is_under_way(view: TrafficView) -> None:
    assert [chosen(Overrides(GROUPS), view, user) for user in ("kim", "lee", "park")] == ["treatment", "control", None]


@pytest.mark.parametrize("view", OVER.values(), ids=OVER)
def test_treatment_does_not_survive_the_end_of_it_unless_that_is_said(view: TrafficView) -> None:
    assert [chosen(Overrides(GROUPS), view, user) for user in ("kim", "lee")] == [None, "control"]
    assert chosen(Overrides(GROUPS, always=True), view, "kim") == "treatment"


def test_nor_does_it_count_for_another_revision_nor_where_what_is_known_is_too_old() -> None:
    view = UNDER_WAY["at 10 %"]
    assert chosen(Overrides(GROUPS), view, "kim", runs_another=True) is None
    assert chosen(Overrides(GROUPS), view, "kim", counts=False) is None
    assert chosen(Overrides(GROUPS, always=True), view, "kim", counts=False, runs_another=True) == "treatment"


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


def test_staff_count_from_the_moment_that_an_attempt_begins() -> None:
    special = Special(staff=frozenset({"kim"}))
    for view, staff in (
        (UNDER_WAY["at 10 %"], {"kim"}),
        (UNDER_WAY["before the first stage"], set()),
        *((view, set()) for view in OVER.values()),
    ):
        found = special.under(view, runs_another=False)
        assert found is not None
        assert found.staff == staff
