"""What may befall a call of an instance to the world, and how likely it is."""

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from mlrollout.ports import (
    ConflictError,
    GoneError,
    ObjectsError,
    PortError,
    ReceiverError,
    RevisionUnknownError,
    SourceError,
    TrafficError,
)

MOST_IN_A_ROW = 3
"""So many calls of one instance to one port may fail in a row by chance; longer troubles are outages."""


class Fate(StrEnum):
    """What befalls a call."""

    FINE = "fine"
    SLOW = "slow"
    FAIL = "fails"
    """It fails and does nothing."""
    LOST = "reply lost"
    """It takes place, and its caller is told that it failed."""
    LATE = "takes place late"
    """Its caller is told that it failed; then it takes place."""
    NONSENSE = "is answered with nonsense"
    """It does nothing, and its caller is told something untrue about the object."""
    CRASH_BEFORE = "crash before"
    CRASH_AFTER = "crash after"


@dataclass(frozen=True, slots=True)
class Port:
    """A part of the world as an instance reaches it.

    Attributes:
        name: For people.
        error: What its calls raise.
        patience: Seconds after which a call is given up.
        untrue: What its calls about an object raise where it answers with nonsense.
    """

    name: str
    error: type[PortError]
    patience: float
    untrue: tuple[type[PortError], ...] = ()


REDIS = Port("redis", TrafficError, 0.6)
API = Port("api", ObjectsError, 5.0, (ObjectsError, GoneError, ConflictError))
PROMETHEUS = Port("prometheus", SourceError, 2.0)
RECEIVERS = Port("receivers", ReceiverError, 10.0)
REVISIONS = Port("revisions", RevisionUnknownError, 10.0)


@dataclass(frozen=True, slots=True)
class Call:
    """One call of an instance to the world."""

    port: str
    name: str


Rates = Mapping[tuple[str, Fate], float]
"""How likely each fate is at a port, by the port's name."""


class Faults:
    """Draws the fate of each call, and knows what is down."""

    def __init__(self, chance: random.Random, rates: Rates, fates: Mapping[int, Fate]) -> None:
        self.chance = chance
        self.calls: list[Call] = []
        """Every call until all is calm, in its order."""
        self._calm = False
        self._fates = fates
        self.down: set[str] = set()
        """Ports that answer nobody (`redis`), or not one instance (`redis of a`), and calls that never succeed."""
        self.nonsense: set[str] = set()
        """Likewise, those that answer wrongly."""
        self._rates: dict[str, list[tuple[Fate, float]]] = {}
        for (port, fate), rate in rates.items():
            self._rates.setdefault(port, []).append((fate, rate))
        self._streaks: Counter[tuple[str, str]] = Counter()

    def draw(self, slot: str, port: Port, call: str) -> Fate:
        """The fate of a call from the instance in a slot."""
        if not self._calm:
            self.calls.append(Call(port.name, call))
            fate = self._fates.get(len(self.calls) - 1)
            if fate is not None:
                return fate
        if self.down and not self.down.isdisjoint((port.name, f"{port.name} of {slot}", call)):
            return Fate.FAIL
        if self.nonsense and not self.nonsense.isdisjoint((port.name, f"{port.name} of {slot}")):
            return Fate.NONSENSE
        rates = self._rates.get(port.name)
        if rates is None:
            return Fate.FINE
        luck = self.chance.random()
        for fate, rate in rates:
            luck -= rate
            if luck < 0:
                return self._limited(slot, port, fate)
        self._streaks[slot, port.name] = 0
        return Fate.FINE

    def _limited(self, slot: str, port: Port, fate: Fate) -> Fate:
        self._streaks[slot, port.name] += 1
        return fate if self._streaks[slot, port.name] <= MOST_IN_A_ROW else Fate.FINE

    def end(self) -> None:
        """From now on nothing fails."""
        self._calm = True
        self._rates.clear()
        self.down.clear()
        self.nonsense.clear()
