"""What the service remembers, in SQLite or PostgreSQL."""

from .dispatches import Conflict, Dispatch, Dispatches, NewDispatch
from .events import Events
from .orders import Orders
from .tables import connect

__all__ = ["Conflict", "Dispatch", "Dispatches", "Events", "NewDispatch", "Orders", "connect"]
