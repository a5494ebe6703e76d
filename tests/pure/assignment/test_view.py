"""What a client makes of what it reads and of what is pushed to it, in whatever order that comes."""

import random
from dataclasses import replace
from itertools import pairwise
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlrollout.assignment.view import Reason, TrafficView
from mlrollout.domain.record import Record, encode
from mlrollout.domain.traffic import Traffic

TEN = Record(1, latched=False, sequence=1, percentage=10, owner="uid")
THIRTY = replace(TEN, sequence=2, percentage=30)
LATCHED = replace(TEN, latched=True, sequence=3, percentage=0)


def reading(record: Record | None, key: str | None = "") -> Traffic:
    """What Redis answers; the key is at its record where nothing else is said."""
    at_record = None if record is None else str(record.percentage)
    return Traffic(at_record if key == "" else key, record)


def known(record: Record) -> TrafficView:
    return TrafficView().read(reading(record), 1.0)


# --- one step ----------------------------------------------------------------------------------


def test_before_anything_is_read_there_is_nothing() -> None:
    assert (TrafficView().percentage, TrafficView().reason, TrafficView().confirmed) == (0, Reason.NOT_READY, -inf)


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
    view = TrafficView().read(traffic, 7.0)

    assert (view.percentage, view.reason, view.confirmed) == (percentage, reason, 7.0)


def test_a_push_that_lowers_counts_at_once() -> None:
    assert known(THIRTY).push(LATCHED).percentage == 0


def test_a_push_that_raises_counts_only_when_it_is_read() -> None:
    view = known(TEN)

    assert view.wants_read(THIRTY)
    assert view.push(THIRTY) == view
    assert view.read(reading(THIRTY), 2.0).percentage == 30


def test_a_push_that_came_late_says_nothing() -> None:
    view = known(THIRTY)

    assert not view.wants_read(TEN)
    assert view.push(TEN) == view


def test_a_replica_that_lost_the_rollback_does_not_bring_traffic_back() -> None:
    view = known(THIRTY).push(LATCHED).read(reading(THIRTY), 2.0)

    assert (view.percentage, view.record) == (0, LATCHED)


def test_a_push_says_nothing_about_how_fresh_the_rest_is() -> None:
    assert known(THIRTY).push(LATCHED).confirmed == known(THIRTY).confirmed


def test_a_rollback_pushed_before_the_first_read_is_not_forgotten() -> None:
    assert TrafficView().push(LATCHED).read(reading(THIRTY), 1.0).percentage == 0


# --- two revisions, two owners -----------------------------------------------------------------

ANEW = replace(THIRTY, owner="another uid", attempt=0, revision="ranker-2")
"""Of an object that was made anew after Redis had lost everything."""


def test_what_the_key_says_is_not_given_to_another_revision() -> None:
    view = known(THIRTY).push(replace(TEN, attempt=2, revision="ranker-2"))

    assert (view.percentage, view.reason) == (0, Reason.UNCONFIRMED)
    assert known(THIRTY).wants_read(replace(TEN, attempt=2, revision="ranker-2"))


def test_a_lesser_record_of_another_revision_is_control() -> None:
    view = known(THIRTY).read(reading(ANEW), 2.0)

    assert (view.percentage, view.reason, view.record) == (0, Reason.UNCONFIRMED, THIRTY)


def test_an_older_state_at_zero_is_not_taken_for_a_stop_by_hand() -> None:
    view = known(THIRTY).read(reading(replace(TEN, percentage=0)), 2.0)

    assert (view.percentage, view.reason) == (0, Reason.UNCONFIRMED)


def test_a_lesser_record_that_is_latched_is_a_rollback() -> None:
    view = known(replace(THIRTY, attempt=2)).read(reading(LATCHED), 2.0)

    assert (view.percentage, view.reason) == (0, Reason.ROLLED_BACK)


