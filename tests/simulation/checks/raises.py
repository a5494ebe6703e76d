"""Up must be earned: by evidence, by time, by a person's word where it needs one, and by one status write."""

from collections.abc import Iterator
from dataclasses import dataclass

from mlrollout.api.approval import Approval
from mlrollout.api.spec import Spec, Stage
from mlrollout.domain.record import Rank, Record
from mlrollout.domain.traffic import Raise
from mlrollout.evidence.measurement import Verdict
from mlrollout.ports import Ref

from tests.simulation.world.history import Acted, Changed, Entry, Issued, Judged, Stored
from tests.simulation.world.prometheus import SCRAPE
from tests.simulation.world.world import World

from .evidence import SLACK, TOLERANCE, Evidence, begins, skews, status_rank
from .violation import Violation

BEHIND = 45.0
"""Seconds by which the samples of a block may be older: it lasts 5 s, as the wait for it does, and ends two scrapes
ago, which are taken to lie 15 s apart until samples have told."""


def no_unearned_raise(world: World) -> Iterator[Violation]:
    """A rise in Redis follows fresh evidence of its stage, the time of the stage before, and its approval."""
    judge = _Judge(world)
    unearned: dict[int, list[str]] = {}
    for entry in world.history:
        if isinstance(entry, Issued) and isinstance(entry.write, Raise):
            unearned[id(entry)] = list(judge.unearned(entry))
        if isinstance(entry, Changed) and entry.rises and entry.cause is not None:
            for why in unearned.get(id(entry.cause), ["it was not sent as a raise"]):
                yield Violation(entry.at, f"{entry.by} raised {entry.key} to {entry.after.in_force} %, but {why}")
        judge.take(entry)


def a_raise_knows_what_it_raises(world: World) -> Iterator[Violation]:
    """Right before a raise, Redis holds what its raiser last saw there."""
    for entry in world.history.of(Changed):
        if not entry.rises or entry.cause is None:
            continue
        known = entry.cause.known.record if entry.cause.known is not None else None
        if _rank(known) != _rank(entry.before.record):
            message = f"{entry.by} raised {entry.key} from {_rank(entry.before.record)}, having seen {_rank(known)}"
            yield Violation(entry.at, message)


def a_raise_is_won_by_a_status_write(world: World) -> Iterator[Violation]:
    """Before Redis sees a raise, the status holds its record; and the status never goes back to a lesser one."""
    newest: dict[str, Rank] = {}
    for entry in world.history:
        if isinstance(entry, Issued) and isinstance(entry.write, Raise):
            record = entry.write.record
            if newest.get(record.owner) is None or newest[record.owner] < record.rank:
                message = f"{entry.by} sends a raise to {record.rank}; the status holds {newest.get(record.owner)}"
                yield Violation(entry.at, message)
        if isinstance(entry, Stored) and entry.object.get("status", {}).get("record"):
            rank = status_rank(entry)
            if rank < newest.get(entry.uid, rank):
                yield Violation(entry.at, f"{entry.by} puts the status of {entry.ref} back to {rank}")
            newest[entry.uid] = max(rank, newest.get(entry.uid, rank))


def _rank(record: Record | None) -> Rank | None:
    return None if record is None else record.rank


@dataclass(frozen=True, slots=True)
class _Case:
    """A raise that is about to be sent."""

    issued: Issued
    spec: Spec
    stage: Stage
    looks: dict[str, Judged]
    again: bool
    """Whether Redis held this record before and lost it."""

    @property
    def record(self) -> Record:
        return self.issued.write.record

    @property
    def first(self) -> bool:
        return self.stage == self.spec.stages[0]


