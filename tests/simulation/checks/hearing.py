"""Who hears nothing of the objects, as a history goes by."""

from mlrollout.runtime.view import LONGEST_PAUSE

from tests.simulation.world.faults import API, MOST_IN_A_ROW
from tests.simulation.world.history import Acted, Entry, Instance

HEARD = 1.0
"""Seconds that a watch event takes at most, where the watch is not broken."""
SEEN_AGAIN = (MOST_IN_A_ROW + 1) * (1.2 * LONGEST_PAUSE + API.patience)
"""Seconds from the end of nonsense until the objects were listed: so often a list fails, after so long a pause."""


class Hearing:
    """Whether the API server tells an instance of the objects."""

    def __init__(self) -> None:
        self._deaf: dict[str, tuple[float, float]] = {}
        """Since when and until when the instances of a place, or of every place (`""`), hear nothing."""

        self._started: dict[str, float] = {}

    def take(self, entry: Entry) -> None:
        """Take in what happened."""
        if isinstance(entry, Instance) and entry.what == "starts":
            self._started[entry.by] = entry.at
        if isinstance(entry, Acted) and entry.act in {"deafen", "nonsense", "outage"}:
            api, _, slot = entry.target.partition(" of ") if entry.act != "deafen" else ("api", "", entry.target)
            if api == "api":
                again = HEARD if entry.act == "deafen" else SEEN_AGAIN
                begin, end = self._deaf.get(slot, (entry.at, 0.0))
                begin = begin if entry.at <= end else entry.at
                self._deaf[slot] = begin, max(end, entry.at + float(str(entry.value)) + again)

    def told(self, by: str, of: float, now: float) -> bool:
        """Whether an instance was told, at some time until now, of what was saved at a moment."""
        spans = (self._deaf.get(place, (0.0, 0.0)) for place in ("", by[0]))
        since = min((begin for begin, end in spans if begin <= now < end), default=now)
        return since > max(of, self._started.get(by, 0.0)) + HEARD
