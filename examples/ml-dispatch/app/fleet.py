"""The little world that is dispatched in: vehicles, and orders that come from anywhere in it."""

from dataclasses import dataclass
from random import Random

VEHICLES = 300
OUT_OF_RANGE = 14
REGIONS = 4
VOLTAGES = (12, 24)
DAY = 24.0


@dataclass(frozen=True, slots=True)
class Vehicle:
    """A vehicle that could take an order.

    Attributes:
        code: How people call it.
        x: Where it is, on a map of side 1; likewise `y`.
        y: See `x`.
        rotation: Its share of the turns so far, 0 to 1; a fair dispatcher prefers a low one.
        free_at: The hour from which it is free.
        preferences: How much its driver likes each region, 0 to 1.
        volts: What its cold box runs on.
        range_km: How far its battery still takes it; 0 while it charges.
    """

    code: str
    x: float
    y: float
    rotation: float
    free_at: float
    preferences: tuple[float, ...]
    volts: int
    range_km: float


@dataclass(frozen=True, slots=True)
class Order:
    """Something to be fetched.

    Attributes:
        x: Where, on the same map; likewise `y`.
        y: See `x`.
        hour: When it should be fetched.
        region: Which region it goes to.
        volts: What its cold box needs.
        trip_km: How long the trip is.
    """

    x: float
    y: float
    hour: float
    region: int
    volts: int
    trip_km: float


def fleet(seed: int = 0) -> tuple[Vehicle, ...]:
    """The same vehicles for the same seed."""
    rng = Random(seed)  # noqa: S311 - a world, not a secret
    return tuple(_vehicle(rng, number) for number in range(VEHICLES))


def _vehicle(rng: Random, number: int) -> Vehicle:
    return Vehicle(
        code=f"V{number:03}",
        x=rng.random(),
        y=rng.random(),
        rotation=rng.random(),
        free_at=rng.uniform(0, DAY),
        preferences=tuple(rng.random() for _ in range(REGIONS)),
        volts=rng.choice(VOLTAGES),
        range_km=0.0 if number < OUT_OF_RANGE else rng.uniform(80, 400),
    )


def order(rng: Random) -> Order:
    """An order from anywhere, at any hour."""
    return Order(
        x=rng.random(),
        y=rng.random(),
        hour=rng.uniform(0, DAY),
        region=rng.randrange(REGIONS),
        volts=rng.choice(VOLTAGES),
        trip_km=rng.uniform(5, 60),
    )
