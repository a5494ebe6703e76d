"""What is dispatched: orders and the vehicles that may take them. Places are kilometres on a square map."""

from dataclasses import dataclass
from datetime import datetime
from math import dist, sqrt

SIDE = 50.0
"""Kilometres from one end of the map to the other."""
LONGEST = SIDE * sqrt(2)
"""Kilometres from corner to corner."""


@dataclass(frozen=True, slots=True)
class Point:
    """A place on the map, in kilometres from its south-west corner."""

    x: float
    y: float

    def to(self, other: "Point") -> float:
        """Kilometres to another place."""
        return dist((self.x, self.y), (other.x, other.y))


@dataclass(frozen=True, slots=True)
class Window:
    """When an order wants its vehicle, with time zones."""

    begins: datetime
    ends: datetime


@dataclass(frozen=True, slots=True)
class Vehicle:
    """A vehicle as it stands now.

    Attributes:
        id: Its number.
        code: What people call it.
        capacity_kg: What it can carry.
        voltage: What its cold box runs on, for example `380V`.
        lift: Whether it has a tail lift.
        position: Where it is.
        home: Where its driver lives, and likes to end the day.
        turns: How many orders it has done in this shift.
        busy_minutes: How long it needs before it can set out.
        free: Whether no order holds it.
    """

    id: int
    code: str
    capacity_kg: int
    voltage: str
    lift: bool
    position: Point
    home: Point
    turns: int
    busy_minutes: int
    free: bool = True


@dataclass(frozen=True, slots=True)
class Order:
    """What a customer wants driven.

    Attributes:
        id: Its number.
        code: What people call it.
        customer: Who wants it.
        pickup: Where it begins.
        dropoff: Where it ends.
        load_kg: What there is to carry.
        needs_voltage: What its cold box needs; `None` where it has none.
        needs_lift: Whether it can't be loaded without a tail lift.
        window: When the vehicle should come.
        status: `open`, `assigned` or `completed`.
    """

    id: int
    code: str
    customer: str
    pickup: Point
    dropoff: Point
    load_kg: int
    needs_voltage: str | None
    needs_lift: bool
    window: Window
    status: str = "open"


def can_take(vehicle: Vehicle, order: Order) -> bool:
    """Whether it is able to. A cold box on the wrong voltage can be taken, if badly: that is for a path to weigh."""
    return order.load_kg <= vehicle.capacity_kg and (vehicle.lift or not order.needs_lift)
