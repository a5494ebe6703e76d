"""Who hears nothing of the objects, as a history goes by."""

from tests.simulation.world.history import Acted, Entry

from .zero import HEARD, SEEN_AGAIN


class Hearing:
    """Whether the API server tells an instance of the objects."""

    def __init__(self) -> None:
        self._deaf: dict[str, float] = {}
        """Until when the instances of a place, or of every place (`""`), hear nothing."""

    def take(self, entry: Entry) -> None:
        """Take in what happened."""
        if isinstance(entry, Acted) and entry.act in {"deafen", "nonsense", "outage"}:
            api, _, slot = entry.target.partition(" of ") if entry.act != "deafen" else ("api", "", entry.target)
            if api == "api":
                again = HEARD if entry.act == "deafen" else SEEN_AGAIN
                self._deaf[slot] = max(self._deaf.get(slot, 0.0), entry.at + float(str(entry.value)) + again)

    def hears(self, by: str, at: float) -> bool:
        """Whether an instance hears of them at a moment, which is not before what was taken in."""
        return at >= max(self._deaf.get("", 0.0), self._deaf.get(by[0], 0.0))
