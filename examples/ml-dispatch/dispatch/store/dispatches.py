"""Which vehicle drives which order, and what becomes of it."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, Select, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from dispatch.breakdown import Breakdown
from dispatch.fleet import SHIFT

from .outcomes import tell
from .tables import COUNTED, DISPATCHES, OFFERED, ORDERS, VEHICLES

DAY = 86_400
"""Seconds in which one rating of a user counts: a day of UTC."""
ASSIGNED, CANCELLED, COMPLETED = "assigned", "cancelled", "completed"


class Conflict(Exception):  # noqa: N818 - it is HTTP's word for it
    """What is asked for does not go with what has happened already; its text is for people."""


@dataclass(frozen=True, slots=True)
class NewDispatch:
    """A vehicle for an order, as somebody wants it.

    Attributes:
        order_id: The order.
        vehicle_id: The vehicle.
        assigned_by: `ml_assisted` or `legacy`: what the page showed.
        group: The user's group at that moment.
        model: The revision whose recommendation it was.
        score: What that model thought of it.
        seen: How the vehicle suits the order: what a later model learns from.
        offered: How another one would have, drawn by lot of all that could take it.
    """

    order_id: int
    vehicle_id: int
    assigned_by: str
    group: str
    model: str | None
    score: float | None
    seen: Breakdown
    offered: Breakdown | None = None


@dataclass(frozen=True, slots=True)
class Dispatch:
    """A vehicle that was assigned to an order."""

    id: int
    order_id: int
    vehicle_id: int
    vehicle_code: str
    assigned_by: str
    assigned_at: datetime
    group: str
    model: str | None
    score: float | None
    seen: Breakdown
    status: str
    rating: int | None


class Dispatches:
    """Every dispatch, of which an order has one at most that is not cancelled, and a vehicle one that is under way."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def assign(self, new: NewDispatch, now: datetime) -> tuple[Dispatch, bool]:
        """Assign a vehicle. Asked again, it answers with the same dispatch.

        Returns:
            The dispatch, and whether it is new.

        Raises:
            Conflict: The order has another vehicle, or the vehicle another order.
        """
        try:
            with self._engine.begin() as db:
                row = asdict(new) | {"assigned_at": int(now.timestamp()), "status": ASSIGNED}
                seen, offered = row.pop("seen"), row.pop("offered")
                made = db.execute(insert(DISPATCHES).values(row | seen)).inserted_primary_key
                if offered:
                    db.execute(insert(OFFERED).values(offered | {"dispatch_id": made[0]}))
                db.execute(update(ORDERS).where(ORDERS.c.id == new.order_id).values(status=ASSIGNED))
                return self._read(db, made[0]), True
        except IntegrityError:
            return self._before(new), False

    def _before(self, new: NewDispatch) -> Dispatch:
        """The dispatch that is in the way, which may be the same one."""
        earlier = self.of([new.order_id]).get(new.order_id)
        if earlier is None:
            raise Conflict("The vehicle has been given to another order.")
        if earlier.vehicle_id != new.vehicle_id:
            raise Conflict(f"The order has a vehicle already: {earlier.vehicle_code}.")
        return earlier

    def of(self, order_ids: Iterable[int]) -> dict[int, Dispatch]:
        """The dispatch of each of these orders that has one, by the order's number."""
        wanted = _joined().where(DISPATCHES.c.order_id.in_(list(order_ids)), DISPATCHES.c.status != CANCELLED)
        with self._engine.connect() as db:
            return {row.order_id: _dispatch(row) for row in db.execute(wanted)}

    def find(self, user: str, number: int) -> Dispatch | None:
        """The dispatch of this number, if it is of an order of this user."""
        wanted = _joined().where(DISPATCHES.c.id == number, ORDERS.c.owner == user)
        with self._engine.connect() as db:
            row = db.execute(wanted).first()
            return _dispatch(row) if row else None

    def cancel(self, dispatch: Dispatch, reason: str | None, now: datetime) -> Dispatch:
        """Take the vehicle off its order, which is open again then."""
        with self._engine.begin() as db:
            if self._ends(db, dispatch, CANCELLED, reason=reason):
                tell(db, dispatch.id, None, now)
                db.execute(update(ORDERS).where(ORDERS.c.id == dispatch.order_id).values(status="open"))
            return self._read(db, dispatch.id)

    def complete(self, dispatch: Dispatch) -> Dispatch:
        """The order is done: the vehicle has had one turn more, stands where the order ended, and is free."""
        with self._engine.begin() as db:
            if self._ends(db, dispatch, COMPLETED):
                order = db.execute(select(ORDERS).where(ORDERS.c.id == dispatch.order_id)).one()
                there = {"turns": (VEHICLES.c.turns + 1) % SHIFT, "x": order.dropoff_x, "y": order.dropoff_y}
                db.execute(update(VEHICLES).where(VEHICLES.c.id == dispatch.vehicle_id).values(there))
                db.execute(update(ORDERS).where(ORDERS.c.id == order.id).values(status=COMPLETED))
            return self._read(db, dispatch.id)

    def _ends(self, db: Connection, dispatch: Dispatch, status: str, reason: str | None = None) -> bool:
        """Whether it ends by this call, and not by an earlier one like it."""
        under_way = (DISPATCHES.c.id == dispatch.id, DISPATCHES.c.status == ASSIGNED)
        if db.execute(update(DISPATCHES).where(*under_way).values(status=status, reason=reason)).rowcount:
            return True
        ended = self._read(db, dispatch.id).status
        if ended != status:
            raise Conflict(f"The dispatch is {ended} already.")
        return False

    def rate(
        self, dispatch: Dispatch, rating: int, comment: str | None, now: datetime, *, attempt: int = 0
    ) -> tuple[Dispatch, bool]:
        """Answer the survey, once.

        Args:
            dispatch: The dispatch.
            rating: From 1 to 5.
            comment: What else there is to say.
            now: When.
            attempt: The rollout's attempt, with which counting begins anew; 0 where there is none.

        Returns:
            The dispatch, and whether the answer counts for the metric. Of a user one does in an attempt and a day, the
            first: guardrails go by users, and one who rates all day must not decide for the others.

        Raises:
            Conflict: It was rated otherwise before, or is cancelled: there is nothing to rate.
        """
        unrated = (DISPATCHES.c.id == dispatch.id, DISPATCHES.c.status != CANCELLED, DISPATCHES.c.rating.is_(None))
        with self._engine.begin() as db:
            answer = update(DISPATCHES).where(*unrated).values(rating=rating, comment=comment)
            counts = bool(db.execute(answer).rowcount)
            if counts:
                tell(db, dispatch.id, rating, now)
                counts = _is_first(db, dispatch, attempt, now)
            rated = self._read(db, dispatch.id)
            said = db.scalar(select(DISPATCHES.c.comment).where(DISPATCHES.c.id == dispatch.id))
        if (rated.rating, said) != (rating, comment):
            raise Conflict("The dispatch is cancelled." if rated.rating is None else "The dispatch is rated already.")
        return rated, counts

    def _read(self, db: Connection, number: int) -> Dispatch:
        return _dispatch(db.execute(_joined().where(DISPATCHES.c.id == number)).one())