def test_another_objects_record_is_followed_when_it_has_stood_for_as_long_as_a_read_counts() -> None:
    view = known(THIRTY)
    for at in (2.0, 7.0, 11.9):
        view = view.read(reading(ANEW), at)
        assert (view.percentage, view.record) == (0, THIRTY)

    view = view.read(reading(ANEW), 12.0)
    assert (view.percentage, view.reason, view.record) == (30, Reason.SPLIT, ANEW)


def test_how_long_that_is_the_application_says() -> None:
    patient = TrafficView(max_staleness=30.0).read(reading(THIRTY), 1.0)
    for at in range(2, 32):
        patient = patient.read(reading(ANEW), at)
    assert patient.record == THIRTY

    assert patient.read(reading(ANEW), 32).record == ANEW


@pytest.mark.parametrize(
    "between",
    [reading(THIRTY), reading(None, None), Traffic("30", None, "its schema is not 1"), reading(TEN)],
    ids=["the old object's", "nothing", "unreadable", "an older state"],
)
def test_a_read_that_finds_anything_else_begins_the_wait_anew(between: Traffic) -> None:
    view = known(THIRTY).read(reading(ANEW), 2.0).read(between, 8.0)
    for at in (9.0, 14.0, 18.9):
        view = view.read(reading(ANEW), at)
        assert view.record == THIRTY

    assert view.read(reading(ANEW), 19.0).record == ANEW


LATER = replace(THIRTY, owner="later", attempt=(1_800_000_000 << 16) + 1, holder="dispatch/ranking", cluster="here")
EARLIER = replace(LATER, owner="earlier", attempt=(1_700_000_000 << 16) + 1, percentage=10)


@pytest.mark.parametrize("held", [LATER, replace(LATER, owner="", percentage=0)], ids=["live", "given up"])
@pytest.mark.parametrize(
    "found",
    [replace(EARLIER, holder="dispatch/another"), replace(EARLIER, cluster="there")],
    ids=["of another name", "in another cluster"],
)
def test_an_older_object_that_may_be_alive_is_followed_as_any_other_or_running_processes_never_agree_with_new_ones(
    held: Record, found: Record
) -> None:
    view = known(held)
    for at in (2.0, 7.0, 11.9):
        view = view.read(reading(found), at)
        assert view.record == held
    assert view.percentage <= found.percentage

    view = view.read(reading(found), 12.0)
    assert (view.percentage, view.reason, view.record) == (10, Reason.SPLIT, found)


@pytest.mark.parametrize("cluster", ["here", ""])
def test_an_older_object_of_the_same_name_is_gone_and_its_record_a_backups(cluster: str) -> None:
    view = known(LATER)
    for at in range(2, 60):
        view = view.read(reading(replace(EARLIER, cluster=cluster)), at)
    assert (view.percentage, view.record) == (10, LATER)


def test_a_replica_that_tells_of_an_older_object_now_and_then_is_not_followed() -> None:
    view, other = known(LATER), replace(EARLIER, holder="dispatch/another")
    for at in range(2, 60, 4):
        view = view.read(reading(other), at).read(reading(LATER), at + 2)
        assert view.push(other) == view
    assert (view.percentage, view.record) == (30, LATER)


# --- every order -------------------------------------------------------------------------------

records = st.builds(
    lambda attempt, latched, sequence, percentage, owner, revision, holder: Record(
        attempt,
        latched=latched,
        sequence=sequence,
        percentage=0 if latched else percentage,
        owner=owner,
        revision=revision,
        holder=holder,
    ),
    st.sampled_from([0, 1, 2, (5 << 16) + 1, (6 << 16) + 1]),
    st.booleans(),
    st.integers(0, 3),
    st.sampled_from([0, 10, 30, 100]),
    st.sampled_from(["", "old", "new"]),
    st.sampled_from(["ranker-1", "ranker-2"]),
    st.sampled_from(["dispatch/ranking", "dispatch/another"]),
)
keys = st.one_of(st.none(), st.sampled_from(["0", "5", "10", "30", "100", "101", "x"]))
readings = st.builds(Traffic, keys, st.one_of(st.none(), records))
happenings = st.lists(st.one_of(readings, records), max_size=16)
EVERY = 4.0
"""Seconds between two things that happen."""


