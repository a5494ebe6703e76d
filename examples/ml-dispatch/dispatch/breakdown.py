"""What the model looks at, and what the page shows beside a score."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from .orders import LONGEST, Order, Vehicle

KM_PER_HOUR = 40.0
LATEST = timedelta(hours=2)
"""Who comes later than this after the window need not come."""


@dataclass(frozen=True, slots=True)
class Breakdown:
    """How a vehicle suits an order, point by point.

    Attributes:
        distance: Way to the pickup as a share of the longest on the map: a cost, 0 is best.
        rotation: The vehicle's turns as a share of the busiest one's: a cost, 0 is best.
        time_window: 1 where it can come inside the window, falling to 0 at two hours after it.
        preference: How near to the driver's home the order ends, 1 is best.
        voltage: Whether its cold box fits.
    """

    distance: float
    rotation: float
    time_window: float
    preference: float
    voltage: bool


def breakdown(order: Order, vehicle: Vehicle, most_turns: int, now: datetime) -> Breakdown:
    """How this vehicle suits this order now; `most_turns` is the busiest vehicle's."""
    way = vehicle.position.to(order.pickup)
    arrival = now + timedelta(minutes=vehicle.busy_minutes, hours=way / KM_PER_HOUR)
    late = max(arrival - order.window.ends, timedelta())
    return Breakdown(
        distance=_share(way / LONGEST),
        rotation=_share(vehicle.turns / most_turns if most_turns else 0.0),
        time_window=_share(1 - late / LATEST),
        preference=_share(1 - vehicle.home.to(order.dropoff) / LONGEST),
        voltage=order.needs_voltage in {None, vehicle.voltage},
    )


def _share(value: float) -> float:
    return round(min(max(value, 0.0), 1.0), 4)
