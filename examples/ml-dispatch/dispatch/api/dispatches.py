"""Assigning a vehicle, and what becomes of that: cancelled, completed, rated."""

from random import choice
from typing import Annotated

from fastapi import APIRouter, Path, Response
from fastapi.concurrency import run_in_threadpool

from dispatch.breakdown import Breakdown, breakdown
from dispatch.faults import Injected
from dispatch.model import ModelError
from dispatch.orders import can_take
from dispatch.store import Dispatch, NewDispatch

from .errors import Refusal, documented
from .orders import dispatch_answer
from .parts import Parts, PartsOf, User, now
from .schemas import CancelRequest, DispatchAnswer, DispatchRequest, Id, SurveyRequest

router = APIRouter(tags=["dispatches"], responses=documented(400, 401, 404, 409, 413, 422, 503))
DispatchId = Annotated[Id, Path()]


@router.post("/api/dispatches", status_code=201, responses={200: {"model": DispatchAnswer}})
async def assign(asked: DispatchRequest, user: User, parts: PartsOf, response: Response) -> DispatchAnswer:
    """Assign a vehicle to an order. The same again, as by a double click, is answered 200 with the same dispatch."""
    try:
        await parts.faults.before_assign()
    except Injected as error:
        raise Refusal(503, "unavailable", str(error)) from error
    dispatch, new = await run_in_threadpool(_assign, parts, user, asked)
    response.status_code = 201 if new else 200
    return dispatch_answer(dispatch)


def _assign(parts: Parts, user: str, asked: DispatchRequest) -> tuple[Dispatch, bool]:
    order = parts.order(user, asked.order_id)
    vehicles = parts.orders.vehicles()
    vehicle = next((one for one in vehicles if one.id == asked.vehicle_id), None)
    if vehicle is None:
        raise Refusal(404, "not_found", "There is no such vehicle.")
    if not can_take(vehicle, order):
        raise Refusal(422, "vehicle_unfit", f"{vehicle.code} can't take the order: too small, or without a lift.")
    most, at = max(one.turns for one in vehicles), now()
    seen = breakdown(order, vehicle, most, at)
    able = [one for one in vehicles if one.free and can_take(one, order)] or [vehicle]
    assisted, revision = asked.assigned_by == "ml_assisted", parts.deployed.revision
    new = NewDispatch(
        order_id=order.id,
        vehicle_id=vehicle.id,
        assigned_by=asked.assigned_by,
        group=parts.rollout.group(user),
        model=revision if assisted else None,
        score=_score(parts, revision, seen) if assisted else None,
        seen=seen,
        offered=breakdown(order, choice(able), most, at),  # noqa: S311 - a sample, and no secret
    )
    return parts.dispatches.assign(new, at)


def _score(parts: Parts, revision: str, seen: Breakdown) -> float | None:
    """What the model thinks of it; `None` where it can't be asked any more: the vehicle was chosen, and is assigned."""
    try:
        return parts.deployed.model(revision).score(seen)
    except ModelError:
        return None


@router.post("/api/dispatches/{dispatch_id}/cancel")
def cancel(dispatch_id: DispatchId, user: User, parts: PartsOf, asked: CancelRequest | None = None) -> DispatchAnswer:
    """Take the vehicle off its order. The order is open again, and can be given to another."""
    dispatch = _own(parts, user, dispatch_id)
    return dispatch_answer(parts.dispatches.cancel(dispatch, asked.reason if asked else None, now()))


@router.post("/api/dispatches/{dispatch_id}/complete")
def complete(dispatch_id: DispatchId, user: User, parts: PartsOf) -> DispatchAnswer:
    """The order is done, and the vehicle is free again."""
    return dispatch_answer(parts.dispatches.complete(_own(parts, user, dispatch_id)))


@router.post("/api/dispatches/{dispatch_id}/survey")
def survey(dispatch_id: DispatchId, asked: SurveyRequest, user: User, parts: PartsOf) -> DispatchAnswer:
    """Rate a dispatch, once. It counts for the group that the user was in when the vehicle was assigned.

    Of a user's ratings the first of a day and of the rollout's attempt counts; the others are kept all the same.
    """
    record = parts.rollout.state.record
    attempt = 0 if record is None else record.attempt
    dispatch, counts = parts.dispatches.rate(
        _own(parts, user, dispatch_id), asked.rating, asked.comment, now(), attempt=attempt
    )
    if counts:
        parts.satisfaction.labels(dispatch.group).observe(asked.rating)
    return dispatch_answer(dispatch)


def _own(parts: Parts, user: str, number: int) -> Dispatch:
    found = parts.dispatches.find(user, number)
    if found is None:
        raise Refusal(404, "not_found", "You have no such dispatch.")
    return found