def after(happened: list[Traffic | Record]) -> list[TrafficView]:
    """The view after each thing that happened."""
    views = [TrafficView()]
    for number, one in enumerate(happened):
        views.append(views[-1].read(one, number * EVERY) if isinstance(one, Traffic) else views[-1].push(one))
    return views


@given(happened=happenings)
def test_no_client_goes_back_to_a_lesser_record_but_to_that_of_an_object_new_to_it(
    happened: list[Traffic | Record],
) -> None:
    held = [view.record for view in after(happened) if view.record is not None]

    for place, (before, now) in enumerate(pairwise(held)):
        followed = {record.owner for record in held[: place + 1]}
        assert now.rank >= before.rank or now.owner not in {"", *followed}


@given(happened=happenings)
def test_a_lesser_record_is_followed_only_after_reads_that_found_its_owner_alone(
    happened: list[Traffic | Record],
) -> None:
    views = after(happened)
    for place, (before, now) in enumerate(pairwise(views)):
        if before.record is None or now.record is None or now.record.rank >= before.record.rank:
            continue
        lately = [one for one in happened[: place + 1] if isinstance(one, Traffic)][-3:]
        assert [one.record and one.record.owner for one in lately] == [now.record.owner] * 3


@given(happened=happenings)
def test_only_reading_raises(happened: list[Traffic | Record]) -> None:
    views = after(happened)
    for one, before, now in zip(happened, views, views[1:], strict=False):
        assert isinstance(one, Traffic) or now.percentage <= before.percentage


@given(happened=happenings)
def test_no_more_than_the_key_as_last_read_than_the_record_beside_it_and_than_the_greatest_record(
    happened: list[Traffic | Record],
) -> None:
    *_, view = after(happened)
    read = [one for one in happened if isinstance(one, Traffic)]
    assert view.percentage <= (read[-1].in_force if read else 0)
    assert view.record is None or view.percentage <= view.record.percentage


@given(happened=happenings)
def test_a_percentage_is_given_to_the_revision_alone_that_earned_it(happened: list[Traffic | Record]) -> None:
    *_, view = after(happened)
    read = [one.record for one in happened if isinstance(one, Traffic)]
    if view.percentage:
        assert view.record is not None
        assert read[-1] is not None
        assert view.record.revision == read[-1].revision


@given(happened=happenings, last=records)
def test_whatever_happened_all_that_go_on_reading_one_record_agree(
    happened: list[Traffic | Record], last: Record
) -> None:
    view, began = after(happened)[-1], len(happened) * EVERY
    for number in range(4):
        view = view.read(reading(last), began + number * EVERY)
    fresh = TrafficView().read(reading(last), began)

    agree = (view.percentage, view.reason) == (fresh.percentage, fresh.reason)
    known_before = view.record is not None and last.owner in {"", view.record.owner, *view.former}
    gone = view.record is not None and last.holder == view.record.holder and last.attempt < view.record.attempt
    assert agree or ((known_before or gone) and view.percentage <= fresh.percentage)


@given(happened=happenings, seed=st.integers(0, 1000))
def test_after_a_read_the_order_of_the_pushes_before_it_does_not_matter(
    happened: list[Traffic | Record], seed: int
) -> None:
    pushes = [one for one in happened if isinstance(one, Record) and one.percentage == 0]
    shuffled = pushes.copy()
    random.Random(seed).shuffle(shuffled)  # noqa: S311 - no secret
    last = reading(THIRTY)

    one, other = after([*pushes, last])[-1], after([*shuffled, last])[-1]

    assert one.percentage == other.percentage
    assert one.record is not None
    assert other.record is not None
    assert one.record.rank == other.record.rank


@given(text=st.one_of(st.binary(max_size=40), st.builds(lambda record: encode(record).encode(), records)))
def test_whatever_stands_in_redis_is_a_view(text: bytes) -> None:
    view = TrafficView().read(Traffic.parse(b"30", text), 0.0)

    assert view.percentage in range(31)
