"""The operator in a world of doubles, in virtual time.

Everything works unless a test says otherwise, so that a test holds one interleaving and nothing else.
"""

# ruff: noqa: ARG002 - the ports say which arguments there are

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from mlrollout.api.revision_from import RevisionFrom
from mlrollout.api.spec import Spec
from mlrollout.notify.config import NotificationConfig
from mlrollout.ports import (
    Clock,
    EventToPost,
    Object,
    Ref,
)
from mlrollout.runtime.notifying import Notifying
from mlrollout.runtime.notifying.address_book import AddressBook
from mlrollout.runtime.operator import Operator

from tests.pure.runtime.doubles import Api, Cupboard, Phones, Prometheus, Redis, Registry
from tests.pure.runtime.specs import EPOCH, REF, spec


class Place:
    """One process and its connections."""

    def __init__(self, world: "SmallWorld", clock: Clock | None = None, installation: str = "") -> None:
        self.world = world
        self.deaf = False
        self.connects = 0
        self.still_leads = True
        self.notifications: NotificationConfig | None = None
        """Whom this process alone notifies, in the place of those that all do."""
        self.operator = Operator(
            objects=world.api,
            connections=self,
            clock=clock or world,
            still_leads=lambda: self.still_leads,
            installation=installation,
            notifying=Notifying(
                AddressBook(lambda: self.notifications or world.notifications, world.secrets, world.allowed_receivers),
                world.phones,
            ),
            doubt=self._list,
            seed=1,
        )
        self._lists: list[asyncio.Task[None]] = []
        self.running = asyncio.create_task(self.operator.run())
        world.api.server.watchers.append(self.hear)
        for found in world.api.objects.values():
            self.operator.observe(found)

    def _list(self) -> None:
        listing = asyncio.create_task(self.operator.relist(self.world.api))
        listing.add_done_callback(lambda done: done.cancelled() or done.exception())  # the next one may do better
        self._lists.append(listing)

    async def end(self) -> None:
        """As by `kill -9`."""
        self.deaf = True
        mine = {self.running, *self._lists, *self.operator.outbox.under_way}
        for task in mine:
            task.cancel()
        await asyncio.gather(*mine, return_exceptions=True)

    def hear(self, kind: str, found: Object) -> None:
        if not self.deaf:
            take = self.operator.vanished if kind == "DELETED" else self.operator.observe
            asyncio.get_running_loop().call_soon(take, found)

    async def store(self, ref: Ref, spec: Spec) -> Redis:
        self.connects += 1
        await asyncio.sleep(0)
        return self.world.redis

    def source(self, ref: Ref, spec: Spec) -> Prometheus:
        return self.world.prometheus

    def revisions(self, ref: Ref, found: RevisionFrom) -> Registry:
        return self.world.registry


class SmallWorld:
    """Make it inside a loop of virtual time."""

    def __init__(self) -> None:
        self.api = Api()
        self.redis = Redis()
        self.prometheus = Prometheus(self.now)
        self.registry = Registry()
        self.phones = Phones()
        self.secrets = Cupboard()
        self.notifications = NotificationConfig()
        self.allowed_receivers: tuple[str, ...] = ()
        self.skew = 0.0

    def now(self) -> float:
        """The wall clock of every process."""
        return EPOCH + self.skew + asyncio.get_running_loop().time()

    def start(self, *, leads: bool = True, clock: Clock | None = None, installation: str = "") -> Place:
        place = Place(self, clock, installation)
        place.operator.lead(leads=leads)
        return place

    async def begun(self, *, clock: Clock | None = None, installation: str = "", **changes: Any) -> Place:
        """A process with one object at 10 %."""
        place = self.start(clock=clock, installation=installation)
        self.api.apply(spec(**changes))
        await self.until(lambda: self.redis.percentage == "10")
        await asyncio.sleep(3)
        return place

    async def until(self, condition: Callable[[], object], within: float = 30) -> None:
        async with asyncio.timeout(within):
            while not condition():  # noqa: ASYNC110 - of virtual time there is enough
                await asyncio.sleep(0.01)

    # --- what a user sees ---

    @property
    def status(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.api.objects[REF].get("status", {})
        return found

    def condition(self, kind: str, ref: Ref = REF) -> Mapping[str, Any]:
        conditions = self.api.objects[ref].get("status", {}).get("conditions", ())
        return next((one for one in conditions if one["type"] == kind), {})

    def reasons(self) -> list[str]:
        """The reasons in the history, oldest first."""
        return [entry["reason"] for entry in self.status.get("history", ())]

    def told(self, reason: str) -> list[EventToPost]:
        return [event for event in self.api.posted if event.reason == reason]
