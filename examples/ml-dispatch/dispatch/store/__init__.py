"""What the service remembers, in SQLite or PostgreSQL."""

from .dispatches import Conflict, Dispatch, Dispatches, NewDispatch
from .events import Events
from .orders import Orders
from .outcomes import offered_last, outcomes_after
from .tables import connect

__all__ = [
    "Conflict",
    "Dispatch",
    "Dispatches",
    "Events",
    "NewDispatch",
    "Orders",
    "connect",
    "offered_last",
    "outcomes_after",
]
