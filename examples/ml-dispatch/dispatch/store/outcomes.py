"""What became of dispatches, in the order in which it became known: what a model that goes on learning reads."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Select, func, insert, select

from .tables import DISPATCHES, OFFERED, ORDERS, OUTCOMES


def tell(db: Connection, dispatch_id: int, rating: int | None, now: datetime) -> None:
    """It is known how a dispatch went: it was rated, or without a rating cancelled. What is known first counts."""
    if db.dialect.name == "postgresql":
        # Whoever reads on from a number must find nothing new below it: so numbers are given one after the other, each
        # held until it can be seen. SQLite has one writer at a time anyhow.
        db.execute(select(func.pg_advisory_xact_lock(2)))
    if db.scalar(select(OUTCOMES.c.id).where(OUTCOMES.c.dispatch_id == dispatch_id)) is None:
        told = {"dispatch_id": dispatch_id, "known_at": int(now.timestamp()), "rating": rating}
        db.execute(insert(OUTCOMES).values(told))


def outcomes_after(engine: Engine, number: int, before: int, most: int) -> Sequence[Any]:
    """The next outcomes after this one, as rows: of seconds before this one alone, which can bring no more."""
    wanted = _rows().where(OUTCOMES.c.id > number, OUTCOMES.c.known_at < before).order_by(OUTCOMES.c.id).limit(most)
    with engine.connect() as db:
        return list(db.execute(wanted))


def offered_last(engine: Engine, most: int) -> Sequence[Any]:
    """What there was to choose from in the last dispatches, as rows, the newest first."""
    with engine.connect() as db:
        return list(db.execute(select(OFFERED).order_by(OFFERED.c.dispatch_id.desc()).limit(most)))


def _rows() -> Select[Any]:
    known = (OUTCOMES.c.id.label("number"), OUTCOMES.c.known_at, OUTCOMES.c.rating.label("told"))
    joined = OUTCOMES.join(DISPATCHES).join(ORDERS, ORDERS.c.id == DISPATCHES.c.order_id)
    return select(*known, DISPATCHES, ORDERS.c.owner).select_from(joined)
