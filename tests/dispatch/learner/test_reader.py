"""Outcomes from the store, in the order in which they became known, each once."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from dispatch.breakdown import Breakdown
from dispatch.store import Conflict, Dispatch, Dispatches, NewDispatch, Orders
from dispatch.store.tables import DISPATCHES, OUTCOMES
from learner import reader as reading
from learner.reader import Reader
from learner.refusal import Reason, trouble
from sqlalchemy import Engine, insert, text, update

from tests.dispatch.api.made import NOON

SEEN = Breakdown(distance=0.1, rotation=0.25, time_window=1.0, preference=0.5, voltage=True)
LATER = NOON.timestamp() + 1000


@pytest.fixture
def dispatches(engine: Engine) -> Dispatches:
    return Dispatches(engine)


@pytest.fixture
def reader(engine: Engine) -> Reader:
    return Reader(engine)


@pytest.fixture
def assigned(engine: Engine, dispatches: Dispatches) -> Callable[[], Dispatch]:
    """A dispatch that was just made."""
    orders = Orders(engine)

    def made() -> Dispatch:
        orders.welcome("kim", NOON)
        vehicle = next(one for one in orders.vehicles() if one.free)
        new = NewDispatch(orders.of("kim", "open")[0].id, vehicle.id, "legacy", "control", None, None, SEEN, SEEN)
        return dispatches.assign(new, NOON)[0]

    return made


def at(seconds: int) -> timedelta:
    return timedelta(seconds=seconds)


def test_outcomes_come_as_they_became_known_and_not_as_they_were_made(
    reader: Reader, dispatches: Dispatches, assigned: Callable[[], Dispatch]
) -> None:
    first, second, third = assigned(), assigned(), assigned()
    dispatches.rate(second, 5, None, NOON + at(10))
    dispatches.cancel(third, "late", NOON + at(20))
    dispatches.rate(first, 2, "rude", NOON + at(30))

    found = reader.after(0, LATER)

    assert [(one.dispatch, one.rating, one.well) for one in found] == [
        (second.id, 5, True),
        (third.id, None, False),
        (first.id, 2, False),
    ]
    assert [one.known_at - one.predicted_at for one in found] == [10, 20, 30]
    assert {one.inputs for one in found} == {(0.9, 0.75, 1.0, 0.5, 1.0)}
    assert {one.user for one in found} == {"kim"}
    assert reader.choices() == [(0.9, 0.75, 1.0, 0.5, 1.0)] * 3


def test_it_reads_on_and_leaves_a_second_that_may_bring_more(
    reader: Reader, dispatches: Dispatches, assigned: Callable[[], Dispatch]
) -> None:
    dispatches.rate(assigned(), 5, None, NOON)
    dispatches.rate(assigned(), 4, None, NOON + at(7))

    first = reader.after(0, NOON.timestamp() + 7.9)
    rest = reader.after(first[-1].number, NOON.timestamp() + 8)

    assert [len(first), len(rest)] == [1, 1]
    assert reader.after(rest[-1].number, LATER) == []


def test_what_is_known_first_counts(reader: Reader, dispatches: Dispatches, assigned: Callable[[], Dispatch]) -> None:
    made = assigned()
    dispatches.rate(made, 5, None, NOON)
    dispatches.rate(made, 5, None, NOON + at(1))  # a double click
    with pytest.raises(Conflict):
        dispatches.rate(made, 1, None, NOON + at(2))
    dispatches.cancel(made, None, NOON + at(3))

    assert [one.rating for one in reader.after(0, LATER)] == [5]


def test_without_an_outcome_there_is_nothing_to_read(reader: Reader, assigned: Callable[[], Dispatch]) -> None:
    assigned()

    assert reader.after(0, LATER) == []


def test_a_part_ends_with_a_whole_second(
    reader: Reader,
    dispatches: Dispatches,
    assigned: Callable[[], Dispatch],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reading, "MOST", 3)
    for seconds in (1, 2, 2, 2, 3):
        dispatches.rate(assigned(), 5, None, NOON + at(seconds))

    parts, number = [], 0
    while part := reader.after(number, LATER):
        parts.append(len(part))
        number = part[-1].number

    assert parts == [1, 3, 1]


@pytest.mark.parametrize("bad", ["NULL", "9e999", "'many'", "-3"])
def test_what_somebody_wrote_into_the_table_is_read_and_refused(
    reader: Reader, dispatches: Dispatches, engine: Engine, assigned: Callable[[], Dispatch], bad: str
) -> None:
    dispatches.rate(assigned(), 5, None, NOON)
    with engine.begin() as db:
        db.execute(text("PRAGMA writable_schema=ON"))
        db.execute(text("CREATE TABLE loose AS SELECT * FROM dispatches"))  # it has none of the rules
        db.execute(text(f"UPDATE loose SET distance = {bad}"))  # noqa: S608
        db.execute(text("PRAGMA foreign_keys=OFF"))
        db.execute(text("DROP TABLE offered"))
    with engine.begin() as db:
        db.execute(text("ALTER TABLE dispatches RENAME TO strict"))
        db.execute(text("ALTER TABLE loose RENAME TO dispatches"))

    assert [trouble(one) for one in reader.after(0, LATER)] == [Reason.INPUTS]


def test_a_rating_that_nobody_can_give_is_read_and_refused(
    reader: Reader, dispatches: Dispatches, engine: Engine, assigned: Callable[[], Dispatch]
) -> None:
    one, other = assigned(), assigned()
    dispatches.rate(one, 5, None, NOON)
    with engine.begin() as db:
        db.execute(update(OUTCOMES).values(rating=55))
        db.execute(insert(OUTCOMES).values(dispatch_id=other.id, known_at=1, rating=5))
        db.execute(update(DISPATCHES).values(status="completed"))

    assert [trouble(one) for one in reader.after(0, LATER)] == [Reason.LABEL, Reason.LABEL]
