"""`python -m dispatch.load --url http://127.0.0.1:8000`: users at their work, until interrupted.

Each looks at an order as the page does: by the ML path, and where that is not theirs or fails, by the legacy path. Some
assign what comes first, complete it, and say how content they are: as it went, by the truth of the history.
"""

import argparse
import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Any

import httpx

from .breakdown import Breakdown
from .history import chance

USERS = 1000
"""More than rate in one attempt of a demo: of each user one rating counts in it."""
ASSIGN = 0.3
"""The share of looks that end in an assignment, unless another is asked for."""
CANCEL = 0.1
"""The share of assignments that somebody cancels."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The vehicle that a user takes, and by which path."""

    vehicle: int
    assigned_by: str


class Users:
    """People with browsers: each is signed in and knows their open orders.

    Args:
        http: Asks the service.
        rng: What they happen to do.
        assign: The share of looks that end in an assignment.
    """

    def __init__(self, http: httpx.AsyncClient, rng: Random, assign: float) -> None:
        self._http = http
        self._rng = rng
        self._assigning = assign
        self._cookies: dict[str, str] = {}
        self._orders: dict[str, list[int]] = {}

    async def work(self) -> None:
        """One of them looks at an order."""
        user = f"user-{self._rng.randrange(USERS)}"
        if not self._orders.get(user):
            await self._sign_in(user)
        order = self._orders[user].pop()
        choice = await self._look(user, order)
        if choice and self._rng.random() < self._assigning:
            await self._assign(user, order, choice)

    async def _sign_in(self, user: str) -> None:
        signed = await self._http.post("/api/session", json={"user_id": user})
        self._cookies[user] = signed.headers["set-cookie"].split(";")[0]
        orders = await self._ask(user, "GET", "/api/orders?status=open")
        self._orders[user] = [order["id"] for order in orders["orders"]]

    async def _look(self, user: str, order: int) -> Choice | None:
        asked = {"order_ids": [order], "mode": "recommend"}
        with suppress(httpx.HTTPStatusError):  # control, or the model has failed: what the page does then
            found = await self._ask(user, "POST", "/api/ml-dispatch/optimize", asked)
            best = found["results"][0]["top_3"][:1]
            return Choice(best[0]["vehicle_id"], "ml_assisted") if best else None
        near = (await self._ask(user, "GET", f"/api/orders/{order}/nearest"))["vehicles"]
        return Choice(near[0]["vehicle_id"], "legacy") if near else None

    async def _assign(self, user: str, order: int, choice: Choice) -> None:
        asked = {"order_id": order, "vehicle_id": choice.vehicle, "assigned_by": choice.assigned_by}
        made = await self._ask(user, "POST", "/api/dispatches", asked)
        if self._rng.random() < CANCEL:
            await self._ask(user, "POST", f"/api/dispatches/{made['id']}/cancel", {"reason": "the customer called off"})
            return
        await self._ask(user, "POST", f"/api/dispatches/{made['id']}/complete")
        rating = 5 if self._rng.random() < chance(Breakdown(**made["breakdown"])) else 3
        await self._ask(user, "POST", f"/api/dispatches/{made['id']}/survey", {"rating": rating})

    async def _ask(self, user: str, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
        answer = await self._http.request(method, path, json=body, headers={"Cookie": self._cookies[user]})
        answer.raise_for_status()
        return answer.json()


async def load(url: str, per_second: float, assign: float = ASSIGN) -> None:
    """Work at this rate until cancelled, at random moments and without waiting for answers."""
    rng = Random(1)  # noqa: S311 - synthetic users
    async with httpx.AsyncClient(base_url=url, timeout=5, trust_env=False) as http, asyncio.TaskGroup() as working:
        users = Users(http, rng, assign)
        while True:
            await asyncio.sleep(rng.expovariate(per_second))
            working.create_task(_bear(users.work()))


async def _bear(work: Coroutine[Any, Any, None]) -> None:
    with suppress(httpx.HTTPError):  # who gets no answer, or a vehicle that was just taken, looks again some time
        await work


def main() -> None:
    """Work until interrupted."""
    parser = argparse.ArgumentParser(prog="dispatch.load", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="the service")
    parser.add_argument("--rate", type=float, default=30, help="looks at orders per second (default: 30)")
    parser.add_argument(
        "--assign", type=float, default=ASSIGN, help=f"share that ends in an assignment (default: {ASSIGN})"
    )
    options = parser.parse_args()
    with suppress(KeyboardInterrupt):
        asyncio.run(load(options.url, options.rate, options.assign))


if __name__ == "__main__":
    main()
