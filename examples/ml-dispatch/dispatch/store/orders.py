"""Orders and vehicles in the database."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from random import Random
from typing import Any
from zlib import crc32

from sqlalchemy import Engine, func, insert, select
from sqlalchemy.exc import IntegrityError

from dispatch import fleet
from dispatch.orders import Order, Point, Vehicle, Window

from .tables import DISPATCHES, ORDERS, VEHICLES, alone

OPEN_ORDERS = 8
"""How many orders wait for a user who signs in."""
MOST = 500
"""Orders in one answer."""


class Orders:
    """Orders, each of which belongs to a user, and the vehicles that all share."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def begin(self) -> None:
        """Put the fleet on the map, unless it is there."""
        with suppress(IntegrityError), self._engine.begin() as db:  # a process that starts at the same time was first
            if not db.scalar(select(func.count()).select_from(VEHICLES)):
                rng = Random(2)  # noqa: S311 - made up, and the same each time
                db.execute(insert(VEHICLES), [_row_of(fleet.vehicle(rng, n + 1)) for n in range(fleet.VEHICLES)])

    def welcome(self, user: str, now: datetime) -> None:
        """Have orders wait for this user: the day brings new ones for those that are done."""
        with self._engine.begin() as db:
            alone(db, user)
            of_user = select(func.count()).select_from(ORDERS).where(ORDERS.c.owner == user)
            ever, waiting = db.scalar(of_user) or 0, db.scalar(of_user.where(ORDERS.c.status == "open")) or 0
            rng = Random(crc32(user.encode()) + ever)  # noqa: S311 - made up
            new = [_order_row(fleet.order(rng, 0, now), user) for _ in range(OPEN_ORDERS - waiting)]
            if new:
                db.execute(insert(ORDERS), new)

    def of(self, user: str, status: str | None = None) -> list[Order]:
        """The user's orders, the oldest first; of this status, if one is given. Of many: what waits, and the newest."""
        wanted = select(ORDERS).where(ORDERS.c.owner == user).order_by(ORDERS.c.status != "open", ORDERS.c.id.desc())
        wanted = wanted.where(ORDERS.c.status == status) if status else wanted
        with self._engine.connect() as db:
            return sorted(map(_order, db.execute(wanted.limit(MOST))), key=lambda order: order.id)

    def find(self, user: str, ids: Sequence[int]) -> dict[int, Order]:
        """Those of these orders that there are and that belong to this user, by their numbers."""
        wanted = select(ORDERS).where(ORDERS.c.owner == user, ORDERS.c.id.in_(ids))
        with self._engine.connect() as db:
            return {row.id: _order(row) for row in db.execute(wanted)}

    def vehicles(self) -> list[Vehicle]:
        """All of them."""
        held = select(DISPATCHES.c.vehicle_id).where(DISPATCHES.c.status == "assigned")
        with self._engine.connect() as db:
            taken = set(db.scalars(held))
            return [_vehicle(row, free=row.id not in taken) for row in db.execute(select(VEHICLES).order_by("id"))]


def _order(row: Any) -> Order:  # noqa: ANN401 - a row has what its table has
    return Order(
        id=row.id,
        code=f"ORD-{row.id:05}",
        customer=row.customer,
        pickup=Point(row.pickup_x, row.pickup_y),
        dropoff=Point(row.dropoff_x, row.dropoff_y),
        load_kg=row.load_kg,
        needs_voltage=row.needs_voltage,
        needs_lift=row.needs_lift,
        window=Window(datetime.fromtimestamp(row.begins, UTC), datetime.fromtimestamp(row.ends, UTC)),
        status=row.status,
    )


def _order_row(order: Order, owner: str) -> dict[str, object]:
    return {
        "owner": owner,
        "customer": order.customer,
        "pickup_x": order.pickup.x,
        "pickup_y": order.pickup.y,
        "dropoff_x": order.dropoff.x,
        "dropoff_y": order.dropoff.y,
        "load_kg": order.load_kg,
        "needs_voltage": order.needs_voltage,
        "needs_lift": order.needs_lift,
        "begins": int(order.window.begins.timestamp()),
        "ends": int(order.window.ends.timestamp()),
        "status": "open",
    }


def _vehicle(row: Any, *, free: bool) -> Vehicle:  # noqa: ANN401 - likewise
    return Vehicle(
        id=row.id,
        code=row.code,
        capacity_kg=row.capacity_kg,
        voltage=row.voltage,
        lift=row.lift,
        position=Point(row.x, row.y),
        home=Point(row.home_x, row.home_y),
        turns=row.turns,
        busy_minutes=row.busy_minutes,
        free=free,
    )


def _row_of(vehicle: Vehicle) -> dict[str, object]:
    return {
        "id": vehicle.id,
        "code": vehicle.code,
        "capacity_kg": vehicle.capacity_kg,
        "voltage": vehicle.voltage,
        "lift": vehicle.lift,
        "x": vehicle.position.x,
        "y": vehicle.position.y,
        "home_x": vehicle.home.x,
        "home_y": vehicle.home.y,
        "turns": vehicle.turns,
        "busy_minutes": vehicle.busy_minutes,
    }
