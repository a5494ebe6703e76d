"""The database, as SQLite and as PostgreSQL: whoever is quick, an order has one vehicle, and a vehicle one order."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from dispatch import fleet
from dispatch.breakdown import Breakdown
from dispatch.fleet import SHIFT
from dispatch.store import Conflict, Dispatches, NewDispatch, Orders, connect, outcomes_after
from dispatch.store.orders import OPEN_ORDERS
from dispatch.store.tables import ORDERS
from sqlalchemy import update

from tests.dispatch.api.made import NOON
from tests.dispatch.api.postgres_server import PostgresServer, installed

SEEN = Breakdown(distance=0.1, rotation=0.2, time_window=1.0, preference=0.5, voltage=True)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path_factory.mktemp('sqlite') / 'dispatch.db'}"
    elif installed():
        with PostgresServer() as server:
            yield server.url
    else:
        pytest.skip("there is no PostgreSQL on this machine")


@pytest.fixture
def store(url: str) -> Iterator[tuple[Orders, Dispatches]]:
    engine = connect(url)
    orders = Orders(engine)
    orders.begin()
    yield orders, Dispatches(engine)
    engine.dispose()


@pytest.fixture
def orders(store: tuple[Orders, Dispatches]) -> Orders:
    return store[0]


@pytest.fixture
def dispatches(store: tuple[Orders, Dispatches]) -> Dispatches:
    return store[1]


@pytest.fixture
def new(orders: Orders, request: pytest.FixtureRequest) -> NewDispatch:
    """A free vehicle for a new order of a user who is called as the test."""
    user = request.node.name
    orders.welcome(user, NOON)
    order = orders.of(user, "open")[0]
    vehicle = next(vehicle for vehicle in orders.vehicles() if vehicle.free)
    return NewDispatch(order.id, vehicle.id, "legacy", "control", None, None, SEEN)


def _status(orders: Orders, request: pytest.FixtureRequest, number: int) -> str:
    return orders.find(request.node.name, [number])[number].status


def test_everybody_has_eight_open_orders_of_their_own(orders: Orders) -> None:
    for _ in range(2):
        orders.welcome("kim", NOON)
    orders.welcome("lee", NOON)

    kims, lees = orders.of("kim", "open"), orders.of("lee", "open")

    assert len(kims) == len(lees) == 8
    assert not {order.id for order in kims} & {order.id for order in lees}
    assert orders.find("lee", [kims[0].id]) == {}
    assert kims[0].window.begins.tzinfo is not None


def test_the_fleet_is_put_on_the_map_once(orders: Orders) -> None:
    before = [vehicle.code for vehicle in orders.vehicles()]
    orders.begin()

    assert [vehicle.code for vehicle in orders.vehicles()] == before
    assert len(set(before)) == 60


def test_an_assignment_is_told_and_holds_order_and_vehicle(
    orders: Orders, dispatches: Dispatches, new: NewDispatch, request: pytest.FixtureRequest
) -> None:
    made, is_new = dispatches.assign(new, NOON)

    assert is_new
    assert (made.status, made.assigned_at, made.rating) == ("assigned", NOON, None)
    assert dispatches.of([new.order_id]) == {new.order_id: made}
    assert dispatches.find(request.node.name, made.id) == made
    assert dispatches.find("somebody else", made.id) is None
    assert _status(orders, request, new.order_id) == "assigned"
    assert not next(one for one in orders.vehicles() if one.id == new.vehicle_id).free


def test_a_double_click_makes_one_dispatch(dispatches: Dispatches, new: NewDispatch) -> None:
    with ThreadPoolExecutor(8) as clicks:
        made = list(clicks.map(lambda _: dispatches.assign(new, NOON), range(8)))

    assert len({dispatch.id for dispatch, _ in made}) == 1
    assert sum(is_new for _, is_new in made) == 1


def test_one_vehicle_goes_to_one_of_those_who_want_it(
    orders: Orders, dispatches: Dispatches, new: NewDispatch, request: pytest.FixtureRequest
) -> None:
    wanted = [order.id for order in orders.of(request.node.name, "open")]

    def want(order_id: int) -> bool:
        try:
            return dispatches.assign(replace(new, order_id=order_id), NOON)[1]
        except Conflict:
            return False

    with ThreadPoolExecutor(8) as people:
        assert sum(people.map(want, wanted)) == 1
    assert [order.status for order in orders.of(request.node.name)].count("assigned") == 1


def test_another_vehicle_for_an_order_that_has_one_is_refused(
    orders: Orders, dispatches: Dispatches, new: NewDispatch
) -> None:
    dispatches.assign(new, NOON)
    another = next(vehicle for vehicle in orders.vehicles() if vehicle.free)

    with pytest.raises(Conflict, match="has a vehicle already"):
        dispatches.assign(replace(new, vehicle_id=another.id), NOON)


def test_a_cancelled_dispatch_opens_its_order_and_frees_its_vehicle(
    orders: Orders, dispatches: Dispatches, new: NewDispatch, request: pytest.FixtureRequest
) -> None:
    made, _ = dispatches.assign(new, NOON)

    assert dispatches.cancel(made, "wrong vehicle", NOON).status == "cancelled"
    assert dispatches.cancel(made, None, NOON).status == "cancelled"

    assert dispatches.of([new.order_id]) == {}
    assert _status(orders, request, new.order_id) == "open"
    again, is_new = dispatches.assign(new, NOON)
    assert is_new
    assert again.id != made.id
    for what in (dispatches.complete, lambda one: dispatches.rate(one, 4, None, NOON)):
        with pytest.raises(Conflict, match="cancelled"):
            what(made)


def test_a_completed_dispatch_moves_its_vehicle_and_frees_it(
    orders: Orders, dispatches: Dispatches, new: NewDispatch, request: pytest.FixtureRequest
) -> None:
    made, _ = dispatches.assign(new, NOON)
    turns = next(one for one in orders.vehicles() if one.id == new.vehicle_id).turns

    for _ in range(2):
        assert dispatches.complete(made).status == "completed"

    vehicle = next(one for one in orders.vehicles() if one.id == new.vehicle_id)
    order = orders.find(request.node.name, [new.order_id])[new.order_id]
    assert (vehicle.turns, vehicle.position, vehicle.free) == ((turns + 1) % SHIFT, order.dropoff, True)
    assert order.status == "completed"
    with pytest.raises(Conflict, match="completed already"):
        dispatches.cancel(made, None, NOON)
    assert not dispatches.assign(new, NOON)[1]


def test_a_dispatch_is_rated_once(dispatches: Dispatches, new: NewDispatch) -> None:
    made, _ = dispatches.assign(new, NOON)

    with ThreadPoolExecutor(4) as answers:
        counted = list(answers.map(lambda _: dispatches.rate(made, 4, "good\nand quick", NOON), range(4)))

    assert sum(counts for _, counts in counted) == 1
    assert {rated.rating for rated, _ in counted} == {4}
    with pytest.raises(Conflict, match="rated already"):
        dispatches.rate(made, 5, None, NOON)
    with pytest.raises(Conflict, match="rated already"):
        dispatches.rate(made, 4, "and late", NOON)


def _another(orders: Orders, user: str, before: NewDispatch) -> NewDispatch:
    vehicle = next(vehicle for vehicle in orders.vehicles() if vehicle.free)
    return replace(before, order_id=orders.of(user, "open")[0].id, vehicle_id=vehicle.id)


def test_of_a_users_ratings_the_first_of_a_day_and_attempt_counts(
    orders: Orders, dispatches: Dispatches, new: NewDispatch, request: pytest.FixtureRequest
) -> None:
    def counts(attempt: int, days: int = 0) -> bool:
        made, _ = dispatches.assign(_another(orders, request.node.name, new), NOON)
        rated, counted = dispatches.rate(made, 2, None, NOON + timedelta(days=days), attempt=attempt)
        assert dispatches.complete(made).rating == rated.rating == 2, "it is kept, whether it counts or not"
        return counted

    assert [counts(1), counts(1), counts(1)] == [True, False, False]
    assert [counts(1, days=1), counts(1, days=1)] == [True, False]
    assert [counts(2, days=1), counts(2, days=1)] == [True, False]


def test_of_ratings_at_once_one_counts(
    orders: Orders, dispatches: Dispatches, new: NewDispatch, request: pytest.FixtureRequest
) -> None:
    made = [dispatches.assign(_another(orders, request.node.name, new), NOON)[0] for _ in range(4)]

    with ThreadPoolExecutor(4) as answers:
        counted = list(answers.map(lambda one: dispatches.rate(one, 1, None, NOON)[1], made))

    assert sum(counted) == 1


def test_a_user_who_signs_in_many_times_at_once_is_welcomed_once(
    orders: Orders, request: pytest.FixtureRequest
) -> None:
    user = request.node.name
    with ThreadPoolExecutor(8) as pages:
        list(pages.map(lambda _: orders.welcome(user, NOON), range(16)))

    assert len(orders.of(user)) == OPEN_ORDERS


def test_who_reads_outcomes_on_from_a_number_misses_none_however_many_tell_at_once(
    orders: Orders, dispatches: Dispatches
) -> None:
    made = [dispatches.assign(new, NOON)[0] for new in _wanted(orders, ("ann", "ben", "cem"))]
    engine, after = dispatches._engine, NOON + timedelta(seconds=1)
    read = [row.number for row in outcomes_after(engine, 0, int(after.timestamp()), 1000)]
    before = len(read)

    with ThreadPoolExecutor(8) as people:
        rated = [people.submit(dispatches.rate, one, 4, None, NOON) for one in made]
        while not all(one.done() for one in rated) or len(read) == before:
            read += [row.number for row in outcomes_after(engine, max(read, default=0), int(after.timestamp()), 1000)]
    read += [row.number for row in outcomes_after(engine, max(read), int(after.timestamp()), 1000)]

    assert len(set(read)) == len(read) == before + len(made)


def _wanted(orders: Orders, users: Sequence[str]) -> Iterator[NewDispatch]:
    """A free vehicle for every order of these users."""
    for user in users:
        orders.welcome(user, NOON)
    waiting = [order for user in users for order in orders.of(user, "open")]
    free = (vehicle for vehicle in orders.vehicles() if vehicle.free)
    for order, vehicle in zip(waiting, free, strict=False):
        yield NewDispatch(order.id, vehicle.id, "legacy", "control", None, None, SEEN, SEEN)


def test_processes_that_start_at_once_find_one_database(url: str, tmp_path: Path) -> None:
    url = url if url.startswith("postgresql") else f"sqlite:///{tmp_path / 'fresh.db'}"

    def start(_: int) -> int:
        engine = connect(url)
        orders = Orders(engine)
        orders.begin()
        found = len(orders.vehicles())
        engine.dispose()
        return found

    with ThreadPoolExecutor(8) as processes:
        assert set(processes.map(start, range(8))) == {fleet.VEHICLES}


def test_of_many_orders_those_that_wait_are_among_the_ones_that_are_told(
    orders: Orders, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = request.node.name
    orders.welcome(user, NOON)
    everything = orders.of(user)
    monkeypatch.setattr("dispatch.store.orders.MOST", 3)

    assert orders.of(user) == everything[-3:]
    others = (ORDERS.c.owner == user, ORDERS.c.id != everything[0].id)
    with orders._engine.begin() as db:
        db.execute(update(ORDERS).where(*others).values(status="completed"))
    assert [order.id for order in orders.of(user)] == [order.id for order in (everything[0], *everything[-2:])]
