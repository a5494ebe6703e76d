"""The legacy path: the nearest vehicles that can take the order. It knows no model, so it can't fail with one."""

from collections.abc import Iterable

from .orders import Order, Vehicle, can_take

MOST = 5


def nearest(order: Order, vehicles: Iterable[Vehicle]) -> list[tuple[Vehicle, float]]:
    """Free vehicles and their kilometres to the pickup, the nearest first."""
    able = [vehicle for vehicle in vehicles if vehicle.free and can_take(vehicle, order)]
    ways = [(vehicle, vehicle.position.to(order.pickup)) for vehicle in able]
    return sorted(ways, key=lambda way: (way[1], way[0].id))[:MOST]
