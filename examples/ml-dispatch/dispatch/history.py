"""What became of dispatches in the past, made up: the example's own history, which the model learns from.

Whether a dispatch went well (on time, not cancelled, to the customer's content) is drawn from `chance`, which is no
logistic regression: a long way hurts more the longer it is, and most where the vehicle comes late anyway.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from math import exp
from random import Random

from . import fleet
from .breakdown import Breakdown, breakdown
from .orders import can_take

DAY = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
"""When the history takes place; only differences of times matter."""


def history(dispatches: int, seed: int) -> Iterator[tuple[Breakdown, bool]]:
    """How vehicles suited orders that they took, and whether it went well.

    The dispatchers of the past did not always take the nearest, so that there is something to learn from.
    """
    rng = Random(seed)  # noqa: S311 - made up, and the same each time
    vehicles = [fleet.vehicle(rng, number) for number in range(1, fleet.VEHICLES + 1)]
    most = max(vehicle.turns for vehicle in vehicles)
    for number in range(dispatches):
        order = fleet.order(rng, number, DAY)
        able = [vehicle for vehicle in rng.sample(vehicles, 12) if can_take(vehicle, order)]
        if able:
            chosen = min(rng.sample(able, min(3, len(able))), key=lambda vehicle: vehicle.position.to(order.pickup))
            seen = breakdown(order, chosen, most, DAY)
            yield seen, rng.random() < chance(seen)


def chance(seen: Breakdown) -> float:
    """How likely such a dispatch goes well: the truth, which no model is shown."""
    late = 1 - seen.time_window
    odds = (
        2.1
        - 4.5 * seen.distance**1.3
        - 1.2 * seen.rotation
        - 2.5 * late
        - 2.0 * late * seen.distance
        + 1.2 * (seen.preference - 0.5)
        - 2.2 * (not seen.voltage)
    )
    return 1 / (1 + exp(-odds))
