"""Which vehicle takes an order: the nearest one, or the one a model finds fittest."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import dist, sqrt

from .fleet import DAY, Order, Vehicle

Model = Callable[[Order, Vehicle], float]
"""How well a vehicle fits an order, 0 to 1."""

TOP = 3
HARBOUR = 0
"""The region to which one model keeps the ways."""
WAYS = 85
"""How many of them it has room for."""


@dataclass(frozen=True, slots=True)
class Features:
    """What the models look at; all from 0, bad, to 1, good.

    Attributes:
        distance: 1 - the distance, as a share of the longest on the map.
        rotation: 1 - the vehicle's share of the turns.
        time_window: How close it is free to the hour asked for.
        preference: How much the driver likes the region.
        voltage: Whether the cold box fits, 1 or 0.
    """

    distance: float
    rotation: float
    time_window: float
    preference: float
    voltage: float


def features(order: Order, vehicle: Vehicle) -> Features:
    """What is known of this vehicle for this order."""
    late = abs(order.hour - vehicle.free_at)
    return Features(
        distance=1 - _distance(order, vehicle),
        rotation=1 - vehicle.rotation,
        time_window=1 - min(late, DAY - late) / (DAY / 2),
        preference=vehicle.preferences[order.region],
        voltage=float(order.volts == vehicle.volts),
    )


def _distance(order: Order, vehicle: Vehicle) -> float:
    return dist((order.x, order.y), (vehicle.x, vehicle.y)) / sqrt(2)


def fit(order: Order, vehicle: Vehicle) -> float:
    """The good model: a weighted sum."""
    seen = features(order, vehicle)
    return (
        0.40 * seen.distance
        + 0.15 * seen.rotation
        + 0.20 * seen.time_window
        + 0.10 * seen.preference
        + 0.15 * seen.voltage
    )


def fit_within_range(order: Order, vehicle: Vehicle) -> float:
    """The bad model: it spares batteries, and was never tried on a vehicle that has none left.

    Raises:
        ZeroDivisionError: The vehicle is charging.
    """
    strain = min(order.trip_km / vehicle.range_km, 1.0)
    return fit(order, vehicle) * (1 - 0.1 * strain)


class FitByRoute:
    """The model that goes bad late: it prefers short ways to the harbour, from a table that nobody empties."""

    def __init__(self) -> None:
        self._ways: dict[Order, float] = {}

    def __call__(self, order: Order, vehicle: Vehicle) -> float:
        """How well a vehicle fits.

        Raises:
            LookupError: The table is full.
        """
        return fit(order, vehicle) * (1 - 0.1 * self._way(order))

    def _way(self, order: Order) -> float:
        if order.region == HARBOUR and order not in self._ways:
            if len(self._ways) == WAYS:
                raise LookupError("the table of ways to the harbour is full")
            self._ways[order] = dist((order.x, order.y), (0, 0)) / sqrt(2)
        return self._ways.get(order, 0.0)


MODELS: Mapping[str, Callable[[], Model]] = {
    "ranker-2026-11-03": lambda: fit,
    "ranker-2026-11-17": lambda: fit_within_range,
    "ranker-2026-12-01": FitByRoute,
}
"""What makes each of them anew, as a deployment does."""


def recommend(model: Model, order: Order, vehicles: Sequence[Vehicle]) -> list[Vehicle]:
    """The ML path: the fittest vehicles, best first."""
    return sorted(vehicles, key=lambda vehicle: model(order, vehicle), reverse=True)[:TOP]


def nearest(order: Order, vehicles: Sequence[Vehicle]) -> Vehicle:
    """The legacy path."""
    return min(vehicles, key=lambda vehicle: _distance(order, vehicle))