def _is_first(db: Connection, dispatch: Dispatch, attempt: int, now: datetime) -> bool:
    """Whether no rating of the dispatch's user has counted in this attempt and on this day; now this one has."""
    owner = db.scalar(select(ORDERS.c.owner).where(ORDERS.c.id == dispatch.order_id))
    counted = {"owner": owner, "attempt": attempt, "day": int(now.timestamp()) // DAY}
    dialect = postgresql if db.dialect.name == "postgresql" else sqlite
    added = dialect.insert(COUNTED).values(counted).on_conflict_do_nothing().returning(COUNTED.c.owner)
    return db.execute(added).first() is not None


def _joined() -> Select[Any]:
    code = VEHICLES.c.code.label("vehicle_code")
    return select(DISPATCHES, code).join(VEHICLES).join(ORDERS, ORDERS.c.id == DISPATCHES.c.order_id)


def _dispatch(row: Any) -> Dispatch:  # noqa: ANN401 - a row has what its table has
    return Dispatch(
        id=row.id,
        order_id=row.order_id,
        vehicle_id=row.vehicle_id,
        vehicle_code=row.vehicle_code,
        assigned_by=row.assigned_by,
        assigned_at=datetime.fromtimestamp(row.assigned_at, UTC),
        group=row.group,
        model=row.model,
        score=row.score,
        seen=Breakdown(row.distance, row.rotation, row.time_window, row.preference, row.voltage),
        status=row.status,
        rating=row.rating,
    )
