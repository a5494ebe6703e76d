"""The tables, and the way to them. The same statements do for SQLite and PostgreSQL."""

from time import monotonic, sleep
from zlib import crc32

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Engine,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    create_engine,
    event,
    false,
    func,
    select,
    update,
)
from sqlalchemy.exc import OperationalError
from sqlalchemy.schema import CreateIndex, CreateTable

METADATA = MetaData()
# SQLite numbers rows by itself only where the type is exactly INTEGER.
ID = BigInteger().with_variant(Integer, "sqlite")
SECONDS = 5
"""That a statement may wait, so that no request hangs on a database that does."""

VEHICLES = Table(
    "vehicles",
    METADATA,
    Column("id", ID, primary_key=True),
    Column("code", String, nullable=False),
    Column("capacity_kg", Integer, nullable=False),
    Column("voltage", String, nullable=False),
    Column("lift", Boolean, nullable=False),
    Column("x", Float, nullable=False),
    Column("y", Float, nullable=False),
    Column("home_x", Float, nullable=False),
    Column("home_y", Float, nullable=False),
    Column("turns", Integer, nullable=False),
    Column("busy_minutes", Integer, nullable=False),
)

ORDERS = Table(
    "orders",
    METADATA,
    Column("id", ID, primary_key=True),
    Column("owner", String, nullable=False, index=True),
    Column("customer", String, nullable=False),
    Column("pickup_x", Float, nullable=False),
    Column("pickup_y", Float, nullable=False),
    Column("dropoff_x", Float, nullable=False),
    Column("dropoff_y", Float, nullable=False),
    Column("load_kg", Integer, nullable=False),
    Column("needs_voltage", String),
    Column("needs_lift", Boolean, nullable=False),
    Column("begins", BigInteger, nullable=False),  # seconds since the epoch, as all times here
    Column("ends", BigInteger, nullable=False),
    Column("status", String, nullable=False),
)

DISPATCHES = Table(
    "dispatches",
    METADATA,
    Column("id", ID, primary_key=True),
    Column("order_id", ForeignKey("orders.id"), nullable=False),
    Column("vehicle_id", ForeignKey("vehicles.id"), nullable=False),
    Column("assigned_by", String, nullable=False),
    Column("assigned_at", BigInteger, nullable=False),
    Column("group", String, nullable=False),
    Column("model", String),
    Column("score", Float),
    Column("distance", Float, nullable=False),
    Column("rotation", Float, nullable=False),
    Column("time_window", Float, nullable=False),
    Column("preference", Float, nullable=False),
    Column("voltage", Boolean, nullable=False),
    Column("status", String, nullable=False),
    Column("reason", String),
    Column("rating", Integer),
    Column("comment", String),
)
# These two make a double click harmless, and two people who want one vehicle: whatever the service has looked up
# before, the database lets only one of them in.
Index(
    "one_dispatch_of_an_order",
    DISPATCHES.c.order_id,
    unique=True,
    sqlite_where=DISPATCHES.c.status != "cancelled",
    postgresql_where=DISPATCHES.c.status != "cancelled",
)
Index(
    "one_order_on_a_vehicle",
    DISPATCHES.c.vehicle_id,
    unique=True,
    sqlite_where=DISPATCHES.c.status == "assigned",
    postgresql_where=DISPATCHES.c.status == "assigned",
)

OFFERED = Table(
    "offered",
    METADATA,
    Column("dispatch_id", ForeignKey("dispatches.id"), primary_key=True),
    Column("distance", Float, nullable=False),
    Column("rotation", Float, nullable=False),
    Column("time_window", Float, nullable=False),
    Column("preference", Float, nullable=False),
    Column("voltage", Boolean, nullable=False),
)
"""Of each dispatch a vehicle that could have been taken, drawn by lot: what there is to choose from, whoever chose."""

OUTCOMES = Table(
    "outcomes",
    METADATA,
    Column("id", ID, primary_key=True),
    Column("dispatch_id", ForeignKey("dispatches.id"), nullable=False, unique=True),
    Column("known_at", BigInteger, nullable=False),
    Column("rating", Integer),
)
"""What became of dispatches, in the order in which it became known; without a rating it was cancelled."""

COUNTED = Table(
    "counted",
    METADATA,
    Column("owner", String, primary_key=True),
    Column("attempt", BigInteger, primary_key=True),
    Column("day", BigInteger, primary_key=True),
)
"""Whose rating has counted for the survey's metric, in which attempt of the rollout and on which day since 1970."""

EVENTS = Table(
    "events",
    METADATA,
    Column("id", ID, primary_key=True),
    Column("user", String, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("name", String, nullable=False),
    Column("order_id", BigInteger),
    Column("details", String, nullable=False),
)


def connect(url: str) -> Engine:
    """The database behind this URL, with its tables: `sqlite:///dispatch.db`, or `postgresql+psycopg://…`."""
    if url.startswith(("postgres://", "postgresql://")):
        url = "postgresql+psycopg://" + url.split("://", 1)[1]
    engine = create_engine(url, pool_pre_ping=True, pool_timeout=SECONDS, **_options(url))
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare)
    _create_in_time(engine)
    return engine


def _create_in_time(engine: Engine) -> None:
    """Create the tables, again and again for a moment: SQLite does not wait where another process prepares its file."""
    ends = monotonic() + SECONDS
    while True:
        try:
            return _create(engine)
        except OperationalError:
            if monotonic() > ends:
                raise
            sleep(0.05)


def _create(engine: Engine) -> None:
    """The tables that are not there yet. Processes that start at once do not stumble over each other's."""
    with engine.begin() as db:
        if engine.dialect.name == "postgresql":
            db.execute(select(func.pg_advisory_xact_lock(1)))  # there, "if not exists" alone can fail
        for table in METADATA.sorted_tables:
            db.execute(CreateTable(table, if_not_exists=True))
            for index in sorted(table.indexes, key=lambda index: str(index.name)):
                db.execute(CreateIndex(index, if_not_exists=True))


def alone(db: Connection, owner: str) -> None:
    """Have whoever else says this of the same owner wait until this transaction ends, before anything is looked up."""
    if db.dialect.name == "postgresql":
        db.execute(select(func.pg_advisory_xact_lock(crc32(owner.encode()))))
    else:  # of SQLite's transactions one writes at a time, be it nothing
        db.execute(update(ORDERS).where(false()).values(status="open"))


def _options(url: str) -> dict[str, object]:
    """How long a statement may wait, in each database's words."""
    if url.startswith("sqlite"):
        return {"connect_args": {"timeout": SECONDS}}
    return {"connect_args": {"connect_timeout": SECONDS, "options": f"-c statement_timeout={SECONDS}s"}}


def _prepare(connection: Connection, _: object) -> None:
    connection.execute("PRAGMA journal_mode=WAL")  # readers do not wait for a writer
    connection.execute("PRAGMA foreign_keys=ON")
