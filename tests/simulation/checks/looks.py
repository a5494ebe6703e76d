"""Traffic never stands with nobody looking."""

from collections.abc import Iterator

from tests.simulation.world.history import Entry, Fault, Instance, Judged, Removed, Stored
from tests.simulation.world.world import World

from .evidence import Evidence, key_of
from .violation import Violation
from .zero import Hindrances

SELDOM = 12.0
"""Seconds from one look to the next that any guardrail takes at most: twice its interval, and its deadline."""


def somebody_looks(world: World) -> Iterator[Violation]:
    """While traffic stands somebody looks at its guardrails, unless a user said to stop; whatever the spec says."""
    hindered = Hindrances(world, dict.fromkeys(("outage", "deafen", "nonsense"), 0.0))
    evidence = Evidence(world.history)
    newest: dict[str, Stored] = {}
    looked: dict[str, float] = {}
    readers = _Readers()
    for entry in world.history:
        if readers.take(entry):
            looked |= dict.fromkeys(newest, entry.at)
        for uid, stored in newest.items():
            held = evidence.held[key_of(stored.ref)]
            if not held.in_force or held.record is None or held.record.owner != uid or _stopped(stored):
                looked[uid] = entry.at
            since = max(looked.get(uid, 0.0), held.from_zero)
            if entry.at - since > SELDOM:
                looked[uid] = entry.at
                if not hindered.crashed(since, entry.at) and not hindered.meets(since, entry.at):
                    yield Violation(entry.at, f"nobody looked at {stored.ref} since {since:.2f} s")
        if isinstance(entry, Stored) and entry.ref.name != "sick":
            newest[entry.uid] = entry
        elif isinstance(entry, Removed):
            newest.pop(entry.uid, None)
        elif isinstance(entry, Judged):
            looked[entry.uid] = entry.at
        evidence.take(entry)


def _stopped(stored: Stored) -> bool:
    found = stored.object
    completed = found.get("status", {}).get("progress", {}).get("completed", False)
    return bool(completed and found["spec"].get("afterCompletion") == "Stop")


class _Readers:
    """Who can look: of objects that a process could not read yet since its start, it does not know."""

    def __init__(self) -> None:
        self._have_looked: set[str] = set()

    def take(self, entry: Entry) -> bool:
        """Take in what happened; answers whether somebody reads the objects in vain, and nobody else can look."""
        if isinstance(entry, Judged):
            self._have_looked.add(entry.by)
        elif isinstance(entry, Instance) and entry.what == "crashes":
            self._have_looked.discard(entry.by)
        return isinstance(entry, Fault) and entry.call == "list" and not self._have_looked
