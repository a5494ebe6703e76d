"""The demo's models are what its story says of them, by the truth that none of them was shown."""

from random import Random
from statistics import mean

from dispatch import fleet
from dispatch.breakdown import Breakdown, breakdown
from dispatch.history import DAY, chance
from dispatch.model import Model
from dispatch.orders import can_take
from learner.pretend import pretend


def choices() -> list[list[Breakdown]]:
    """How the vehicles suit each of some orders."""
    rng = Random(5)  # noqa: S311 - the same each time
    vehicles = [fleet.vehicle(rng, number) for number in range(40)]
    most = max(vehicle.turns for vehicle in vehicles)
    orders = [fleet.order(rng, number, DAY) for number in range(200)]
    able = ([vehicle for vehicle in vehicles if can_take(vehicle, order)] for order in orders)
    return [[breakdown(order, one, most, DAY) for one in of] for order, of in zip(orders, able, strict=True) if of]


def goes_well(kind: str, offered: list[list[Breakdown]]) -> float:
    """How likely a dispatch goes well that such a model chose."""
    told = pretend(kind)
    model = Model(kind, told.weights, told.averages, told.intercept)
    return mean(chance(max(of, key=model.score)) for of in offered)


def test_last_seasons_model_is_better_than_the_nearest_and_worse_than_what_can_be_learned() -> None:
    offered = choices()
    nearest = mean(chance(min(of, key=lambda one: one.distance)) for of in offered)

    season, learned, poisoned = (goes_well(kind, offered) for kind in ("season", "true", "poisoned"))

    assert nearest < season < learned - 0.05
    assert poisoned < nearest - 0.3
