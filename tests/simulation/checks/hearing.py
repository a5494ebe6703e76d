"""Who hears nothing of the objects, as a history goes by."""

import math
from collections import defaultdict

from mlrollout.runtime.view import LONGEST_PAUSE

from tests.simulation.world.faults import API, MOST_IN_A_ROW
from tests.simulation.world.history import Acted, Entry, Fault, Instance

HEARD = 1.0
"""Seconds that a watch event takes at most, where the watch is not broken."""
ASKED_AGAIN = 1.2 * LONGEST_PAUSE + API.patience
"""Seconds from a watch or a list that fails until the next has been answered, where that does not fail as well."""
SEEN_AGAIN = (MOST_IN_A_ROW + 1) * ASKED_AGAIN
"""Seconds from the end of nonsense until the objects were listed: so often a list fails, after so long a pause."""


class Hearing:
    """Whether the API server tells an instance of the objects."""

    def __init__(self) -> None:
        self._deaf: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
        """When an instance, the instances of a place, or those of every place (`""`) heard nothing."""

        self._started: dict[str, float] = {}
        self._crashed: dict[str, float] = {}

    def take(self, entry: Entry) -> None:
        """Take in what happened."""
        if isinstance(entry, Instance) and entry.what == "starts":
            self._started[entry.by] = entry.at
        elif isinstance(entry, Instance) and entry.what == "crashes":
            self._crashed[entry.by] = entry.at
        elif isinstance(entry, Fault) and entry.port == "api" and entry.call in {"watch", "list"}:
            self._deaf[entry.by].append((entry.at, entry.at + ASKED_AGAIN))
        elif isinstance(entry, Acted) and entry.act in {"deafen", "nonsense", "outage"}:
            api, _, slot = entry.target.partition(" of ") if entry.act != "deafen" else ("api", "", entry.target)
            if api == "api":
                again = HEARD if entry.act == "deafen" else SEEN_AGAIN
                self._deaf[slot].append((entry.at, entry.at + float(str(entry.value)) + again))

    def told(self, by: str, of: float, now: float) -> bool:
        """Whether an instance was told, at some time until now, of what was saved at a moment."""
        return now > self._told_at(by, of)

    def told_at_once(self, by: str, of: float) -> bool:
        """Whether an instance was told of what was saved at a moment as soon as it could be."""
        return self._told_at(by, of) <= max(of, self._started.get(by, 0.0)) + HEARD

    def anybody_told(self, of: float) -> float:
        """When the first was told of what was saved at a moment, of those that had not crashed by then."""
        living = (by for by in self._started if self._crashed.get(by, math.inf) > of)
        return min((self._told_at(by, of) for by in living), default=math.inf)

    def _told_at(self, by: str, of: float) -> float:
        since = max(of, self._started.get(by, 0.0))
        for begin, end in sorted(span for who in ("", by[0], by) for span in self._deaf.get(who, ())):
            if begin > since + HEARD:
                break
            since = max(since, end - HEARD)  # in which it hears again
        return since + HEARD
