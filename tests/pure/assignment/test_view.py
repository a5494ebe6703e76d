"""What a client makes of what it reads and of what is pushed to it, in whatever order that comes."""

import random
from dataclasses import replace
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlrollout.assignment.view import Reason, View
from mlrollout.domain.record import Record, encode
from mlrollout.domain.traffic import Traffic

TEN = Record(1, latched=False, sequence=1, percentage=10, owner="uid")
THIRTY = replace(TEN, sequence=2, percentage=30)
LATCHED = replace(TEN, latched=True, sequence=3, percentage=0)


def reading(record: Record | None, key: str | None = "") -> Traffic:
    """What Redis answers; the key is at its record where nothing else is said."""
    at_record = None if record is None else str(record.percentage)
    return Traffic(at_record if key == "" else key, record)


def known(record: Record) -> View:
    return View().read(reading(record), 1.0)


# --- one step ----------------------------------------------------------------------------------


def test_before_anything_is_read_there_is_nothing() -> None:
    assert (View().percentage, View().reason, View().confirmed) == (0, Reason.NOT_READY, -inf)


@pytest.mark.parametrize(
    ("traffic", "percentage", "reason"),
    [
        (reading(TEN), 10, Reason.SPLIT),
        (reading(replace(TEN, percentage=100)), 100, Reason.SPLIT),
        (reading(replace(TEN, percentage=0)), 0, Reason.SPLIT),
        (reading(TEN, "5"), 5, Reason.SPLIT),
        (reading(TEN, "100"), 10, Reason.SPLIT),
        (reading(TEN, "0"), 0, Reason.STOPPED),
        (reading(TEN, None), 0, Reason.ABSENT),
        (reading(None, "30"), 0, Reason.ABSENT),
        (reading(None, None), 0, Reason.ABSENT),
        (reading(TEN, "101"), 0, Reason.UNREADABLE),
        (reading(TEN, "-1"), 0, Reason.UNREADABLE),
        (reading(TEN, "NaN"), 0, Reason.UNREADABLE),
        (reading(TEN, "٣"), 0, Reason.UNREADABLE),
        (Traffic("30", None, "its schema is not 1"), 0, Reason.UNREADABLE),
        (reading(LATCHED), 0, Reason.ROLLED_BACK),
        (reading(LATCHED, "30"), 0, Reason.ROLLED_BACK),
    ],
    ids=str,
)
def test_what_a_read_says(traffic: Traffic, percentage: int, reason: Reason) -> None:
    view = View().read(traffic, 7.0)

    assert (view.percentage, view.reason, view.confirmed) == (percentage, reason, 7.0)


def test_a_push_that_lowers_counts_at_once() -> None:
    assert known(THIRTY).push(LATCHED).percentage == 0


def test_a_push_that_raises_counts_only_when_it_is_read() -> None:
    view = known(TEN)

    assert view.tells_of_more(THIRTY)
    assert view.push(THIRTY) == view
    assert view.read(reading(THIRTY), 2.0).percentage == 30


def test_a_push_that_came_late_says_nothing() -> None:
    view = known(THIRTY)

    assert not view.tells_of_more(TEN)
    assert view.push(TEN) == view


def test_a_replica_that_lost_the_rollback_does_not_bring_traffic_back() -> None:
    view = known(THIRTY).push(LATCHED).read(reading(THIRTY), 2.0)

    assert (view.percentage, view.record) == (0, LATCHED)


def test_a_push_says_nothing_about_how_fresh_the_rest_is() -> None:
    assert known(THIRTY).push(LATCHED).confirmed == known(THIRTY).confirmed


def test_a_rollback_pushed_before_the_first_read_is_not_forgotten() -> None:
    assert View().push(LATCHED).read(reading(THIRTY), 1.0).percentage == 0


# --- every order -------------------------------------------------------------------------------

records = st.builds(
    lambda attempt, latched, sequence, percentage: Record(
        attempt, latched=latched, sequence=sequence, percentage=0 if latched else percentage
    ),
    st.integers(0, 2),
    st.booleans(),
    st.integers(0, 3),
    st.sampled_from([0, 10, 30, 100]),
)
keys = st.one_of(st.none(), st.sampled_from(["0", "5", "10", "30", "100", "101", "x"]))
readings = st.builds(Traffic, keys, st.one_of(st.none(), records))
happenings = st.lists(st.one_of(readings, records), max_size=12)


def after(happened: list[Traffic | Record]) -> list[View]:
    """The view after each thing that happened."""
    views = [View()]
    for number, one in enumerate(happened):
        views.append(views[-1].read(one, number) if isinstance(one, Traffic) else views[-1].push(one))
    return views


@given(happened=happenings)
def test_no_client_goes_back_to_a_lesser_record(happened: list[Traffic | Record]) -> None:
    ranks = [view.record.rank for view in after(happened) if view.record is not None]

    assert ranks == sorted(ranks)


@given(happened=happenings)
def test_only_reading_raises(happened: list[Traffic | Record]) -> None:
    views = after(happened)
    for one, before, now in zip(happened, views, views[1:], strict=False):
        assert isinstance(one, Traffic) or now.percentage <= before.percentage


@given(happened=happenings)
def test_no_more_than_the_key_as_last_read_and_than_any_greatest_record(happened: list[Traffic | Record]) -> None:
    *_, view = after(happened)
    read = [one for one in happened if isinstance(one, Traffic)]
    assert view.percentage <= ((read[-1].percentage or 0) if read else 0)
    assert view.record is None or view.percentage <= view.record.percentage


@given(happened=happenings, seed=st.integers(0, 1000))
def test_after_a_read_the_order_of_the_pushes_before_it_does_not_matter(
    happened: list[Traffic | Record], seed: int
) -> None:
    pushes = [one for one in happened if isinstance(one, Record) and one.percentage == 0]
    shuffled = pushes.copy()
    random.Random(seed).shuffle(shuffled)  # noqa: S311 - no secret
    last = reading(THIRTY)

    one, other = after([*pushes, last])[-1], after([*shuffled, last])[-1]

    assert (one.percentage, one.record) == (other.percentage, other.record)


@given(text=st.one_of(st.binary(max_size=40), st.builds(lambda record: encode(record).encode(), records)))
def test_whatever_stands_in_redis_is_a_view(text: bytes) -> None:
    view = View().read(Traffic.parse(b"30", text), 0.0)

    assert view.percentage in range(31)
