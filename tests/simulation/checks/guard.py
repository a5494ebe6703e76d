"""Traffic never stands with nobody looking."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tests.simulation.world.history import Acted, Changed, Entry, Instance, Issued, Judged, Removed, Stored
from tests.simulation.world.world import World

from .evidence import key_of
from .violation import Violation

WITHIN = 15.0
"""Seconds from one look to the next, at most: the longest interval, its deadline, and as much again."""
UNSEEN = 1.0
"""Seconds between two looks at a key."""


def who_looks_looks_on(world: World) -> Iterator[Violation]:
    """An instance that has looked at an object does so for as long as its traffic stands, whatever it is told."""
    looks = _Looks()
    for entry in world.history:
        for by, uid in looks.overdue(entry.at):
            yield Violation(entry.at, f"{by} has not looked at {uid} for {WITHIN:g} s, while its traffic stands")
        looks.take(entry)


class _Looks:
    """Who looks at what, as a history goes by."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, str], float] = {}
        """When an instance last looked at an object, or last could not."""
        self._keys: dict[str, str] = {}
        self._serves: dict[str, tuple[str, float]] = {}
        """Whose traffic stands in a key, and since when."""

        self._rose: dict[str, float] = {}
        """When an object's traffic last grew."""

        self._unguarded: set[str] = set()
        """Which objects want nobody to look any more."""

    def overdue(self, now: float) -> Iterator[tuple[str, str]]:
        """Every instance that has stopped looking at traffic that stands; each is told once."""
        for (by, uid), last in tuple(self._last.items()):
            owner, since = self._serves.get(self._keys[uid], ("", now))
            if owner == uid and now > max(last, since) + WITHIN:
                del self._last[by, uid]
                yield by, uid

    def take(self, entry: Entry) -> None:
        """Take in what happened."""
        if isinstance(entry, Stored):
            self._unguarded.discard(entry.uid)
        if isinstance(entry, Judged) and entry.uid in self._unguarded:
            return  # the last look of one that stops, come in just after
        if isinstance(entry, Judged):
            self._last[entry.by, entry.uid] = entry.at
            self._keys[entry.uid] = key_of(entry.ref)
        elif isinstance(entry, Issued) and entry.write.record.latched and entry.write.record.owner:
            self._last[entry.by, entry.write.record.owner] = entry.at  # it need not look: it takes it down
            self._keys[entry.write.record.owner] = entry.key
        elif isinstance(entry, Changed):
            self._change(entry)
        elif isinstance(entry, Removed) or (isinstance(entry, Stored) and _unguarded(entry.object)):
            self._unguarded.add(entry.uid)
            self._let_go(lambda _, uid: uid == entry.uid)
        elif isinstance(entry, Instance) and entry.what == "crashes":
            self._let_go(lambda by, _: by == entry.by)
        elif isinstance(entry, Acted) and (entry.act, entry.target) == ("outage", "redis"):
            self._delay(entry.at, entry.at + float(str(entry.value)) + UNSEEN)
        elif isinstance(entry, Acted) and entry.act == "freeze":
            thaws = entry.at + float(str(entry.value))
            self._last |= {one: max(last, thaws) for one, last in self._last.items() if one[0].startswith(entry.target)}

    def _change(self, entry: Changed) -> None:
        owner = entry.after.record.owner if entry.after.record is not None and entry.after.in_force else ""
        if self._serves.get(entry.key, ("", 0.0))[0] != owner:
            self._serves[entry.key] = (owner, entry.at)
        if entry.rises:
            self._rose[owner] = entry.at

    def _delay(self, since: float, until: float) -> None:
        """Whom the API server tells nothing, could not read of what has just grown before Redis answered nobody."""
        unread = {uid for uid, at in self._rose.items() if at + UNSEEN >= since}
        self._last |= {one: max(last, until) for one, last in self._last.items() if one[1] in unread}

    def _let_go(self, of: Callable[[str, str], bool]) -> None:
        self._last = {one: last for one, last in self._last.items() if not of(*one)}


def _unguarded(found: Mapping[str, Any]) -> bool:
    """Whether the user wants nobody to look any more."""
    completed = found.get("status", {}).get("progress", {}).get("completed", False)
    return bool(completed and found["spec"].get("afterCompletion") == "Stop")
