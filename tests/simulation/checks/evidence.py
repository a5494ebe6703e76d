"""What was known of each object's health as a history goes by."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from mlrollout.domain.record import Rank
from mlrollout.evidence.measurement import Verdict
from mlrollout.ports import Ref

from tests.simulation.world.history import Acted, Changed, Entry, Instance, Judged, Removed, Seen, Stored

from .held import Held

TOLERANCE = 0.05
"""Seconds by which two moments may differ that should be one."""
SLACK = 0.6
"""Seconds that an instance may count for itself between two of its own moments."""


def begins(look: Judged) -> float:
    """When a look's evidence begins, in true time: its age is by the clock of who looked."""
    return look.at - (look.clock - look.measurement.begins)


def skews(history: list[Entry]) -> float:
    """Seconds by which clocks were moved in all."""
    return sum(abs(float(str(entry.value))) for entry in history if isinstance(entry, Acted) and entry.act == "skew")


@dataclass(slots=True)
class _Watcher:
    """What one instance last heard of each guardrail of an object."""

    looks: dict[str, Judged] = field(default_factory=dict)
    at: float = 0.0
    good: bool = False

    def expires(self) -> float:
        """Until when the present looks are good for, the next being under way."""
        return min(look.at + float(look.guardrail.max_age + look.guardrail.deadline) for look in self._gating())

    def take(self, look: Judged, since: float) -> None:
        """Take in a look; evidence from before `since` is none."""
        self.looks[look.guardrail.name] = look
        self.at = look.at
        fresh = [each for each in self._gating() if each.at + each.guardrail.max_age >= look.at]
        self.good = bool(fresh) and all(
            each.measurement.verdict is Verdict.PASS and begins(each) >= since for each in fresh
        )

    def _gating(self) -> list[Judged]:
        return [look for look in self.looks.values() if look.guardrail.gates]


class Evidence:
    """Who has seen what, and when an object was seen to be healthy by anybody."""

    def __init__(self, history: list[Entry]) -> None:
        self._tolerance = TOLERANCE + skews(history)
        self.held: defaultdict[str, Held] = defaultdict(Held)
        self._watchers: defaultdict[tuple[str, str], _Watcher] = defaultdict(_Watcher)
        self._good: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)

    def take(self, entry: Entry) -> None:
        """Take in what happened next."""
        if isinstance(entry, Changed):
            self.held[entry.key].change(entry)
        elif isinstance(entry, Judged):
            watcher = self._watchers[entry.by, entry.uid]
            self._close(watcher, entry.uid, entry.at)
            watcher.take(entry, self.held[key_of(entry.ref)].known_since(entry.by) - self._tolerance)
        elif isinstance(entry, Seen):
            self.held[entry.key].see(entry)
        elif isinstance(entry, Stored) and entry.what == "status" and entry.object["status"].get("record"):
            self.held[key_of(entry.ref)].tell(entry.by, status_rank(entry))
        elif isinstance(entry, Removed):
            self.held[key_of(entry.ref)].forget(entry.uid)
        elif isinstance(entry, Instance) and entry.what == "crashes":
            for by, uid in [known for known in self._watchers if known[0] == entry.by]:
                self._close(self._watchers.pop((by, uid)), uid, entry.at)

    def looks(self, by: str, uid: str) -> dict[str, Judged]:
        """The last look at each guardrail that was given to an instance."""
        return self._watchers[by, uid].looks

    def good_seconds(self, uid: str, since: float, until: float) -> float:
        """For how long between two moments anybody had good evidence, which nobody's downtime is."""
        for (_, watched), watcher in self._watchers.items():
            if watched == uid:
                self._close(watcher, uid, until)
        return sum(min(end, until) - max(begin, since) for begin, end in _merged(self._good[uid]) if end > since)

    def _close(self, watcher: _Watcher, uid: str, now: float) -> None:
        """Count what was good until now."""
        if watcher.good:
            end = min(now, watcher.expires())
            if end > watcher.at:
                self._good[uid].append((watcher.at, end))
            watcher.at = now


def _merged(spans: list[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    """The same time without overlaps."""
    reached = float("-inf")
    for begin, end in sorted(spans):
        if end > reached:
            yield max(begin, reached), end
            reached = end


def key_of(ref: Ref) -> str:
    """The key of an object; the one that is sick with a conflict wants another's."""
    return f"{ref.name}:percentage"


def status_rank(entry: Stored) -> Rank:
    """The rank of the record in a status."""
    record = entry.object["status"]["record"]
    return (record["attempt"], record["latched"], record["sequence"], -record["percentage"])