class _Judge:
    """Says what is wrong with a raise at the moment it is sent."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._evidence = Evidence(world.history)
        self._words: list[Acted] = []
        self._slack = SLACK + skews(world.history)
        self._specs: dict[tuple[str, int], Spec] = {}

    def take(self, entry: Entry) -> None:
        """Take in what happened next."""
        self._evidence.take(entry)
        if isinstance(entry, Acted) and entry.act == "verb":
            self._words.append(entry)

    def unearned(self, issued: Issued) -> Iterator[str]:
        """What is missing for a raise to be earned."""
        spec = self._spec(issued)
        record = issued.write.record
        stage = next((stage for stage in spec.stages if stage.name == record.stage), None)
        if stage is None or stage.percentage != record.percentage:
            yield f"the spec has no stage {record.stage} at {record.percentage} %"
            return
        held = self._evidence.held[issued.key]
        again = (record.owner, record.rank) in held.first
        case = _Case(issued, spec, stage, self._evidence.looks(issued.by, record.owner), again)
        yield from self._evidence_missing(case)
        if not again and not case.first:
            yield from self._stage_unserved(case)
        if not again and stage.approval is Approval.MANUAL and not self._said(issued.ref, "approve", "promote"):
            yield f"nobody approved stage {stage.name}"

    def _evidence_missing(self, case: _Case) -> Iterator[str]:
        since = self._since(case)
        for guardrail in case.spec.guardrails:
            if not guardrail.gates:
                continue
            look = case.looks.get(guardrail.name)
            if look is None or look.guardrail != guardrail:
                yield f"{guardrail.name} was never looked at"
                continue
            verdict, age = look.measurement.verdict, case.issued.clock - look.measurement.at
            if verdict in (Verdict.BREACH, Verdict.ERROR) or (verdict is not Verdict.PASS and not case.first):
                yield f"{guardrail.name} says {verdict}"
            if age > guardrail.max_age + TOLERANCE:
                yield f"the last look at {guardrail.name} is {age:.2f} s old"
            oldest = guardrail.max_age + guardrail.deadline + SCRAPE + (BEHIND if guardrail.sequential else 0.0)
            if verdict is Verdict.PASS and look.at - look.sampled > oldest:
                yield f"{guardrail.name} passes on samples that are {look.at - look.sampled:.2f} s old"
            if begins(look) < since - self._slack + SLACK - TOLERANCE:
                yield f"{guardrail.name} looks back to {begins(look):.2f} s, before {since:.2f} s"

    def _since(self, case: _Case) -> float:
        """What evidence must not reach back before: its stage, or the end of an earlier attempt's traffic."""
        held = self._evidence.held[case.issued.key]
        if case.again:
            return float("-inf")
        if not case.first:
            return held.known_since(case.issued.by)
        return held.ended(case.record.attempt, case.issued.by)

    def _stage_unserved(self, case: _Case) -> Iterator[str]:
        known = case.issued.known
        left = known.record if known is not None else None
        names = [stage.name for stage in case.spec.stages]
        if left is None or left.stage not in names:
            yield f"it enters {case.stage.name} from no stage"
            return
        place = names.index(left.stage)
        if names.index(case.stage.name) != place + 1:
            yield f"it goes from {left.stage} to {case.stage.name}"
        since = self._evidence.held[case.issued.key].first.get((left.owner, left.rank), 0.0)
        served = self._evidence.good_seconds(case.record.owner, since, case.issued.at)
        wanted = case.spec.stages[place].duration
        if served < wanted - self._slack and not self._said(case.issued.ref, "promote"):
            yield f"{left.stage} was seen healthy for {served:.2f} s since {since:.2f} s, and must be for {wanted:g} s"

    def _said(self, ref: Ref, *verbs: str) -> bool:
        return any(word.target == ref.name and word.value[0] in verbs for word in self._words)  # type: ignore[index]  # a verb's value

    def _spec(self, issued: Issued) -> Spec:
        found = self._world.api.versions[issued.version]
        name = (found["metadata"]["uid"], found["metadata"]["generation"])
        if name not in self._specs:
            self._specs[name] = Spec.model_validate(found["spec"])
        return self._specs[name]
