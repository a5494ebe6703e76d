"""What the routes work with."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, cast

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyCookie
from mlrollout import Feature, Rollout
from prometheus_client import CollectorRegistry, Histogram

from dispatch.deployed import Served
from dispatch.faults import Faults
from dispatch.orders import Order
from dispatch.sessions import COOKIE, Sessions
from dispatch.store import Dispatches, Events, Orders

from .errors import Refusal


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that a route may need.

    Attributes:
        orders: Orders and vehicles.
        dispatches: Who drives what.
        events: What pages tell.
        rollout: Who is in treatment.
        feature: Measures both paths.
        deployed: The model.
        sessions: Who is who.
        satisfaction: The survey's ratings, by group.
        registry: What Prometheus reads.
        ofrep: Where the flag server is.
        flag: What it calls this rollout.
        ml_timeout: Seconds that the ML path may take.
        faults: What was switched on to fail.
    """

    orders: Orders
    dispatches: Dispatches
    events: Events
    rollout: Rollout
    feature: Feature
    deployed: Served
    sessions: Sessions
    satisfaction: Histogram
    registry: CollectorRegistry
    ofrep: str
    flag: str = "ml-dispatch"
    ml_timeout: float = 2.0
    faults: Faults = field(default_factory=Faults)

    def order(self, user: str, number: int) -> Order:
        """This order of this user; another's is not found."""
        found = self.orders.find(user, [number]).get(number)
        if found is None:
            raise Refusal(404, "not_found", "You have no such order.")
        return found


def _parts(request: Request) -> Parts:
    return cast("Parts", request.app.state.parts)


PartsOf = Annotated[Parts, Depends(_parts)]


def _user(parts: PartsOf, cookie: Annotated[str | None, Security(APIKeyCookie(name=COOKIE, auto_error=False))]) -> str:
    user = parts.sessions.user(cookie)
    if user is None:
        raise Refusal(401, "not_signed_in", "Sign in first: POST /api/session.")
    return user


User = Annotated[str, Depends(_user)]
"""Who is signed in; without a session the route is answered 401."""


def now() -> datetime:
    """This moment."""
    return datetime.now(UTC)
