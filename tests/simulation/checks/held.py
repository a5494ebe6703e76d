"""What Redis held as a history goes by, and who could know of it.

What stood there while nobody could read it, or what only a process knew that is gone, nobody can know of.
"""

from dataclasses import dataclass, field

from mlrollout.domain.record import Rank, Record
from mlrollout.domain.traffic import Traffic

from tests.simulation.world.history import Changed, Seen

Attempt = tuple[str, int]
"""An attempt's owner and number."""
_NOTHING: Rank = (0, False, 0, 0)


@dataclass(slots=True)
class Held:
    """What a key held.

    Attributes:
        since: When the percentage in force last changed by a record that never stood there before. What was undone
            and done again between two looks, an operator could not see.
        from_zero: When the percentage in force last left zero.
        own_since: Since when nobody but this attempt's users is in treatment.
        first: When each record first stood there, by owner and rank.
    """

    traffic: Traffic = field(default_factory=lambda: Traffic(None, None))
    since: float = 0.0
    from_zero: float = 0.0
    own_since: float = 0.0
    first: dict[tuple[str, Rank], float] = field(default_factory=dict)
    _changes: dict[Rank, float] = field(default_factory=dict)  # when the percentage in force changed, by the record
    _told: Rank = _NOTHING  # the greatest record that a status held
    _seen: dict[str, Rank] = field(default_factory=dict)  # the greatest record that each instance saw
    _sees: set[str] = field(default_factory=set)  # who knows what stands there now
    _came: float = 0.0  # since when the attempt in force has had its users
    _put_back: bool = False  # whether no operator gave it these
    _witnesses: set[str] = field(default_factory=set)  # who has seen these
    _ended: dict[Attempt, float] = field(default_factory=dict)  # until when users were there of which everybody knows
    _glimpsed: dict[Attempt, dict[str, float]] = field(default_factory=dict)  # likewise, of which some know
    _saw: dict[Attempt, dict[str, float]] = field(default_factory=dict)  # who saw users that are gone, and until when

    @property
    def in_force(self) -> int:
        return self.traffic.in_force

    @property
    def record(self) -> Record | None:
        return self.traffic.record

    def change(self, entry: Changed) -> None:
        """Redis holds something else."""
        before, after = entry.before, entry.after
        was, stands = served(before), served(after)
        if was is not None:
            self._end(was, entry)
        if before.in_force != after.in_force and entry.cause is not None and after.record is not None:
            self._change_percentage(after.record, entry)
        if after.in_force and not before.in_force:
            self.from_zero = entry.at
        if stands is not None and (stands != was or entry.cause is not None):
            self._came, self._put_back, self._witnesses = entry.at, entry.cause is None, set()
        if was is not None and _attempt(before) != _attempt(after):
            self.own_since = entry.at
        self.traffic, self._sees = after, set()
        if after.record is not None:
            self.first.setdefault((after.record.owner, after.record.rank), entry.at)

    def see(self, entry: Seen) -> None:
        """An instance has learned of it."""
        if entry.traffic.record is not None:
            self._know(entry.by, entry.traffic.record.rank)
        if entry.traffic == self.traffic:
            self._sees.add(entry.by)
            self._witnesses.add(entry.by)

    def tell(self, by: str, rank: Rank) -> None:
        """An instance wrote a status, where whoever comes after it finds what it knew."""
        self._told = max(self._told, rank)
        for attempt, ends in self._glimpsed.items() if by in self._sees else ():
            if by in ends:
                self._ended[attempt] = max(ends[by], self._ended.get(attempt, 0.0))

    def forget(self, owner: str) -> None:
        """An object is gone, and with it the status that told of its users: only who saw them knows of them."""
        for attempt in [attempt for attempt in self._ended if attempt[0] == owner]:
            del self._ended[attempt]
            self._glimpsed.setdefault(attempt, {}).update(self._saw.get(attempt, {}))

    def known_since(self, by: str) -> float:
        """When the percentage in force last changed by a new record, as far as an instance can know."""
        known = max(self._told, self._seen.get(by, _NOTHING))
        return max((at for rank, at in self._changes.items() if rank <= known), default=0.0)

    def ended(self, before: int, by: str) -> float:
        """When the last attempt before this one ended, as far as an instance can know."""
        seen = {attempt: ends[by] for attempt, ends in self._glimpsed.items() if by in ends}
        ends = (at for ended in (self._ended, seen) for (_, attempt), at in ended.items() if attempt < before)
        return max(ends, default=float("-inf"))

    def _change_percentage(self, record: Record, entry: Changed) -> None:
        if (record.owner, record.rank) not in self.first:
            self.since = self._changes[record.rank] = entry.at
        self._know(entry.by, record.rank)

    def _end(self, attempt: Attempt, entry: Changed) -> None:
        """Note who can know of an attempt's users that they end now."""
        cause = entry.cause
        # One that was held up for long was sent when users were known that are gone, and these had not come yet.
        about_these = cause is not None and cause.at >= self._came and cause.known is not None and cause.known.in_force
        ender = {entry.by} if about_these else set()
        self._saw.setdefault(attempt, {}).update(dict.fromkeys(self._witnesses | ender, entry.at))
        if self._put_back:
            self._glimpsed.setdefault(attempt, {}).update(self._saw[attempt])
        else:
            self._ended[attempt] = entry.at

    def _know(self, by: str, rank: Rank) -> None:
        self._seen[by] = max(rank, self._seen.get(by, _NOTHING))


def served(traffic: Traffic) -> Attempt | None:
    """Whose users are in treatment; `None` where nobody is."""
    return _attempt(traffic) if traffic.in_force else None


def _attempt(traffic: Traffic) -> Attempt | None:
    return None if traffic.record is None else (traffic.record.owner, traffic.record.attempt)
