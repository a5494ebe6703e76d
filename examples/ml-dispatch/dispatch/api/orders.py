"""Orders, vehicles, and the legacy path."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from dispatch.nearest import nearest as nearest_vehicles
from dispatch.orders import Order
from dispatch.store import Dispatch

from .errors import documented
from .parts import PartsOf, User
from .schemas import (
    DispatchAnswer,
    Id,
    NearAnswer,
    NearestAnswer,
    OrderAnswer,
    OrdersAnswer,
    OrderStatus,
    Place,
    TimeWindow,
    VehicleAnswer,
    VehiclesAnswer,
)

router = APIRouter(tags=["orders"], responses=documented(401, 503))


@router.get("/api/orders", responses=documented(422))
def orders(user: User, parts: PartsOf, status: Annotated[OrderStatus | None, Query()] = None) -> OrdersAnswer:
    """The user's orders, at most 500; of one status, if it is given."""
    found = parts.orders.of(user, status)
    dispatches = parts.dispatches.of([order.id for order in found])
    return OrdersAnswer(orders=[_order(order, dispatches.get(order.id)) for order in found])


@router.get("/api/vehicles")
def vehicles(_: User, parts: PartsOf) -> VehiclesAnswer:
    """The fleet."""
    return VehiclesAnswer(
        vehicles=[
            VehicleAnswer(
                id=vehicle.id,
                code=vehicle.code,
                capacity_kg=vehicle.capacity_kg,
                voltage=vehicle.voltage,
                lift=vehicle.lift,
                position=Place(x=vehicle.position.x, y=vehicle.position.y),
                free=vehicle.free,
            )
            for vehicle in parts.orders.vehicles()
        ]
    )


@router.get("/api/orders/{order_id}/nearest", responses=documented(404, 422))
def nearest(order_id: Annotated[Id, Path()], user: User, parts: PartsOf) -> NearestAnswer:
    """The legacy path. Of users in control it is what the ML path is compared with.

    A user in treatment comes here where the ML path has failed, which is counted already.
    """
    order = parts.order(user, order_id)
    with parts.feature.observe(user) as call:
        if call.treatment:
            call.forget()
        near = nearest_vehicles(order, parts.orders.vehicles())
        return NearestAnswer(
            vehicles=[
                NearAnswer(vehicle_id=vehicle.id, vehicle_code=vehicle.code, distance_km=round(way, 1))
                for vehicle, way in near
            ]
        )


def dispatch_answer(dispatch: Dispatch) -> DispatchAnswer:
    """A dispatch as it is sent."""
    return DispatchAnswer.model_validate(dispatch, from_attributes=True)


def _order(order: Order, dispatch: Dispatch | None) -> OrderAnswer:
    return OrderAnswer(
        id=order.id,
        code=order.code,
        customer=order.customer,
        pickup=Place(x=order.pickup.x, y=order.pickup.y),
        dropoff=Place(x=order.dropoff.x, y=order.dropoff.y),
        load_kg=order.load_kg,
        needs_voltage=order.needs_voltage,
        needs_lift=order.needs_lift,
        window=TimeWindow(begins=order.window.begins, ends=order.window.ends),
        status=order.status,
        dispatch=dispatch_answer(dispatch) if dispatch else None,
    )
