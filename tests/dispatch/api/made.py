"""Orders and vehicles for the pure tests."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from dispatch.orders import Order, Point, Vehicle, Window

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
ORDER = Order(
    id=1,
    code="ORD-00001",
    customer="Hanbit Foods",
    pickup=Point(10, 10),
    dropoff=Point(20, 20),
    load_kg=900,
    needs_voltage="380V",
    needs_lift=False,
    window=Window(NOON, NOON + timedelta(hours=1)),
)
VEHICLE = Vehicle(
    id=1,
    code="SEL-001",
    capacity_kg=1000,
    voltage="380V",
    lift=False,
    position=Point(10, 10),
    home=Point(20, 20),
    turns=0,
    busy_minutes=0,
)


def vehicle(number: int = 1, **differs: Any) -> Vehicle:
    return replace(VEHICLE, id=number, code=f"SEL-{number:03}", **differs)


def order(**differs: Any) -> Order:
    return replace(ORDER, **differs)
