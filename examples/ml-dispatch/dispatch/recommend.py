"""The ML path: the vehicles that a dispatch is most likely to go well with, and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from .breakdown import LATEST, Breakdown, breakdown
from .model import Model
from .orders import Order, Vehicle, can_take

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


def recommend(model: Model, order: Order, vehicles: Sequence[Vehicle], now: datetime) -> list[Recommendation]:
    """The best first; none where no vehicle can take it."""
    most = max((vehicle.turns for vehicle in vehicles), default=0)
    able = [vehicle for vehicle in vehicles if vehicle.free and can_take(vehicle, order)]
    seen = [(vehicle, breakdown(order, vehicle, most, now)) for vehicle in able]
    scored = sorted(((model.score(points), vehicle.id, vehicle, points) for vehicle, points in seen), key=_best_first)
    return [
        Recommendation(vehicle, round(score, 4), points, _reason(model.merits(points), order, vehicle, points))
        for score, _, vehicle, points in scored[:TOP]
    ]


def _best_first(scored: tuple[float, int, Vehicle, Breakdown]) -> tuple[float, int]:
    return -scored[0], scored[1]


def _reason(merits: Mapping[str, float], order: Order, vehicle: Vehicle, seen: Breakdown) -> str:
    """Its two greatest merits, and its greatest fault if it has one that counts."""
    words = _words(order, vehicle, seen)
    ranked = sorted(words, key=lambda name: merits[name], reverse=True)
    good = [words[name][0] for name in ranked[:2] if merits[name] > 0]
    worst = ranked[-1]
    bad = [f"but {words[worst][1]}"] if merits[worst] < -_COUNTS else []
    return ", ".join(good + bad) or "no worse than others"


_COUNTS = 0.3
"""Log-odds: less than this changes a score by some hundredths."""


def _words(order: Order, vehicle: Vehicle, seen: Breakdown) -> dict[str, tuple[str, str]]:
    """How what the model looked at is told where it is a merit, and where it is a fault."""
    way = f"{vehicle.position.to(order.pickup):.1f} km away"
    late = f"late by {(1 - seen.time_window) * LATEST.total_seconds() / 60:.0f} min"
    turns = f"{vehicle.turns} turn{'' if vehicle.turns == 1 else 's'}"
    words = {
        "near": (way, way),
        "rested": (f"{turns} so far", f"{turns} already"),
        "in_time": ("arrives in time" if seen.time_window == 1 else late, late),
        "liked": ("ends near the driver's home", "ends far from the driver's home"),
    }
    if order.needs_voltage:
        words["voltage"] = (f"has {vehicle.voltage}", f"has {vehicle.voltage}, not {order.needs_voltage}")
    return words
