"""Receivers of notifications, as they are in a simulated world, and as one process reaches them."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlrollout.notify.address import ReceiverAddress
from mlrollout.notify.config import parse
from mlrollout.notify.message import OutgoingMessage
from mlrollout.ports import ObjectsError, ReceiverError, Ref
from mlrollout.runtime.notifying import Notifying
from mlrollout.runtime.notifying.address_book import AddressBook

from .faults import RECEIVERS, Fate, Rates
from .history import Arrived

if TYPE_CHECKING:
    from .process import Process

TOPICS: Mapping[str, frozenset[str]] = {
    "oncall": frozenset(),
    "audit": frozenset({"RolledBack", "StoppedByHand", "Completed"}),
}
"""What each receiver is told; nothing here stands for everything."""
CONFIG = parse(
    "receivers: [{name: oncall, url: 'https://oncall/'}, {name: audit, url: 'https://audit/'}]\n"
    "routes: [{receivers: [oncall]}, {receivers: [audit], topics: [RolledBack, StoppedByHand, Completed]}]"
)
NO_RECEIVERS = parse("")
FATES = (Fate.SLOW, Fate.FAIL, Fate.LOST, Fate.LATE, Fate.CRASH_BEFORE, Fate.CRASH_AFTER)


@dataclass(frozen=True, slots=True)
class Absence:
    """A receiver takes nothing for a while."""

    receiver: str
    since: float
    until: float


def draw(chance: random.Random, *, crashes: bool) -> tuple[tuple[Absence, ...], Rates]:
    """When receivers are away in a schedule, and what befalls what is sent to them."""
    absences = []
    for name in TOPICS:
        if chance.random() < 0.4:
            since = round(chance.uniform(0.0, 40.0), 1)
            absences.append(Absence(name, since, round(since + chance.uniform(1.0, 60.0), 1)))
    rates = {
        (RECEIVERS.name, fate): chance.choice((0.05, 0.2))
        for fate in FATES[: 6 if crashes else 4]
        if chance.random() < 0.3
    }
    return tuple(absences), rates


class Phones:
    """Implements the port `Receivers` for one process."""

    def __init__(self, process: "Process") -> None:
        self._process = process

    async def send(self, address: ReceiverAddress, message: OutgoingMessage) -> None:
        name = address.url.removeprefix("https://").rstrip("/")
        world, by = self._process.world, self._process.name

        def take() -> None:
            if world.is_away(name):
                raise ReceiverError("answered with HTTP 503")
            world.record(
                Arrived,
                by=by,
                receiver=name,
                ref=Ref(message.about.namespace, message.about.name),
                uid=message.about.uid,
                id=message.id,
                topic=str(message.notice.topic),
                dropped=message.dropped,
            )

        await self._process.calls.make(RECEIVERS, f"send to {name}", take)

    async def render(self, template: str, variables: Mapping[str, object]) -> str:
        raise AssertionError(f"no template is given here: {template} {variables}")

    async def close(self) -> None:
        pass


class NoSecrets:
    """Implements the port `Secrets`: no object has a receiver of its own."""

    async def read(self, namespace: str, name: str, key: str) -> str:
        raise ObjectsError(f"there is no Secret {namespace}/{name} with {key}")

    async def read_all(self, namespace: str, name: str) -> Mapping[str, bytes]:
        raise ObjectsError(f"there is no Secret {namespace}/{name}")


def notifying(process: "Process") -> Notifying:
    """Who is notified by a process."""
    config = CONFIG if process.world.plan.notifies else NO_RECEIVERS
    return Notifying(AddressBook(lambda: config, NoSecrets(), ()), Phones(process))
