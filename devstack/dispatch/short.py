"""The short form of the demo, which ends by itself: a panel comes, its model breaks, and everybody has legacy again."""

import http.client
import json
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from devstack.console import say
from devstack.errors import DevstackError
from devstack.processes import wait_until

from .guide import member
from .house import House

WITHIN = 120.0
PAUSE = 0.2
"""Seconds between two looks: the flag server answers a user's session 20 times a second, and no more."""


@dataclass
class Person:
    """Somebody who uses the page's API, and whose group the flag server is asked for."""

    house: House
    user: str
    cookie: str = field(init=False)

    def __post_init__(self) -> None:
        answer, _ = _ask(self.house.service.url, "POST", "/api/session", {"user_id": self.user})
        self.cookie = answer.headers["Set-Cookie"].split(";")[0]

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """One call of the page."""
        answer, said = _ask(self.house.service.url, method, path, body, {"Cookie": self.cookie})
        return answer.status, said

    def order(self) -> int:
        """One that is open."""
        number: int = self.ask("GET", "/api/orders?status=open")[1]["orders"][0]["id"]
        return number

    def recommended(self) -> int:
        """What the ML path answers: 200, 403 for control, 503 where it fails."""
        return self.ask("POST", "/api/ml-dispatch/optimize", {"order_ids": [self.order()], "mode": "recommend"})[0]

    def has_panel(self) -> bool:
        """Whether the flag server tells the page that its user is in treatment."""
        config = self.ask("GET", "/api/config")[1]
        context = {"context": {"targetingKey": self.user, "revision": config["revision"]}}
        route = f"/ofrep/v1/evaluate/flags/{config['flag']}"
        _, said = _ask(config["ofrep"], "POST", route, context, config["headers"])
        return bool(said["value"])

    def assigned(self, assigned_by: str) -> dict[str, Any]:
        """A dispatch of the nearest vehicle that is still there."""
        for _ in range(10):
            order = self.order()
            for near in self.ask("GET", f"/api/orders/{order}/nearest")[1]["vehicles"]:
                asked = {"order_id": order, "vehicle_id": near["vehicle_id"], "assigned_by": assigned_by}
                status, made = self.ask("POST", "/api/dispatches", asked)
                if status == http.client.CREATED:
                    return dict(made)
        raise DevstackError("No vehicle could be assigned by the legacy path.")


def play(house: House) -> None:
    """Show it, and raise where something does not happen as promised."""
    early, later = Person(house, member(0, 10)), Person(house, member(10, 30))
    say(f"Waiting until {early.user} gets the ML panel at 10 %, and {later.user} at 30 %.")
    _until(lambda: early.has_panel() and early.recommended() == http.client.OK, "the panel at 10 %")
    _until(lambda: later.has_panel() and later.recommended() == http.client.OK, "the panel at 30 %")
    _until(lambda: _satisfaction(house) is not None, "somebody's rating")
    say(f"Satisfaction by the survey is {_satisfaction(house):.2f}. Now the model breaks.")
    began = time.monotonic()
    _ask(house.service.url, "POST", "/faults", {"ml": "fail"})
    if early.recommended() != http.client.SERVICE_UNAVAILABLE:
        raise DevstackError("The broken model still answered.")
    made = early.assigned("legacy")
    say(f"The legacy path assigned {made['vehicle_code']} meanwhile. Waiting for the operator.")
    _until(lambda: not early.has_panel() and not later.has_panel(), "the rollback")
    seconds = time.monotonic() - began
    if early.recommended() != http.client.FORBIDDEN:
        raise DevstackError("The service still gives the ML path after the rollback.")
    _until(lambda: house.phone.of("ranker-1"), "the message of the rollback")
    say(f"Nobody is in treatment {seconds:.1f} s after the model broke, and a phone was told:")
    rang = house.phone.of("ranker-1")
    print(*(rang.lines if rang else ()), sep="\n")


def _satisfaction(house: House) -> float | None:
    headers = {"Authorization": f"Bearer {house.flags.token}"}
    route = "/api/ml-dispatch/monitoring/metrics?window_minutes=5"
    _, said = _ask(house.flags.url, "GET", route, headers=headers)
    found: float | None = said["average_satisfaction"]
    return found


def _until(condition: Callable[[], object], what: str) -> None:
    def now_and_then() -> object:
        time.sleep(PAUSE)
        return condition() or None

    wait_until(now_and_then, within=WITHIN, what=what)


def _ask(
    url: str, method: str, path: str, body: object = None, headers: dict[str, str] | None = None
) -> tuple[http.client.HTTPResponse, Any]:
    told = {"Content-Type": "application/json", **(headers or {})}
    with closing(http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)) as connection:
        connection.request(method, path, None if body is None else json.dumps(body), told)
        answer = connection.getresponse()
        said = answer.read()
        return answer, json.loads(said) if said else None
