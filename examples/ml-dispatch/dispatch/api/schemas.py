"""What goes over HTTP, as OpenAPI tells it."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


def _whole(value: object) -> object:
    """JSON does not tell 7 from 7.0."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Id = Annotated[int, Field(ge=1, le=2**53 - 1), BeforeValidator(_whole)]
"""A number that every JSON parser keeps."""
UserId = Annotated[str, Field(pattern=r"^[A-Za-z0-9._@-]{1,64}$")]
Text = Annotated[str, Field(max_length=500, pattern=r"^[^\x00]*$")]
Share = Annotated[float, Field(ge=0, le=1)]
AssignedBy = Literal["ml_assisted", "legacy"]
OrderStatus = Literal["open", "assigned", "completed"]


class Asked(BaseModel):
    """A body: what is not known is an error, and nothing is converted."""

    model_config = ConfigDict(extra="forbid", strict=True)


class SessionRequest(Asked):
    """Who wants to sign in."""

    user_id: UserId


class SessionAnswer(BaseModel):
    """Who is signed in."""

    user_id: str


class Place(BaseModel):
    """Kilometres on the map."""

    x: float
    y: float


class TimeWindow(BaseModel):
    """When a vehicle should come."""

    model_config = ConfigDict(populate_by_name=True)

    begins: Annotated[datetime, Field(alias="from")]
    ends: Annotated[datetime, Field(alias="to")]


class BreakdownAnswer(BaseModel):
    """What a score stands on; distance and rotation are costs."""

    distance: Share
    rotation: Share
    time_window: Share
    preference: Share
    voltage: bool


class DispatchAnswer(BaseModel):
    """A vehicle that was assigned to an order."""

    id: Id
    order_id: Id
    vehicle_id: Id
    vehicle_code: str
    assigned_by: AssignedBy
    assigned_at: datetime
    model: str | None
    score: Share | None
    breakdown: Annotated[BreakdownAnswer, Field(validation_alias="seen")]
    status: Literal["assigned", "cancelled", "completed"]
    rating: int | None


class OrderAnswer(BaseModel):
    """An order of the user."""

    id: Id
    code: str
    customer: str
    pickup: Place
    dropoff: Place
    load_kg: int
    needs_voltage: str | None
    needs_lift: bool
    window: TimeWindow
    status: OrderStatus
    dispatch: DispatchAnswer | None


class OrdersAnswer(BaseModel):
    """The user's orders, the oldest first."""

    orders: list[OrderAnswer]


class VehicleAnswer(BaseModel):
    """A vehicle of the fleet."""

    id: Id
    code: str
    capacity_kg: int
    voltage: str
    lift: bool
    position: Place
    free: bool


class VehiclesAnswer(BaseModel):
    """The fleet."""

    vehicles: list[VehicleAnswer]


class NearAnswer(BaseModel):
    """A vehicle near an order's pickup."""

    vehicle_id: Id
    vehicle_code: str
    distance_km: float


class NearestAnswer(BaseModel):
    """What the legacy path offers: vehicles that can take the order, the nearest first."""

    vehicles: list[NearAnswer]


class OptimizeRequest(Asked):
    """Orders that want a recommendation."""

    order_ids: Annotated[list[Id], Field(min_length=1, max_length=50)]
    mode: Literal["recommend"]


class RecommendationAnswer(BaseModel):
    """A vehicle that the model recommends."""

    rank: int
    vehicle_id: Id
    vehicle_code: str
    score: Share
    reason: str
    breakdown: BreakdownAnswer


class OptimizeResult(BaseModel):
    """The best vehicles for an order; none where no vehicle can take it."""

    order_id: Id
    top_3: list[RecommendationAnswer]


class OptimizeAnswer(BaseModel):
    """What the ML path recommends, and which model did."""

    model: str
    results: list[OptimizeResult]


class DispatchRequest(Asked):
    """Assign this vehicle to this order."""

    order_id: Id
    vehicle_id: Id
    assigned_by: AssignedBy


class CancelRequest(Asked):
    """Why the vehicle is taken off its order."""

    reason: Text | None = None


class SurveyRequest(Asked):
    """How content the user is with a dispatch."""

    rating: Annotated[int, Field(ge=1, le=5), BeforeValidator(_whole)]
    comment: Text | None = None


class EventRequest(BaseModel):
    """What a page tells of itself; fields besides are kept as they are."""

    model_config = ConfigDict(extra="allow", strict=True)

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.-]{0,39}$")]
    order_id: Id | None = None


class ConfigAnswer(BaseModel):
    """How the page asks the flag server for the user's group.

    Attributes:
        ofrep: The flag server's address.
        flag: The flag.
        user_id: The targeting key.
        headers: What to send with each question.
        revision: The model that this service runs, for the evaluation's context.
    """

    ofrep: str
    flag: str
    user_id: str
    headers: dict[str, str]
    revision: str
