"""What stands in Redis, read as clients read it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlrollout.domain.record import LONGEST, Record, encode
from mlrollout.domain.traffic import Outcome, Traffic, Written

RECORD = Record(attempt=1, latched=False, sequence=2, percentage=30)


@pytest.mark.parametrize(
    ("key", "percentage"),
    [
        ("0", 0),
        ("7", 7),
        ("100", 100),
        ("007", 7),
        (None, None),
        ("", None),
        ("101", None),
        ("0100", None),
        ("-1", None),
        ("+1", None),
        ("1.0", None),
        (" 10", None),
        ("on", None),
        ("٣", None),
        ("9" * 5000, None),
    ],
)
def test_the_key_is_a_whole_number_of_per_cent_or_nothing(key: str | None, percentage: int | None) -> None:
    assert Traffic(key, RECORD).percentage == percentage


def test_of_a_key_and_a_record_that_are_longer_than_any_little_is_kept() -> None:
    found = Traffic.parse(b"9" * 2**20, b"[[]," * 2**18)
    assert (found.key, found.percentage, found.record) == ("9" * 64, None, None)
    assert found.unreadable == f"it is longer than {LONGEST} characters"


@given(st.text(max_size=4))
def test_any_text_is_read_without_a_fault(key: str) -> None:
    percentage = Traffic(key, None).percentage
    assert percentage is None or 0 <= percentage <= 100


@pytest.mark.parametrize(
    ("traffic", "in_force", "lost", "stopped"),
    [
        (Traffic("30", RECORD), 30, False, False),
        (Traffic("80", RECORD), 30, False, False),
        (Traffic("29", RECORD), 29, False, True),
        (Traffic("0", RECORD), 0, False, True),
        (Traffic("off", RECORD), 0, False, True),
        (Traffic(None, RECORD), 0, False, True),
        (Traffic(None, Record(1, latched=False, sequence=0, percentage=0)), 0, False, False),
        (Traffic("30", None), 0, False, False),
        (Traffic("30", None, "it is not JSON"), 0, False, False),
        (Traffic(None, None, "it is not JSON"), 0, False, False),
        (Traffic(None, None), 0, True, False),
    ],
)
def test_the_lower_of_key_and_record_is_in_force(traffic: Traffic, in_force: int, lost: bool, stopped: bool) -> None:  # noqa: FBT001 - a table
    assert (traffic.in_force, traffic.lost, traffic.stopped) == (in_force, lost, stopped)


@pytest.mark.parametrize(
    ("before", "after", "took_down"),
    [
        (30, "0", True),
        (30, None, True),
        (90, "30", True),
        (0, "0", False),
        (None, "0", False),
        (None, None, False),
        (10, "30", False),
    ],
)
def test_a_write_took_traffic_down_where_the_key_held_more_before(
    before: int | None,
    after: str | None,
    took_down: bool,  # noqa: FBT001 - a table
) -> None:
    assert Written(Outcome.APPLIED, Traffic(after, RECORD), before).took_down is took_down


def test_what_redis_answers_is_read() -> None:
    assert Traffic.parse(b"30", encode(RECORD).encode()) == Traffic("30", RECORD)
    assert Traffic.parse(None, None) == Traffic(None, None)
    assert Traffic.parse(b"\xff", None).percentage is None


@pytest.mark.parametrize("text", [b"\xff", b"{", b'{"schema":2}'])
def test_a_record_that_is_none_says_why(text: bytes) -> None:
    traffic = Traffic.parse(b"30", text)

    assert (traffic.record, traffic.in_force) == (None, 0)
    assert traffic.unreadable
