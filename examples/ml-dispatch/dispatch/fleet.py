"""Vehicles and orders, made up from a seed: the example has no customers."""

from datetime import datetime, timedelta
from random import Random

from .orders import SIDE, Order, Point, Vehicle, Window

VEHICLES = 60
SHIFT = 7
"""Turns after which a driver is relieved: the vehicle goes on with somebody who is rested."""
VOLTAGES = ("220V", "380V")
CUSTOMERS = ("Hanbit Foods", "Sejong Cold Chain", "Daesung Parts", "Mirae Pharma", "Haneul Market", "Baekdu Steel")


def vehicle(rng: Random, number: int) -> Vehicle:
    """One of the fleet."""
    capacity = rng.choice((1000, 2500, 5000, 8000))
    return Vehicle(
        id=number,
        code=f"{rng.choice(('SEL', 'ICN', 'SUW'))}-{number:03}",
        capacity_kg=capacity,
        voltage=rng.choice(VOLTAGES),
        lift=rng.random() < (0.3 if capacity < 5000 else 0.7),  # noqa: PLR2004 - tail lifts are for large ones
        position=_point(rng),
        home=_point(rng),
        turns=rng.randrange(SHIFT),
        busy_minutes=rng.choice((0, 0, 15, 30, 60, 120)),
    )


def order(rng: Random, number: int, now: datetime) -> Order:
    """One of a customer."""
    quarter = now.replace(minute=now.minute // 15 * 15, second=0, microsecond=0)
    begins = quarter + timedelta(minutes=30 + 15 * rng.randrange(5))
    return Order(
        id=number,
        code=f"ORD-{number:05}",
        customer=rng.choice(CUSTOMERS),
        pickup=_point(rng),
        dropoff=_point(rng),
        load_kg=rng.choice((200, 600, 900, 1800, 2400, 4200, 7500)),
        needs_voltage=rng.choice((None, None, "220V", "380V")),
        needs_lift=rng.random() < 0.3,  # noqa: PLR2004 - three in ten
        window=Window(begins, begins + timedelta(minutes=rng.choice((30, 60, 120)))),
    )


def _point(rng: Random) -> Point:
    return Point(round(rng.uniform(0, SIDE), 1), round(rng.uniform(0, SIDE), 1))
