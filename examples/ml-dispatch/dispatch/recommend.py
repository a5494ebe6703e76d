"""The ML path: the vehicles that a dispatch is most likely to go well with, and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from .breakdown import Breakdown, breakdown
from .model import Model
from .orders import Order, Vehicle, can_take
from .reasons import ENGLISH, Language, reason

TOP = 3


@dataclass(frozen=True, slots=True)
class Recommendation:
    """A vehicle for an order.

    Attributes:
        vehicle: The vehicle.
        score: How likely it goes well, 0 to 1.
        seen: What the score stands on.
        reason: The same in words.
    """

    vehicle: Vehicle
    score: float
    seen: Breakdown
    reason: str


def recommend(
    model: Model, order: Order, vehicles: Sequence[Vehicle], now: datetime, language: Language = ENGLISH
) -> list[Recommendation]:
    """The best first; none where no vehicle can take it."""
    most = max((vehicle.turns for vehicle in vehicles), default=0)
    able = [vehicle for vehicle in vehicles if vehicle.free and can_take(vehicle, order)]
    seen = [(vehicle, breakdown(order, vehicle, most, now)) for vehicle in able]
    scored = sorted(((model.score(points), vehicle.id, vehicle, points) for vehicle, points in seen), key=_best_first)
    return [
        Recommendation(vehicle, round(score, 4), points, reason(model.merits(points), order, vehicle, points, language))
        for score, _, vehicle, points in scored[:TOP]
    ]


def _best_first(scored: tuple[float, int, Vehicle, Breakdown]) -> tuple[float, int]:
    return -scored[0], scored[1]
