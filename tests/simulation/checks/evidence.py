"""What was known of each object's health, and what Redis held, as a history goes by."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from mlrollout.domain.record import Rank, Record
from mlrollout.evidence.measurement import Verdict
from mlrollout.ports import Ref

from tests.simulation.world.history import Acted, Changed, Entry, Instance, Judged, Stored

TOLERANCE = 0.05
"""Seconds by which two moments may differ that should be one."""
SLACK = 0.6
"""Seconds that an instance may count for itself between two of its own moments."""
UNSEEN = 1.0
"""Seconds between two looks at a key: what is put back and gone again meanwhile, nobody can know of."""


def begins(look: Judged) -> float:
    """When a look's evidence begins, in true time: its age is by the clock of who looked."""
    return look.at - (look.clock - look.measurement.begins)


def skews(history: list[Entry]) -> float:
    """Seconds by which clocks were moved in all."""
    return sum(abs(float(str(entry.value))) for entry in history if isinstance(entry, Acted) and entry.act == "skew")


@dataclass(slots=True)
class Held:
    """What a key held.

    Attributes:
        since: When the percentage in force last changed by a record that never stood there before. What was
            undone and done again between two looks, an operator could not see.
        from_zero: When the percentage in force last left zero.
        first: When each record first stood there, by owner and rank.
        came: When the attempt in force got its users.
        put_back: Whether no operator gave it these.
        served: Until when an attempt had users that any operator could know of, by owner and attempt.
        glimpsed: Until when it had what was put back, and gone before anybody else had to look: who took it down.
        own_since: Since when nobody but this attempt's users is in treatment.
    """

    since: float = 0.0
    from_zero: float = 0.0
    came: float = 0.0
    put_back: bool = False
    in_force: int = 0
    record: Record | None = None
    first: dict[tuple[str, Rank], float] = field(default_factory=dict)
    served: dict[tuple[str, int], float] = field(default_factory=dict)
    glimpsed: dict[tuple[str, int], tuple[float, str]] = field(default_factory=dict)
    own_since: float = 0.0

    def take(self, entry: Changed) -> None:
        """Take in a change."""
        before, after = entry.before, entry.after
        if before.in_force and before.record is not None:
            self._end((before.record.owner, before.record.attempt), entry)
        stands = None if after.record is None else (after.record.owner, after.record.rank)
        if before.in_force != after.in_force and entry.cause is not None and stands not in self.first:
            self.since = entry.at
        if after.in_force and not before.in_force:
            self.from_zero = entry.at
        if after.in_force and not (before.in_force and _attempt(before.record) == _attempt(after.record)):
            self.came, self.put_back = entry.at, entry.cause is None
        if before.in_force and _attempt(before.record) != _attempt(after.record):
            self.own_since = entry.at
        self.in_force, self.record = after.in_force, after.record
        if stands is not None:
            self.first.setdefault(stands, entry.at)

    def _end(self, attempt: tuple[str, int], entry: Changed) -> None:
        """Note who can know of an attempt's users that they end now."""
        known = entry.cause.known if entry.cause is not None else None
        if not self.put_back or entry.at - self.came >= UNSEEN:
            self.served[attempt] = entry.at
        elif known is not None and known.in_force:
            self.glimpsed[attempt] = entry.at, entry.by

    def told(self, by: str) -> None:
        """What an instance has seen stands in the status now, where whoever comes after it finds it."""
        for attempt, (at, who) in tuple(self.glimpsed.items()):
            if who == by:
                self.served[attempt] = at
                del self.glimpsed[attempt]

    def ended(self, before: int, by: str) -> float:
        """When the last attempt before this one ended, as far as an instance can know."""
        seen = {attempt: at for attempt, (at, who) in self.glimpsed.items() if who == by}
        ends = (at for ended in (self.served, seen) for (_, attempt), at in ended.items() if attempt < before)
        return max(ends, default=float("-inf"))


def _attempt(record: Record | None) -> tuple[str, int] | None:
    return None if record is None else (record.owner, record.attempt)


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
            self.held[entry.key].take(entry)
        elif isinstance(entry, Judged):
            watcher = self._watchers[entry.by, entry.uid]
            self._close(watcher, entry.uid, entry.at)
            watcher.take(entry, self.held[key_of(entry.ref)].since - self._tolerance)
        elif isinstance(entry, Stored) and entry.what == "status":
            self.held[key_of(entry.ref)].told(entry.by)
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
