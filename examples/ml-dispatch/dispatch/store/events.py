"""What the page tells of itself: that a panel was shown, or a fallback and why."""

import json
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Engine, insert

from .tables import EVENTS


class Events:
    """Everything that pages have told."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def keep(self, user: str, name: str, order_id: int | None, details: Mapping[str, object], now: datetime) -> None:
        """Remember one."""
        told = {"user": user, "at": int(now.timestamp()), "name": name, "order_id": order_id}
        with self._engine.begin() as db:
            db.execute(insert(EVENTS).values(told | {"details": json.dumps(details)}))
