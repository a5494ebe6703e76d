"""A breach reaches zero, everywhere, whatever else is broken; and zero stays."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from mlrollout.api.guardrail import Action, Guardrail, MissingAction
from mlrollout.evidence.measurement import Verdict
from mlrollout.runtime.rounds import ROUND

from tests.simulation.world.history import Acted, Changed, Instance, Issued, Judged, Removed, Stored
from tests.simulation.world.world import LONGEST_RESTART, World

from .evidence import Evidence, begins, key_of, skews
from .hearing import Hearing
from .violation import Violation

WITHIN = 3.0
"""Seconds from a breach to zero in Redis, where calls fail at most three times in a row."""
AGAIN = ROUND + 2 * WITHIN
"""Seconds after which an instance has looked at what stands in Redis, and written, for sure: each may fail as often."""
HELD_BACK = 3.0
"""Seconds that a bad value may be held back longer than its policy says: until Redis was found to hold the stage."""


def breach_reaches_zero(world: World) -> Iterator[Violation]:
    """Once an instance has been given a breach, the key is at zero as fast as Redis can be written.

    Whatever else goes on: in schedules of the flavour `neighbours` another object is sick all the time.
    """
    hindered = Hindrances(world)
    zeros = _zeros(world)
    for entry, breached in _breaches(world, hindered):
        deadline = hindered.deadline(entry)
        if deadline is None:
            continue
        key = key_of(entry.ref)
        if not any(entry.at <= at <= deadline for at in zeros[key]):
            message = f"{breached} was given to {entry.by}, and {key} is not at zero until {deadline:.2f} s"
            yield Violation(entry.at, message)


def _zeros(world: World) -> dict[str, list[float]]:
    """When each key came to zero, or came to another owner or attempt."""
    zeros: defaultdict[str, list[float]] = defaultdict(list)
    for entry in world.history.of(Changed):
        if entry.after.in_force == 0:
            zeros[entry.key].append(entry.at)
    return zeros


def _breaches(world: World, hindered: "Hindrances") -> Iterator[tuple[Judged, str]]:
    """Each verdict that completes a breach of an attempt that has users, or with which one was held back too long."""
    evidence, late = Evidence(world.history), HELD_BACK + skews(world.history)
    hearing = Hearing()
    held: dict[tuple[str, str, Guardrail], float] = {}  # since when bad values were, by this definition
    answered: defaultdict[tuple[str, str, str], list[Judged]] = defaultdict(list)
    newest: dict[str, Stored] = {}
    for entry in world.history:
        hearing.take(entry)
        if isinstance(entry, Judged):
            looks = answered[entry.by, entry.uid, entry.guardrail.name]
            _add(looks, entry)
            if not (entry.measurement.held or entry.measurement.missing or entry.measurement.verdict is Verdict.BREACH):
                held.pop((entry.by, entry.uid, entry.guardrail), None)  # a good value
        if isinstance(entry, Stored):
            newest[entry.uid] = entry
        elif isinstance(entry, Removed):
            newest.pop(entry.uid, None)
        elif isinstance(entry, Judged) and entry.measurement.held:
            since = held.setdefault((entry.by, entry.uid, entry.guardrail), entry.at)
            began = _served_since(evidence, hearing, hindered, entry)
            since = max(since, evidence.held[key_of(entry.ref)].since)
            policy = entry.guardrail.on_held_back
            lasts = policy.action is MissingAction.ROLLBACK and entry.at - since >= policy.after + late
            if lasts and began is not None and _asked_for(newest.get(entry.uid), entry):
                yield entry, f"a bad value of {entry.guardrail.name} of {entry.ref}, held back too long,"
        elif isinstance(entry, Judged) and not entry.measurement.missing:
            began = _served_since(evidence, hearing, hindered, entry)
            if began is not None and _asked_for(newest.get(entry.uid), entry) and _completes(looks, began):
                yield entry, f"a breach of {entry.guardrail.name} of {entry.ref}"
        evidence.take(entry)


def _add(looks: list[Judged], look: Judged) -> None:
    """Add a look to the answered ones if it was; a bad value on too few samples is an answer as well."""
    looks[:] = [one for one in looks if one.measurement.at <= look.measurement.at]  # a clock set back
    if look.measurement.missing:
        return
    if looks and looks[-1].guardrail != look.guardrail:
        looks.clear()
    looks.append(look)


def _completes(looks: list[Judged], began: float) -> bool:
    """Whether the last look is bad, and with it enough of the last ones that are about this attempt."""
    rule = looks[-1].guardrail.breach_after
    bad = [look.measurement.verdict is Verdict.BREACH and begins(look) >= began for look in looks[-rule.of :]]
    return bad[-1] and sum(bad) >= rule.failures


def _asked_for(stored: Stored | None, look: Judged) -> bool:
    """Whether the object still wants this guardrail to take it down."""
    if stored is None:
        return False
    found = stored.object
    completed = found.get("status", {}).get("progress", {}).get("completed", False)
    return (
        look.guardrail.action is Action.ROLLBACK
        and not (completed and found["spec"].get("afterCompletion") == "Stop")
        and any(_asks_the_same(one, look.guardrail) for one in found["spec"]["guardrails"])
    )


def _asks_the_same(written: Mapping[str, Any], guardrail: Guardrail) -> bool:
    """Whether a guardrail of an object is of the same kind with the same demands, however often it is looked at."""
    own = type(guardrail).model_fields.keys() - Guardrail.model_fields.keys()
    demands = guardrail.model_dump(mode="json", by_alias=True, include=own, exclude_unset=True)
    return all(written.get(field) == value for field, value in demands.items())


def _served_since(evidence: Evidence, hearing: Hearing, hindered: "Hindrances", look: Judged) -> float | None:
    """Since when the attempt in force has had users; `None` where nobody has any."""
    held = evidence.held[key_of(look.ref)]
    record = held.record
    if not held.in_force or record is None or record.owner != look.uid:
        return None
    if any(uid == look.uid and rank[0] > record.attempt for uid, rank in held.first):
        return None  # an attempt of long ago, which a failover brought back
    # Of users that an old attempt got back by a failover, an operator hears no later than a breach reaches zero.
    returned = hindered.extended(held.own_since, WITHIN) if held.own_since > held.from_zero else 0.0
    # Who is not told of the first users hears of them by Redis: what it saw before may be about none.
    told = hearing.told(look.by, held.from_zero, look.at)
    heard = held.from_zero if told else hindered.extended(held.from_zero, AGAIN)
    return max(heard, returned)


class Hindrances:
    """When an instance could not do anything: it stood still, or Redis answered nobody.

    Args:
        world: What happened.
        also: What hinders besides, and for how many seconds after its end.
    """

    def __init__(self, world: World, also: Mapping[str, float] = MappingProxyType({})) -> None:
        self._skew = skews(world.history)
        self._crashes = {entry.by: entry.at for entry in world.history.of(Instance) if entry.what == "crashes"}
        self._end = world.now()
        self._spans = [
            (entry.at, entry.at + float(str(entry.value)) + also.get(entry.act, 0.0))
            for entry in world.history.of(Acted)
            if entry.act == "freeze" or entry.act in also or (entry.act == "outage" and entry.target == "redis")
        ]

    def deadline(self, entry: Judged) -> float | None:
        """Until when a breach must have reached zero; `None` where its instance did not live to see it."""
        deadline = self.extended(entry.at, WITHIN)
        if self._crashes.get(entry.by, deadline + 1) <= deadline or deadline > self._end:
            return None
        return deadline

    def extended(self, at: float, within: float) -> float:
        """The end of a span in which so many seconds are free of hindrances."""
        deadline = at + within + self._skew
        for begin, end in sorted(self._spans):
            if begin <= deadline and end > at:
                deadline += end - max(begin, at)
        return deadline

    def meets(self, begin: float, end: float) -> bool:
        """Whether anything hindered it between two moments."""
        return any(first <= end and last >= begin for first, last in self._spans)

    def crashed(self, begin: float, end: float) -> bool:
        """Whether an instance crashed between two moments, or is not back from before."""
        return any(begin - LONGEST_RESTART <= at <= end for at in self._crashes.values())


def deletion_reaches_zero(world: World) -> Iterator[Violation]:
    """What is deleted with its traffic is at zero as fast as Redis can be written, whoever leads."""
    hindered, zeros = Hindrances(world), _zeros(world)
    evidence, hearing = Evidence(world.history), Hearing()
    for entry in world.history:
        hearing.take(entry)
    seen: set[str] = set()
    for entry in world.history:
        if isinstance(entry, Stored) and "deletionTimestamp" in entry.object["metadata"] and entry.uid not in seen:
            seen.add(entry.uid)
            # Of a deletion that no watch and no list tells of, nobody can know.
            key, deadline = key_of(entry.ref), hindered.extended(hearing.anybody_told(entry.at), WITHIN)
            held = evidence.held[key]
            stays = entry.object["spec"].get("onDelete") == "Retain" or entry.ref.name == "sick"
            owned = held.record is not None and held.record.owner == entry.uid
            excused = stays or hindered.crashed(entry.at, deadline) or deadline > world.now()
            if held.in_force and owned and not excused and not any(entry.at <= at <= deadline for at in zeros[key]):
                yield Violation(entry.at, f"{entry.ref} was deleted, and {key} is not at zero until {deadline:.2f} s")
        evidence.take(entry)


def zero_stays(world: World) -> Iterator[Violation]:
    """Nothing that an operator writes raises an attempt that is known to be rolled back."""
    in_status: dict[str, int] = {}
    in_redis: dict[str, tuple[str, int]] = {}
    in_memory: dict[tuple[str, str], int] = {}
    known: dict[int, int] = {}
    for entry in world.history:
        if isinstance(entry, Issued):
            owner = entry.write.record.owner
            known[id(entry)] = max(in_status.get(owner, 0), in_memory.get((entry.by, owner), 0))
        if isinstance(entry, Stored) and entry.object.get("status", {}).get("record", {}).get("latched"):
            in_status[entry.uid] = entry.object["status"]["record"]["attempt"]
        if not isinstance(entry, Changed):
            continue
        record = entry.after.record
        if entry.rises and entry.cause is not None and record is not None:
            owner, attempt = in_redis.get(entry.key, ("", 0))
            # What is known when it is sent: one that the network holds up meets what stands there when it comes.
            floor = max(known[id(entry.cause)], attempt if owner == record.owner else 0)
            if record.attempt <= floor:
                message = f"{entry.by} raised {entry.key} in attempt {record.attempt}, rolled back before"
                yield Violation(entry.at, message)
        latched = record is not None and record.latched
        if latched and record is not None:
            in_redis[entry.key] = (record.owner, record.attempt)
            in_memory[entry.by, record.owner] = record.attempt
        elif entry.cause is None:
            in_redis.pop(entry.key, None)


def zero_comes_back(world: World) -> Iterator[Violation]:
    """What a failover brings back of an attempt that is rolled back by its status goes to zero at the next round."""
    hindered = Hindrances(world)
    latched: dict[str, int] = {}
    history = list(world.history)
    for place, entry in enumerate(history):
        if isinstance(entry, Stored) and entry.object.get("status", {}).get("record", {}).get("latched"):
            latched[entry.uid] = entry.object["status"]["record"]["attempt"]
        if not isinstance(entry, Changed) or entry.cause is not None or not entry.rises or entry.after.record is None:
            continue
        record = entry.after.record
        if record.attempt > latched.get(record.owner, 0) or hindered.crashed(entry.at, entry.at + AGAIN):
            continue
        deadline = hindered.extended(entry.at, AGAIN)
        later = (one for one in history[place + 1 :] if isinstance(one, Changed) and one.key == entry.key)
        if deadline < world.now() and not any(one.at <= deadline for one in later):
            message = f"{entry.key} is back at {entry.after.in_force} % of a rolled back attempt until {deadline:.2f} s"
            yield Violation(entry.at, message)
